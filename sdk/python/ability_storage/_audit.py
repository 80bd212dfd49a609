"""The records of an audit log: a hash chain, each record one line of text.

A record has exactly one form, and a line that deviates from it in any byte is refused;
so a change of any byte of the file is found. Pure: nothing here touches a file or a
clock.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from ._text import MARK, is_utf_16

MAX_PAYLOAD = 64 * 1024
"""The longest payload of a record, in bytes."""

MAX_LINE = 2 * 20 + 2 * 64 + 4 + 1 + 4 * MAX_PAYLOAD
"""Numbers of 20 digits, hashes of 64, four spaces, the line feed, an escaped payload."""

ZERO = "0" * 64
"""The hash that comes before the first record."""

_U64 = 2**64
_LINE = re.compile(r"(\+?[0-9]+) (\+?[0-9]+) ([0-9a-f]{64}) ([0-9a-f]{64}) ([^\n]*)\n", re.ASCII)

# Control characters, the line ends of Unicode, and bytes that are not UTF-8.
_ESCAPED = (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0xDC80, 0xDD00))


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends. Who keeps one elsewhere can tell later if a record is missing."""

    count: int
    """How many records there are."""

    hash: str
    """The hash of the last record; zeros if there is none."""


START = Head(0, ZERO)


@dataclass(frozen=True, slots=True)
class Record:
    """One record of an audit log."""

    sequence: int
    """1 for the first record, then one more each time."""

    time: int
    """When it was recorded, in seconds since 1970."""

    previous: str
    """The hash of the record before; zeros for the first."""

    payload: bytes
    """What was recorded."""

    @property
    def hash(self) -> str:
        """SHA-256 over sequence, previous, the payload's SHA-256 and time: 80 bytes."""
        encoded = b"".join(
            (
                self.sequence.to_bytes(8, "big"),
                bytes.fromhex(self.previous),
                hashlib.sha256(self.payload).digest(),
                self.time.to_bytes(8, "big"),
            )
        )
        return hashlib.sha256(encoded).hexdigest()

    def to_line(self) -> bytes:
        """Its line, with the line feed."""
        fields = f"{self.sequence} {self.time} {self.previous} {self.hash} "
        return f"{fields}{escape(self.payload)}\n".encode()


class BrokenError(Exception):
    """What is wrong with a record, in words for a person."""


def parse(line: bytes) -> Record:
    """The record of `line`, with its line feed."""
    if edited := _edited(line):
        raise BrokenError(f"its line {edited}")
    if not line.endswith(b"\n"):
        raise BrokenError("its line " + ("has no end" if len(line) < MAX_LINE else "is too long"))
    record, claimed = _fields(line)
    if record.hash != claimed:
        raise BrokenError(f"its hash is {record.hash}, but the line says {claimed}")
    if record.to_line() != line:
        raise BrokenError("its line is not in the form in which this log writes")
    return record


def _edited(line: bytes) -> str | None:
    """What an editor has made of the line, and how to undo that."""
    if is_utf_16(line):
        return "begins with the mark of UTF-16: save the file as UTF-8, without a mark"
    if line.startswith(MARK):
        return "begins with a byte order mark: save the file without it"
    if line.endswith(b"\r\n"):
        return "ends in a carriage return: save the file with line feeds alone"
    return None


def next_record(head: Head, payload: bytes, time: int) -> Record:
    """The record of `payload` that follows `head`."""
    return Record(head.count + 1, time, head.hash, payload)


def follow(head: Head, record: Record) -> Head:
    """The head after `record`, if that follows `head`."""
    if record.sequence != head.count + 1:
        raise BrokenError(f"its sequence is {record.sequence}")
    if record.previous != head.hash:
        raise BrokenError(
            f"it follows {record.previous}, but the hash of the record before is {head.hash}"
        )
    return Head(record.sequence, record.hash)


def escape(payload: bytes) -> str:
    r"""Readable text as it is, all else as `\xNN`, byte by byte.

    >>> print(escape(b"caf\xc3\xa9 \\ \xff\x00"))
    café \\ \xff\x00
    """
    return payload.decode("utf-8", "surrogateescape").translate(_ESCAPES)


def unescape(text: bytes) -> bytes | None:
    """What `escape` made into `text`; `None` if there is a backslash too many."""
    first, *parts = text.split(b"\\")
    payload = [first]
    is_literal = False
    for part in parts:
        if is_literal:
            # It follows a backslash that is doubled.
            payload.append(part)
            is_literal = False
        elif not part:
            payload.append(b"\\")
            is_literal = True
        elif (byte := _BYTES.get(part[:3])) is not None:
            payload += (byte, part[3:])
        else:
            return None
    return None if is_literal else b"".join(payload)


def _escaped(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


_ESCAPES = {code: _escaped(chr(code)) for code in _ESCAPED} | {ord("\\"): "\\\\"}
_DIGITS = "0123456789abcdefABCDEF"
_BYTES = {f"x{a}{b}".encode(): bytes.fromhex(a + b) for a in _DIGITS for b in _DIGITS}


def _fields(line: bytes) -> tuple[Record, str]:
    try:
        match = _LINE.fullmatch(line.decode())
    except UnicodeDecodeError:
        match = None
    if match is not None:
        sequence, time, previous, claimed, text = match.groups()
        payload = unescape(text.encode())
        # A number of more digits is none, and Python would take its time with it.
        short = max(len(sequence), len(time)) <= MAX_LINE // 1024
        if payload is not None and short and int(sequence) < _U64 and int(time) < _U64:
            return Record(int(sequence), int(time), previous, payload), claimed
    raise BrokenError("its line is not one of an audit log")
