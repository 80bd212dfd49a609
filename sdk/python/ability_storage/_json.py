"""JSON as the files of a state hold it: indented, in UTF-8, the same for all languages.

What is written must be read back as the same value, here and by the SDKs of other
languages. A file that is JSON but holds a value which could not be written again must be
refused and left as it is, not taken for a corrupt one.
"""

from __future__ import annotations

import copy as _copy
import gc
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from ._nesting import has_half_pair, nesting
from ._text import without_mark
from ._values import MAX_DEPTH, MAX_INTEGER, MIN_INTEGER, RefusedError, check
from .errors import CorruptError, NotSerializableError, UnsupportedError

TOO_DEEP = f"it is nested more than {MAX_DEPTH} times; make it flatter"

_MAX_INTEGER_DIGITS = 20

_MAX_REMEMBERED = 4
"""There are some ten thousand numbers that are no longer."""


def decode(path: str, contents: bytes) -> Any:
    """The value in the file at `path`.

    Raises `CorruptError` if it is not JSON, `UnsupportedError` if it is JSON that could
    not be written again as it is.
    """
    contents = without_mark(path, contents)
    found = nesting(contents)
    if found.depth > MAX_DEPTH:
        raise (UnsupportedError if found.is_closed else CorruptError)(path, TOO_DEEP)
    refused: list[str] = []
    if has_half_pair(contents):
        refused.append("it holds half of a surrogate pair; remove that")
    try:
        value = _parse(contents.decode(), refused)
    except (ValueError, RecursionError) as error:
        raise CorruptError(path, str(error)) from error
    if refused:
        raise UnsupportedError(path, refused[0])
    return value


def encode(path: str, value: Any) -> bytes:
    """What is to be written for `value`."""
    try:
        check(value)
    except RefusedError as error:
        raise NotSerializableError(path, str(error)) from None
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False).encode()


def copy(value: Any) -> Any:
    """A value that shares nothing with `value` that can be changed."""
    return _copy.deepcopy(value)


def _parse(text: str, refused: list[str]) -> Any:
    """The value of `text`; adds to `refused` what could not be written again."""

    def integer(token: str) -> float:
        if token == "-0":
            # No integer: the other languages keep its sign.
            return -0.0
        value = int(token) if len(token) <= _MAX_INTEGER_DIGITS else MAX_INTEGER + 1
        if not MIN_INTEGER <= value <= MAX_INTEGER:
            refused.append(f"its number {_short(token)} is beyond 64 bits; write it as text")
        return value

    def fraction(token: str) -> float:
        value = float(token)
        if math.isinf(value):
            refused.append(f"its number {_short(token)} is beyond 64 bits; write it as text")
        return value

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            refused.append(f"its member {_repeated(pairs)} is there twice; keep one of the two")
        return value

    with without_collection():
        return json.loads(
            text,
            parse_int=_Remembered(integer).__getitem__,
            parse_float=_Remembered(fraction).__getitem__,
            parse_constant=_not_json,
            object_pairs_hook=members,
        )


@contextmanager
def without_collection() -> Iterator[None]:
    """Turns garbage collection off while JSON is parsed.

    What is parsed holds no cycles, and to look for some again and again takes longer than to
    parse it.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Remembered(dict[str, float]):
    """The values of short numbers, so that no Python is run for each of millions."""

    def __init__(self, read: Callable[[str], float]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, token: str) -> float:
        value = self._read(token)
        if len(token) <= _MAX_REMEMBERED:
            self[token] = value
        return value


def _repeated(pairs: list[tuple[str, Any]]) -> str:
    seen = set()
    for name, _ in pairs:
        if name in seen:
            return json.dumps(name, ensure_ascii=False)
        seen.add(name)
    raise AssertionError


def _short(token: str) -> str:
    return token if len(token) <= 40 else f"{token[:40]}…"  # noqa: PLR2004


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
