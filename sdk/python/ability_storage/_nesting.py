"""How deeply JSON text is nested, found before it is parsed.

In the sandbox, a parser that exhausts the stack ends the program. Time and memory grow
no faster than the text, whatever it holds and wherever it is cut off: no regular
expression, and no loop over single characters.
"""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

BLOCK = 64 * 1024
"""How many bytes are looked at together, so that the work needs little memory."""

_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_OTHERS = bytes(set(range(256)) - set(b'[{]}"'))


class Nesting(NamedTuple):
    """What the brackets outside of strings say."""

    depth: int
    """How many arrays and objects are inside each other at most."""

    is_closed: bool
    """Whether all of them, and the last string, have an end."""


def nesting(contents: bytes) -> Nesting:
    """The nesting of JSON in UTF-8. Says little of text that is not JSON."""
    deepest = depth = at = 0
    in_string = False
    while at < len(contents):
        block = contents[at : at + BLOCK]
        if (len(block) - len(block.rstrip(b"\\"))) % 2:
            # The last backslash belongs to what follows it.
            block = contents[at : at + len(block) + 1]
        at += len(block)
        unescaped = block.replace(rb"\\", b"").replace(rb"\"", b"")
        parts = unescaped.translate(_STEPS, _OTHERS).split(b'"')
        steps = b"".join(parts[in_string::2])
        in_string ^= len(parts) % 2 == 0
        highest = max(accumulate(memoryview(steps).cast("b"), initial=depth))
        deepest = max(deepest, highest)
        depth += 2 * steps.count(1) - len(steps)
    return Nesting(deepest, depth == 0 and not in_string)


def is_deeper(text: str, limit: int) -> bool:
    """Whether more than `limit` arrays and objects are inside each other."""
    return nesting(text.encode("utf-8", "surrogatepass")).depth > limit


def has_half_pair(contents: bytes) -> bool:
    r"""Whether an escape such as `\ud800` is half of a surrogate pair.

    >>> has_half_pair(rb'"\ud83d\ude00"'), has_half_pair(rb'"\\ud800"')
    (False, False)
    >>> has_half_pair(rb'"\uD83D"'), has_half_pair(rb'"\ude00\ud83d"')
    (True, True)
    """
    if rb"\u" not in contents:
        return False
    text = contents.replace(rb"\\", b"  ").lower()
    at = text.find(rb"\ud")
    while at >= 0:
        if text[at + 3 : at + 4] in _HIGH and _is_low(text, at + 6):
            at += 12
        elif text[at + 3 : at + 4] in _LOWER_PLANE:
            at += 6
        else:
            return True
        at = text.find(rb"\ud", at)
    return False


_HIGH = tuple(bytes([digit]) for digit in b"89ab")
_LOW = tuple(bytes([digit]) for digit in b"cdef")
_LOWER_PLANE = tuple(bytes([digit]) for digit in b"01234567")


def _is_low(text: bytes, at: int) -> bool:
    return text.startswith(rb"\ud", at) and text[at + 3 : at + 4] in _LOW
