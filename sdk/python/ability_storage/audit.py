"""`AuditLog`: a log in which no record can be changed unseen.

Must never add to a chain that it has not verified, and never write anything but whole
records at the end.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import suppress

from . import _audit
from ._audit import Head, Record
from .errors import (
    BrokenChainError,
    LogChangedError,
    NotFoundError,
    RecordTooLongError,
    StorageError,
    UnconfirmedError,
)
from .files import Contents, append_file, check_path, scope_of, stat_file, to_bytes
from .streams import open_reader


class AuditLog:
    r"""A log in which no record can be changed unseen.

    Each record is one line of a text file, and names the SHA-256 hash of the one
    before. A record that `append` acknowledged is there after a kill or a power cut,
    whole and in its place. To append costs the same however long the log is; to open
    it reads all of it once, in bounded memory, and verifies it.

    >>> log = AuditLog("audit.log")
    >>> head = log.append("the door was unlocked")
    >>> head.count, AuditLog.verify("audit.log") == head
    (1, True)
    >>> [record.payload for record in AuditLog.records("audit.log")]
    [b'the door was unlocked']

    Whatever is changed, removed or inserted before the last record breaks the chain. A
    log that is broken is never added to and never overwritten: `BrokenChainError`. The
    log alone cannot show that its last records are missing, or that someone has written
    all of it anew; who must know that keeps a `Head` where others cannot write.

    A log has one writer at a time: give each a log of its own. Where someone else has
    added to it since it was opened, `append` raises `LogChangedError` and writes
    nothing; but that is no lock, and of two that append within the same moment both
    succeed, and the log is broken from then on.

    A line is `<sequence> <time> <previous> <hash> <payload>`: time in seconds since
    1970, hashes in 64 hexadecimal digits. The payload stands there as it is, except for
    a backslash, which is doubled, and for what is no readable text, as `\\xNN`.
    """

    MAX_PAYLOAD = _audit.MAX_PAYLOAD
    """The longest payload of a record: 64 KiB."""

    def __init__(self, path: str, in_ability_directory: bool = True) -> None:
        scope_of(in_ability_directory)
        self._path = check_path(path)
        self._in_ability_directory = in_ability_directory
        try:
            self._head, self._size = _read_to_the_end(path, in_ability_directory)
        except NotFoundError:
            self._head, self._size = _audit.START, 0

    def append(self, payload: Contents) -> Head:
        """Adds a record of `payload` at the end, durably. Returns the new head.

        Raises `RecordTooLongError`, or `LogChangedError` if someone else changed the
        file: then open it anew. After `UnconfirmedError` look at `head`: if it counts
        the record, that is in the log, but a power cut may undo it.
        """
        data = to_bytes(payload)
        if len(data) > self.MAX_PAYLOAD:
            raise RecordTooLongError(self._path, self.MAX_PAYLOAD)
        if self._size_now() != self._size:
            raise LogChangedError(self._path)
        # A clock before 1970 is no reason to lose a record.
        record = _audit.next_record(self._head, data, max(0, int(time.time())))
        line = record.to_line()
        try:
            append_file(self._path, line, self._in_ability_directory)
        except UnconfirmedError:
            # What is not confirmed is in the file mostly: the next record follows it.
            with suppress(StorageError):
                if self._size_now() == self._size + len(line):
                    self._added(record, line)
            raise
        self._added(record, line)
        return self._head

    @property
    def head(self) -> Head:
        """Where the chain ends, as far as this log wrote or read it."""
        return self._head

    @property
    def count(self) -> int:
        """How many records there are, as far as this log wrote or read them."""
        return self._head.count

    @staticmethod
    def verify(path: str, in_ability_directory: bool = True) -> Head:
        """Verifies the log at `path`. Returns where its chain ends.

        Raises `NotFoundError` if there is no file, `BrokenChainError` if the chain does
        not hold.
        """
        return _read_to_the_end(path, in_ability_directory)[0]

    @staticmethod
    def records(path: str, in_ability_directory: bool = True) -> Iterator[Record]:
        """The records of the log at `path`, each verified before it is given."""
        return _records(path, in_ability_directory)

    def _added(self, record: Record, line: bytes) -> None:
        self._head = Head(record.sequence, record.hash)
        self._size += len(line)

    def _size_now(self) -> int:
        try:
            return stat_file(self._path, self._in_ability_directory).size
        except NotFoundError:
            return 0


def _records(path: str, in_ability_directory: bool) -> Generator[Record, None, tuple[Head, int]]:
    """The records; in the end, the head and the length of all lines."""
    head, size = _audit.START, 0
    with open_reader(path, in_ability_directory) as reader:
        while line := reader.readline(_audit.MAX_LINE):
            try:
                record = _audit.parse(line)
                head = _audit.follow(head, record)
            except _audit.BrokenError as broken:
                raise BrokenChainError(path, head.count + 1, str(broken)) from None
            size += len(line)
            yield record
    return head, size


def _read_to_the_end(path: str, in_ability_directory: bool) -> tuple[Head, int]:
    records = _records(path, in_ability_directory)
    while True:
        try:
            next(records)
        except StopIteration as end:
            head, size = end.value
            return head, size
