"""The text of files that people edit: without what editors add to it.

This module must never take a file that a person saved in another form for a corrupt one.
"""

from __future__ import annotations

from .errors import UnsupportedError

MARK = b"\xef\xbb\xbf"
"""The byte order mark of UTF-8, with which some editors begin a file."""

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")

IS_UTF_16 = "it is UTF-16; save it as UTF-8"


def is_utf_16(contents: bytes) -> bool:
    """Whether `contents` begin with a byte order mark of UTF-16."""
    return contents.startswith(_UTF_16)


def without_mark(path: str, contents: bytes) -> bytes:
    """What the file at `path` holds, without the byte order mark of UTF-8.

    Raises `UnsupportedError` if it is UTF-16.
    """
    if is_utf_16(contents):
        raise UnsupportedError(path, IS_UTF_16)
    return contents.removeprefix(MARK)
