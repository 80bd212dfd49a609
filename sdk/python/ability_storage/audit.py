"""`AuditLog`: a log in which no record can be changed unseen.

Must never add to a chain that it has not verified, and never write anything but whole
records at the end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO

from . import _audit
from ._audit import Head, Record
from ._calls import FileEnd
from ._chain import Chain, read_chain
from ._gap import Break
from ._retry import Faster, again
from .batch import Batch, check_batch
from .errors import (
    BrokenChainError,
    LogChangedError,
    NotFoundError,
    OtherEndError,
    RecordTooLongError,
    StorageError,
    UnconfirmedError,
)
from .files import Contents, append_file_if, check_path, scope_of, to_bytes
from .streams import Reader, open_reader


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is in the file of an audit log, whole or broken."""

    head: Head
    """Where the chain ends, as far as it can be followed."""

    breaks: tuple[Break, ...]
    """The breaks that `AuditLog.continue_broken` has recorded."""

    broken: BrokenChainError | None
    """Where the chain breaks for good, if it does."""

    broken_size: int
    """How many bytes stand behind the last record that follows the chain."""


class AuditLog:
    r"""A log in which no record can be changed unseen.

    Each record is one line of a text file, and names the SHA-256 hash of the one
    before. A record that `append` acknowledged is there after a kill or a power cut,
    whole and in its place. To append costs the same however long the log is; to open
    it reads all of it once, in bounded memory, and verifies it.

    >>> log = AuditLog("audit.log")
    >>> head = log.append("the door was unlocked")
    >>> head.count, AuditLog.verify("audit.log", head=head) == head
    (1, True)
    >>> [record.payload for record in AuditLog.records("audit.log")]
    [b'the door was unlocked']

    Whatever is changed, removed or inserted before the last record breaks the chain.
    The log alone cannot show that its last records are missing, or that someone has
    written all of it again. Keep a `Head` elsewhere, and give it to `verify`.

    Any number of writers, in any number of processes, may have a log open. A record is
    appended on condition that the file still ends where this writer saw it end. If
    another writer was faster, its records are read and verified, and the append is tried
    again behind them, for at most a minute.

    A log that is broken is never overwritten, and nothing is appended behind the break:
    `BrokenChainError`. `inspect` shows where the break is and what is left.
    `continue_broken` leaves everything in its place and appends a record that says where
    the chain was broken, and whose hash covers all bytes that do not follow it. `verify`
    still reports such a break; keep the head that `continue_broken` gives, and verify
    with it.

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
        self._head, self._end = _audit.START, FileEnd()
        with suppress(NotFoundError):
            self._come_to(_read_all(path, in_ability_directory))

    def append(self, payload: Contents) -> Head:
        """Adds a record of `payload` at the end, durably. Returns the new head.

        Records that other writers have appended meanwhile come before it. Raises
        `RecordTooLongError`; `LogChangedError` if the file does not have the records any
        more that this writer knows of; `BrokenChainError` if what another writer has
        appended does not follow; `OtherEndError` if others were faster for a minute.
        After `UnconfirmedError` look at `head`: if it counts the record, that is in the
        log, but a power cut may undo it.
        """
        data = to_bytes(payload, self._path)
        if len(data) > self.MAX_PAYLOAD:
            raise RecordTooLongError(self._path, self.MAX_PAYLOAD)
        is_first = True

        def attempt() -> Head:
            nonlocal is_first
            if not is_first:
                self._follow()
            is_first = False
            record = _audit.next_record(self._head, data, _now())
            self._append_line(record.to_line(), Head(record.sequence, record.hash))
            return self._head

        return again(attempt)

    def append_in(self, batch: Batch, payload: Contents) -> Head:
        """Like `append`, as a part of `batch`: made with its other steps, or not at all.

        `head` is the new head, which is returned, as soon as the batch is committed. The
        commit is refused if anyone else has appended. For a batch the whole log is read,
        and it must not be longer than what one call may carry (`TooLargeError`).
        """
        data = to_bytes(payload, self._path)
        if len(data) > self.MAX_PAYLOAD:
            raise RecordTooLongError(self._path, self.MAX_PAYLOAD)
        check_batch(batch, self._in_ability_directory)
        contents = batch.read(self._path) or b""
        size, last_bytes = self._end.size, self._end.last_bytes
        if len(contents) < size or not contents[:size].endswith(last_bytes):
            raise LogChangedError(self._path)
        chain = Chain(self._head, self._end)
        for _ in read_chain(self._path, BytesIO(contents[size:]), chain):
            pass
        record = _audit.next_record(chain.head, data, _now())
        line, head = record.to_line(), Head(record.sequence, record.hash)
        batch.append(self._path, line)
        end = chain.end.and_then(line)
        batch._then(lambda _: self._set(head, end))
        return head

    @property
    def head(self) -> Head:
        """Where the chain ends, as far as this log wrote or read it."""
        return self._head

    @property
    def count(self) -> int:
        """How many records there are, as far as this log wrote or read them."""
        return self._head.count

    @staticmethod
    def verify(path: str, in_ability_directory: bool = True, *, head: Head | None = None) -> Head:
        """Verifies the log at `path`. Returns where its chain ends.

        With a `head` that was kept where nobody could change it, it also verifies that
        the log still has every record up to that one; a break that was recorded before
        it is accepted. Raises `NotFoundError` if there is no file, `BrokenChainError` if
        the chain is broken, or if a record is missing or is another one.
        """
        kept = head or _audit.START
        chain = Chain()
        with open_reader(path, in_ability_directory) as reader:
            for _ in read_chain(path, reader, chain):
                chain.check_kept(path, kept)
        chain.check_end(path, kept)
        return chain.head

    @staticmethod
    def inspect(path: str, in_ability_directory: bool = True) -> Inspection:
        """Reads all of the log and reports what is there, whether or not it holds.

        Raises `NotFoundError` if there is no file.
        """
        chain = Chain()
        breaks: list[Break] = []
        broken = None
        with open_reader(path, in_ability_directory) as reader:
            try:
                for _ in read_chain(path, reader, chain):
                    if chain.last_break is not None and chain.last_break not in breaks[-1:]:
                        breaks.append(chain.last_break)
            except BrokenChainError as error:
                broken = error
        size = chain.gap.size if chain.gap else 0
        return Inspection(chain.head, tuple(breaks), broken, size)

    @classmethod
    def continue_broken(cls, path: str, in_ability_directory: bool = True) -> AuditLog:
        """Opens a log whose chain is broken, and continues it behind the break.

        Everything in the file stays as it is, and a record is appended that says where
        the chain was broken. It follows the last record that holds, and its hash covers
        all bytes in between. A log that is not broken is opened, and nothing is
        appended. After `UnconfirmedError` the call can be made again.
        """

        def attempt() -> AuditLog:
            try:
                return cls(path, in_ability_directory)
            except BrokenChainError:
                pass
            log = cls.__new__(cls)
            log._path, log._in_ability_directory = path, in_ability_directory
            chain = Chain()
            with suppress(BrokenChainError), open_reader(path, in_ability_directory) as reader:
                for _ in read_chain(path, reader, chain):
                    pass
            log._come_to(chain)
            if chain.gap is not None:
                log._append_line(*chain.gap.continued(_now()))
            return log

        return again(attempt)

    @staticmethod
    def records(path: str, in_ability_directory: bool = True) -> Iterator[Record]:
        """The records of the log at `path`, each verified before it is given."""
        with open_reader(path, in_ability_directory) as reader:
            yield from read_chain(path, reader, Chain())

    def _append_line(self, line: bytes, head: Head) -> None:
        """Appends what leads to `head`, if nobody was faster."""
        try:
            end = append_file_if(self._path, line, self._in_ability_directory, end=self._end)
        except OtherEndError as conflict:
            raise Faster(conflict) from None
        except UnconfirmedError:
            # It comes next, or is nowhere: that was the condition.
            with suppress(StorageError):
                if self._is_next(line):
                    self._head, self._end = head, self._end.and_then(line)
            raise
        self._head, self._end = head, end

    def _come_to(self, chain: Chain) -> None:
        self._set(chain.head, chain.end)

    def _set(self, head: Head, end: FileEnd) -> None:
        self._head, self._end = head, end

    def _follow(self) -> None:
        """Reads and verifies what other writers have appended."""
        chain = Chain(self._head, self._end)
        try:
            with open_reader(self._path, self._in_ability_directory) as reader:
                self._skip_known(reader)
                for _ in read_chain(self._path, reader, chain):
                    pass
        except NotFoundError:
            if self._end.size:
                raise LogChangedError(self._path) from None
        self._come_to(chain)

    def _is_next(self, line: bytes) -> bool:
        """Whether the file goes on with this line."""
        with open_reader(self._path, self._in_ability_directory) as reader:
            self._skip_known(reader)
            return reader.read(len(line)) == line

    def _skip_known(self, reader: Reader) -> None:
        """To what stands behind the records that are known, if those are still there."""
        size, last_bytes = self._end.size, self._end.last_bytes
        if reader.size >= size:
            reader.skip(size - len(last_bytes))
            if reader.read(len(last_bytes)) == last_bytes:
                return
        raise LogChangedError(self._path)


def _now() -> int:
    # A clock before 1970 is no reason to lose a record.
    return max(0, int(time.time()))


def _read_all(path: str, in_ability_directory: bool) -> Chain:
    chain = Chain()
    with open_reader(path, in_ability_directory) as reader:
        for _ in read_chain(path, reader, chain):
            pass
    return chain
