"""Storage in memory, to test an ability under an ordinary Python.

It does what the host does, with the same errors, and can be told to fail. Nothing
outlives it.

>>> from ability_storage import sdk
>>> with MemoryStorage({"greeting.txt": "hello"}) as storage:
...     sdk.append_file("greeting.txt", ", world")
...     sdk.atomic_write_file("shared.txt", "for all", in_ability_directory=False)
...     print(storage.files())
...     print(storage.files(in_ability_directory=False))
{'greeting.txt': b'hello, world'}
{'shared.txt': b'for all'}

What happens when the disk is full:

>>> with MemoryStorage({"state.json": "{}"}) as storage:
...     storage.disk_full = True
...     try:
...         sdk.atomic_write_file("state.json", "new")
...     except sdk.NoSpaceError as error:
...         print(error)
state.json was not changed: the disk is full
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Literal, Self, TypeVar

from . import _host, _memory
from ._calls import (
    ALWAYS,
    Append,
    Delete,
    FileEnd,
    HostError,
    HostReader,
    HostWriter,
    Info,
    Kind,
    Precondition,
    Rename,
    Scope,
    Snapshot,
    Step,
    Storage,
    Write,
)
from ._memory import Limits, MemoryVolume
from .files import Contents, scope_of, to_bytes

__all__ = ["Failure", "Limits", "MemoryStorage"]

T = TypeVar("T")

Failure = Literal[
    "no-space",
    "quota-exceeded",
    "read-only",
    "unavailable",
    "unconfirmed",
    "unknown-made",
    "unknown-not-made",
    "other",
]
"""What a call can be told to fail with.

`unconfirmed` makes the change, then fails. The outcome of `unknown-made` and of
`unknown-not-made` is `unknown`; one makes the change, the other does not.
"""

_LOST = "may have been changed, or not: a test lost the answer to this call"

_FAILURES: dict[Failure, tuple[Kind, str | None]] = {
    "no-space": (Kind.NO_SPACE, None),
    "quota-exceeded": (Kind.QUOTA_EXCEEDED, "a test told this call to exceed a quota"),
    "read-only": (Kind.READ_ONLY, None),
    "unavailable": (Kind.UNAVAILABLE, "a test told this call to find no storage"),
    "unconfirmed": (Kind.UNCONFIRMED, "a test told this call not to confirm"),
    "unknown-made": (Kind.UNCONFIRMED, _LOST),
    "unknown-not-made": (Kind.UNCONFIRMED, _LOST),
    "other": (Kind.OTHER, "a test told this call to fail"),
}

_MADE: tuple[Failure, ...] = ("unconfirmed", "unknown-made")

# What a call can meet: one that only reads, one that prepares a change, and a change.
_READ: tuple[Failure, ...] = ("unavailable", "other")
_PREPARE: tuple[Failure, ...] = (*_READ, "no-space", "quota-exceeded", "read-only")
_COMMIT: tuple[Failure, ...] = tuple(_FAILURES)


def _failure(told: Failure) -> HostError:
    return HostError(*_FAILURES[told])


class MemoryStorage:
    """Two places for files, in memory. Install it with `with`.

    `files` and `user_files` are what is there at first.
    """

    disk_full: bool
    """Whether every change but a delete fails with `NoSpaceError`."""

    read_only: bool
    """Whether every change fails with `ReadOnlyError`."""

    def __init__(
        self,
        files: Mapping[str, Contents] | None = None,
        *,
        user_files: Mapping[str, Contents] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.disk_full = False
        self.read_only = False
        self._limits = limits or Limits()
        self._volumes = {scope: MemoryVolume(self._limits) for scope in Scope}
        self._previous: list[Storage | None] = []
        self._lock = threading.RLock()
        self._calls = 0
        self._failures: dict[int, Failure] = {}
        self._interference: list[Callable[[], None]] = []
        self._streams = 0
        for scope, given in ((Scope.ABILITY, files), (Scope.USER, user_files)):
            for path, contents in (given or {}).items():
                self._volumes[scope].commit([Step(Write(path, to_bytes(contents, path)), ALWAYS)])

    def __enter__(self) -> Self:
        self._previous.append(_host.install(self))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _host.install(self._previous.pop())

    def files(self, in_ability_directory: bool = True) -> dict[str, bytes]:
        """All files and what they hold, sorted by path."""
        volume = self._volumes[scope_of(in_ability_directory)]
        return {path: volume.files[path].contents for path in volume.list_files("")}

    @property
    def calls(self) -> int:
        """How many calls there were, changes and others."""
        return self._calls

    def fail_call(self, n: int, failure: Failure = "other") -> None:
        """Lets the `n`-th call from now fail, counted from 1.

        If that call cannot meet such a failure, the next one that can meets it: a read is
        never told that the disk is full, or that it was not confirmed.

        >>> from ability_storage import sdk
        >>> with MemoryStorage() as storage:
        ...     storage.fail_call(2, "unconfirmed")
        ...     sdk.append_file("log", "a")
        ...     try:
        ...         sdk.append_file("log", "b")
        ...     except sdk.UnconfirmedError as error:
        ...         print(error.outcome, storage.files())
        unconfirmed {'log': b'ab'}
        """
        if n < 1:
            raise ValueError("calls are counted from 1")
        if failure not in _FAILURES:
            raise ValueError(f"a failure is one of {', '.join(_FAILURES)}, not {failure!r}")
        self._failures[self._calls + n] = failure

    def interfere(self, change: Callable[[], None]) -> None:
        """Calls `change` right before the next change, once: another writer is faster.

        What `change` does with the storage is neither counted nor failed.
        """
        self._interference.append(change)

    # What follows are the calls of the interface.

    def exists(self, path: str, scope: Scope) -> bool:
        return self._read(lambda: self._volumes[scope].exists(path))

    def read(self, path: str, scope: Scope) -> bytes:
        return self._read(lambda: self._volumes[scope].read(path))

    def read_versioned(self, path: str, scope: Scope) -> Snapshot:
        return self._read(lambda: self._volumes[scope].read_versioned(path))

    def stat(self, path: str, scope: Scope) -> Info:
        return self._read(lambda: self._volumes[scope].stat(path))

    def list_files(self, prefix: str, scope: Scope) -> list[str]:
        return self._read(lambda: self._volumes[scope].list_files(prefix))

    def atomic_write(self, path: str, contents: bytes, scope: Scope) -> None:
        self.commit([Step(Write(path, contents), ALWAYS)], scope)

    def atomic_write_if(
        self, path: str, contents: bytes, scope: Scope, precondition: Precondition
    ) -> str:
        [version] = self.commit([Step(Write(path, contents), precondition)], scope)
        assert version is not None, "a write has a version"
        return version

    def append(self, path: str, contents: bytes, scope: Scope) -> None:
        self.commit([Step(Append(path, contents), ALWAYS)], scope)

    def append_if(self, path: str, contents: bytes, scope: Scope, end: FileEnd) -> None:
        with self._lock:
            self._interfere()
            # What no file has, so that the rest is checked as for any append.
            holds = self._volumes[scope].ends_with(path, end)
            condition: Precondition = ALWAYS if holds else "another end"
            try:
                self._commit([Step(Append(path, contents), condition)], scope)
            except HostError as error:
                if error.kind is Kind.CONFLICT:
                    error.value = None
                raise

    def rename(self, source: str, target: str, scope: Scope) -> None:
        self.commit([Step(Rename(source, target), ALWAYS)], scope)

    def delete(self, path: str, scope: Scope) -> None:
        self.commit([Step(Delete(path), ALWAYS)], scope)

    def commit(self, steps: Sequence[Step], scope: Scope) -> list[str | None]:
        return self._commit(steps, scope)

    def _commit(
        self, steps: Sequence[Step], scope: Scope, *, pieces: bool = False
    ) -> list[str | None]:
        with self._lock:
            self._interfere()
            told = self._count(_COMMIT)
            if told is not None and told not in _MADE:
                raise _failure(told)
            self._check_disk(steps)
            versions = self._volumes[scope].commit(steps, pieces=pieces)
            if told is not None:
                raise _failure(told)
            return versions

    def open_writer(self, path: str, scope: Scope, precondition: Precondition) -> HostWriter:
        with self._lock:
            self._fail_if_told(_PREPARE)
            self._check_streams()
            _memory.check_rules(path)
            if self.read_only:
                raise HostError(Kind.READ_ONLY)
            self._volumes[scope].check_path(path)
            return _Writer(self, path, scope, precondition)

    def open_reader(self, path: str, scope: Scope) -> HostReader:
        with self._lock:
            self._fail_if_told(_READ)
            self._check_streams()
            return _Reader(self, self._volumes[scope].find(path).contents)

    def _read(self, call: Callable[[], T]) -> T:
        with self._lock:
            self._fail_if_told(_READ)
            return call()

    def _count(self, can_meet: Sequence[Failure]) -> Failure | None:
        self._calls += 1
        for call, failure in sorted(self._failures.items()):
            if call <= self._calls and failure in can_meet:
                return self._failures.pop(call)
        return None

    def _fail_if_told(self, can_meet: Sequence[Failure]) -> None:
        told = self._count(can_meet)
        if told is not None:
            raise _failure(told)

    def _interfere(self) -> None:
        while self._interference:
            change = self._interference.pop(0)
            calls, failures, rest = self._calls, self._failures, self._interference
            self._failures, self._interference = {}, []
            try:
                change()
            finally:
                self._calls, self._failures, self._interference = calls, failures, rest

    def _check_disk(self, steps: Sequence[Step]) -> None:
        if self.read_only:
            raise HostError(Kind.READ_ONLY)
        if self.disk_full and any(not isinstance(step.change, Delete) for step in steps):
            raise HostError(Kind.NO_SPACE)

    def _check_streams(self) -> None:
        limit = self._limits.max_streams
        if self._streams >= limit:
            text = f"{limit} writers and readers are open, and no more are allowed"
            raise HostError(Kind.QUOTA_EXCEEDED, text)

    def _write_piece(self, contents: bytes, before: bytearray, scope: Scope) -> None:
        with self._lock:
            self._fail_if_told(_PREPARE)
            if self.disk_full:
                raise HostError(Kind.NO_SPACE)
            volume = self._volumes[scope]
            volume.check_length(len(contents))
            volume.check_file(len(before) + len(contents))
            before += contents

    def _add_streams(self, count: int) -> None:
        with self._lock:
            self._streams += count


class _Stream:
    """What writers and readers have in common: they count, and end once."""

    def __init__(self, storage: MemoryStorage) -> None:
        self.storage = storage
        self.instead: str | None = None
        self._dropped = False
        storage._add_streams(1)

    def take(self, instead: str) -> None:
        """Refuses what follows, unless `self.instead` is taken back."""
        if self.instead is not None:
            raise HostError(Kind.OTHER, self.instead)
        self.instead = instead

    def drop(self) -> None:
        if not self._dropped:
            self._dropped = True
            self.storage._add_streams(-1)


_BROKEN = "an earlier call with this handle failed or was cut off; it can only be dropped"
_COMMITTED = "the writer was committed already; it can only be dropped"


class _Writer(_Stream):
    def __init__(
        self, storage: MemoryStorage, path: str, scope: Scope, precondition: Precondition
    ) -> None:
        super().__init__(storage)
        self._path = path
        self._scope = scope
        self._precondition = precondition
        self._contents = bytearray()

    def write(self, contents: bytes) -> None:
        self.take(_BROKEN)
        self.storage._write_piece(contents, self._contents, self._scope)
        self.instead = None

    def commit(self) -> str:
        self.take(_COMMITTED)
        step = Step(Write(self._path, bytes(self._contents)), self._precondition)
        # Longer than one call may carry: it came in pieces.
        [version] = self.storage._commit([step], self._scope, pieces=True)
        assert version is not None, "a write has a version"
        return version


class _Reader(_Stream):
    def __init__(self, storage: MemoryStorage, contents: bytes) -> None:
        super().__init__(storage)
        self._contents = contents
        self._read = 0

    @property
    def size(self) -> int:
        return len(self._contents)

    def read(self, max_bytes: int) -> bytes:
        self.take(_BROKEN)
        count = min(max_bytes, self.storage._limits.max_value_bytes, _MAX_READ_BYTES)
        piece = self.storage._read(lambda: self._contents[self._read : self._read + count])
        self._read += len(piece)
        self.instead = None
        return piece

    def skip(self, size: int) -> None:
        self.take(_BROKEN)
        left = len(self._contents) - self._read
        self._read += self.storage._read(lambda: min(size, left))
        self.instead = None


_MAX_READ_BYTES = 1 << 20
