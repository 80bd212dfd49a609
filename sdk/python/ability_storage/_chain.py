"""The records of an audit log, verified one by one as they are read, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from . import _audit
from ._audit import Head, Record
from ._calls import FileEnd
from ._gap import Break, Gap
from .errors import BrokenChainError


class Lines(Protocol):
    """Where lines come from."""

    def readline(self, size: int, /) -> bytes: ...


@dataclass(slots=True)
class Chain:
    """A chain as far as it was read."""

    head: Head = _audit.START

    end: FileEnd = FileEnd()  # noqa: RUF009 - it cannot be changed
    """How the file ends up to what was read."""

    last_break: Break | None = None
    """The last recorded break that was passed."""

    gap: Gap | None = None
    """What stands behind the chain where it breaks; all of it, once there was an error."""

    def check_kept(self, path: str, kept: Head) -> None:
        """Whether the chain that has just come to its head may be one that had `kept`."""
        found = self.last_break
        if found is not None and found.record > kept.count:
            reason = f"{found.reason}; record {found.record} says so"
            raise BrokenChainError(path, found.record, reason)
        if self.head.count == kept.count and self.head.hash != kept.hash:
            reason = f"its hash is {self.head.hash}, but the head that was kept says {kept.hash}"
            raise BrokenChainError(path, kept.count, reason)

    def check_end(self, path: str, kept: Head) -> None:
        """Whether the chain has as many records as it had with `kept`."""
        if self.head.count < kept.count:
            reason = f"it is missing, for the head that was kept counts {kept.count} records"
            raise BrokenChainError(path, self.head.count + 1, reason)


def read_chain(path: str, lines: Lines, chain: Chain) -> Iterator[Record]:
    """The records of `lines`, which come behind what `chain` has; it goes along."""
    while line := _line(lines, chain):
        try:
            record = _audit.parse(line)
            chain.head = _audit.follow(chain.head, record)
        except _audit.BrokenError as broken:
            record = _pass_gap(path, lines, chain, line, str(broken))
        yield record


def _pass_gap(path: str, lines: Lines, chain: Chain, line: bytes, reason: str) -> Record:
    """From a line that does not follow to the record that continues the chain."""
    gap = Gap(chain.head, reason)
    while line:
        gap.add(line)
        line = _line(lines, chain)
        record = gap.continued_by(line) if line else None
        if record is not None:
            chain.head = Head(record.sequence, record.hash)
            chain.last_break = gap.recorded()
            return record
    chain.gap = gap
    raise BrokenChainError(path, chain.head.count + 1, reason)


def _line(lines: Lines, chain: Chain) -> bytes:
    line = lines.readline(_audit.MAX_LINE)
    chain.end = chain.end.and_then(line)
    return line
