"""Bytes in an audit log that do not follow the chain, and the record that continues it.

Pure: nothing here touches a file or a clock.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ._audit import BrokenError, Head, Record, parse

_END_OF_TORN_LINE = b"\t\n"
"""Ends a line that has no end, without making a record of it: none has a tab."""


@dataclass(frozen=True, slots=True)
class Break:
    """A break of the chain that `AuditLog.continue_broken` has recorded."""

    record: int
    """The sequence of the record that continues the chain, in place of one that does not
    follow."""

    reason: str
    """What was wrong with that record."""

    size: int
    """How many bytes do not follow the chain."""


class Gap:
    """The bytes behind the last record that follows the chain."""

    def __init__(self, head: Head, reason: str) -> None:
        self.head = head
        self.reason = reason
        self.size = 0
        self._ends_in_line_feed = True
        self._hash = hashlib.sha256(b"ability-storage audit break\n")
        self._hash.update(head.count.to_bytes(8, "big"))
        self._hash.update(bytes.fromhex(head.hash))

    def add(self, contents: bytes) -> None:
        """Adds bytes that do not follow."""
        self._hash.update(contents)
        self.size += len(contents)
        self._ends_in_line_feed = contents.endswith(b"\n")

    def continued(self, time: int) -> tuple[bytes, Head]:
        """What to append to continue the chain behind these bytes, and the head after it."""
        end = b"" if self._ends_in_line_feed else _END_OF_TORN_LINE
        if end:
            # It belongs to the bytes that do not follow.
            self.add(end)
        payload = (
            f"the chain is broken at record {self._sequence}: {self.reason}; "
            f"{self.size} bytes that do not follow it were left in their place"
        )
        record = Record(self._sequence, time, self._previous, payload.encode())
        return end + record.to_line(), Head(record.sequence, record.hash)

    def continued_by(self, line: bytes) -> Record | None:
        """The record of this line, if it continues the chain behind these bytes."""
        try:
            record = parse(line)
        except BrokenError:
            return None
        is_next = record.sequence == self._sequence and record.previous == self._previous
        return record if is_next else None

    def recorded(self) -> Break:
        """This gap, as the record that continues the chain shows it."""
        return Break(self._sequence, self.reason, self.size)

    @property
    def _sequence(self) -> int:
        return self.head.count + 1

    @property
    def _previous(self) -> str:
        """Names head and bytes, where other records have the hash of the one before."""
        return self._hash.hexdigest()
