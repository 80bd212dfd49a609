"""JSON as the files of a state hold it: indented, in UTF-8, the same for all languages.

What is written must be read back as the same value, here and by others: so no number
that JSON does not know, and no key that is not text.
"""

from __future__ import annotations

import copy as _copy
import json
import re
from typing import Any, NoReturn

from .errors import CorruptError, NotSerializableError

MAX_DEPTH = 127
"""How many arrays and objects may be inside each other, the same in all languages."""

TOO_DEEP = f"it is nested more than {MAX_DEPTH} times"

_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BRACKETS = re.compile(r"[\[{]+|[\]}]+")


def decode(path: str, contents: bytes) -> Any:
    """The value in the file at `path`."""
    try:
        text = contents.decode()
        _check_depth(text)
        value = json.loads(text, parse_constant=_refused)
        if b"\\u" in contents:
            # Half a character, which nothing can write again.
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except (ValueError, RecursionError) as error:
        raise CorruptError(path, str(error)) from error


def encode(path: str, value: Any) -> bytes:
    """What is to be written for `value`."""
    try:
        _check(value, 0)
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise NotSerializableError(path, str(error)) from error


def copy(value: Any) -> Any:
    """A value that shares nothing with `value` that can be changed."""
    return _copy.deepcopy(value)


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _check(value: Any, depth: int) -> None:
    if isinstance(value, dict | list | tuple):
        if depth == MAX_DEPTH:
            raise ValueError(TOO_DEEP)
        for inner in value:
            _check(inner, depth + 1)
    if isinstance(value, dict):
        for key, inner in value.items():
            # `json` would write 1 and None as "1" and "null", and lose one of two that clash.
            if not isinstance(key, str):
                raise TypeError(f"the key {key!r} is not a str")
            _check(inner, depth + 1)


def _check_depth(text: str) -> None:
    # In the sandbox, `json` would exhaust the stack, and that ends the program.
    if is_deeper(text, MAX_DEPTH):
        raise ValueError(TOO_DEEP)


def is_deeper(text: str, limit: int) -> bool:
    """Whether more than `limit` arrays and objects are inside each other."""
    if text.count("[") + text.count("{") <= limit:
        return False
    depth = 0
    for brackets in _BRACKETS.findall(_STRING.sub("", text)):
        if brackets[0] in "[{":
            depth += len(brackets)
            if depth > limit:
                return True
        else:
            depth -= len(brackets)
    return False
