"""Which values can be written as JSON: those that all languages read back as equal.

A value that is refused is named by its place, such as `.cities[2].name`.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

MAX_DEPTH = 127
"""How many arrays and objects may be inside each other, the same in all languages."""

MIN_INTEGER = -(2**63)
MAX_INTEGER = 2**64 - 1
"""The integers that Rust and JavaScript read back as they are."""

MAX_SHOWN_BITS = 256
"""The longest integer that a message shows."""


class RefusedError(Exception):
    """A value cannot be written; the text says which, and why."""


def check(value: Any) -> None:
    """That `value` comes back as it is. Raises `RefusedError`."""
    _check(value, [])


def _check(value: Any, place: list[str | int]) -> None:
    if isinstance(value, str):
        if not _is_text(value):
            _refuse(place, "is text with half of a surrogate pair")
    elif isinstance(value, int):
        if not MIN_INTEGER <= value <= MAX_INTEGER:
            _refuse(place, f"is {_digits(value)}, beyond the integers of 64 bits")
    elif isinstance(value, float):
        if not math.isfinite(value):
            _refuse(place, f"is {_not_finite(value)}")
    elif isinstance(value, dict | list):
        if len(place) == MAX_DEPTH:
            _refuse(place, f"is inside of {MAX_DEPTH} arrays and objects, which is the limit")
        _check_members(value, place)
    elif isinstance(value, tuple):
        _refuse(place, f"is a {type(value).__name__}, which would come back as a list")
    elif value is not None:
        _refuse(place, f"is a {type(value).__name__}")


def _check_members(value: dict[Any, Any] | list[Any], place: list[str | int]) -> None:
    place.append("")
    for key, member in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(value, dict):
            # `json` would write 1 and None as "1" and "null", and lose one of two that clash.
            if not isinstance(key, str):
                _refuse(place[:-1], f"has the key {key!r}, which is not a str")
            if not _is_text(key):
                _refuse(place[:-1], "has a key with half of a surrogate pair")
        place[-1] = key
        _check(member, place)
    place.pop()


def _is_text(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse(place: list[str | int], what: str) -> NoReturn:
    raise RefusedError(f"{shown(place)} {what}")


def shown(place: list[str | int]) -> str:
    """A place as a message shows it.

    >>> print(shown(["cities", 2, "the name"]), shown([]))
    .cities[2]["the name"] it
    """
    parts = (
        f".{step}"
        if isinstance(step, str) and step.isascii() and step.isidentifier()
        else f"[{json.dumps(step, ensure_ascii=False)}]"
        for step in place
    )
    return "".join(parts) or "it"


def _digits(value: int) -> str:
    # Python refuses to make text of very long integers.
    bits = value.bit_length()
    return str(value) if bits <= MAX_SHOWN_BITS else f"a number of {bits} bits"


def _not_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
