"""The calls of the interface `ability:storage`, in words of this package.

What every storage does, be it the host or one in memory: `Storage` and the types
that it is made of. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from . import errors


class Scope(Enum):
    """Which of the host's two places a path belongs to."""

    ABILITY = auto()
    USER = auto()


class Always(Enum):
    """The precondition that asks for nothing."""

    ALWAYS = auto()


ALWAYS = Always.ALWAYS

Precondition = Always | str | None
"""What must be true of a file: nothing, that its version is this, that it is absent."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The contents of a file, and the version they are."""

    contents: bytes
    """All bytes of the file."""

    version: str
    """An opaque token. Two are equal exactly when the contents are."""


@dataclass(frozen=True, slots=True)
class Info:
    """Size and time of last change, the latter since 1970."""

    size: int
    seconds: int
    nanoseconds: int


@dataclass(frozen=True, slots=True)
class FileEnd:
    """How a file ends: what its author saw last.

    >>> FileEnd.of(b"one").and_then(b"two") == FileEnd.of(b"onetwo")
    True
    """

    size: int = 0
    """Length of the file in bytes."""

    last_bytes: bytes = b""
    """Its last bytes: as many as are to be compared."""

    @classmethod
    def of(cls, contents: bytes) -> FileEnd:
        """The end of a file with these contents; of no file, if they are empty."""
        return cls().and_then(contents)

    def and_then(self, more: bytes) -> FileEnd:
        """The end of the file with `more` added to it."""
        return FileEnd(self.size + len(more), (self.last_bytes + more)[-_COMPARED_BYTES:])


_COMPARED_BYTES = 256
"""How many of the last bytes are compared where this package chooses."""


@dataclass(frozen=True, slots=True)
class Write:
    """Makes the contents the file at the path."""

    path: str
    contents: bytes


@dataclass(frozen=True, slots=True)
class Append:
    """Adds the contents to the end of the file at the path."""

    path: str
    contents: bytes


@dataclass(frozen=True, slots=True)
class Rename:
    """Moves a file."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Removes a file."""

    path: str


Change = Write | Append | Rename | Delete


@dataclass(frozen=True, slots=True)
class Step:
    """A change, and what must be true for it to be made."""

    change: Change
    precondition: Precondition


class Kind(Enum):
    """The cases of the host's error; beside each, what its value is."""

    NOT_FOUND = auto()
    CONFLICT = auto()  # str | None: the version found
    INVALID_PATH = auto()  # str
    TOO_LARGE = auto()  # int: the limit
    QUOTA_EXCEEDED = auto()  # str
    NO_SPACE = auto()
    READ_ONLY = auto()
    UNAVAILABLE = auto()  # str
    UNCONFIRMED = auto()  # str
    OTHER = auto()  # str


class HostError(Exception):
    """What the host says, before it is known which path it is about."""

    def __init__(self, kind: Kind, value: str | int | None = None, step: int | None = None) -> None:
        super().__init__(kind, value, step)
        self.kind = kind
        self.value = value
        self.step = step

    def about(self, path: str, precondition: Precondition = ALWAYS) -> errors.StorageError:
        """The error for a call for `path` that was made on `precondition`."""
        value = self.value
        text = str(value)
        match self.kind:
            case Kind.NOT_FOUND:
                return errors.NotFoundError(path)
            case Kind.CONFLICT:
                found = None if value is None else text
                if precondition is None:
                    return errors.AlreadyExistsError(path, found)
                return errors.ConflictError(path, found)
            case Kind.INVALID_PATH:
                return errors.InvalidPathError(path, _unnamed(text))
            case Kind.TOO_LARGE:
                return errors.TooLargeError(path, int(text))
            case Kind.QUOTA_EXCEEDED:
                return errors.QuotaExceededError(path, text)
            case Kind.NO_SPACE:
                return errors.NoSpaceError(path)
            case Kind.READ_ONLY:
                return errors.ReadOnlyError(path)
            case Kind.UNAVAILABLE:
                return errors.UnavailableError(path, text)
            case Kind.UNCONFIRMED:
                return errors.UnconfirmedError(path, text)
            case Kind.OTHER:
                return errors.OtherError(path, text)

    def about_rename(
        self, source: str, target: str, precondition: Precondition = ALWAYS
    ) -> errors.StorageError:
        """The error for a rename. The host does not say which of the paths it means."""
        if self.kind is Kind.NOT_FOUND:
            return self.about(source)
        if self.kind is Kind.INVALID_PATH:
            renaming = f"on renaming {errors.shown(source)} to it: {self.value}"
            return errors.InvalidPathError(target, renaming)
        return self.about(target, precondition)


def _unnamed(reason: str) -> str:
    """Why a path is refused, without the path, which a host may name as well."""
    name, said, rule = reason.rpartition(" cannot name a file: ")
    return rule if said and name.startswith('"') else reason


class HostWriter(Protocol):
    """A file that is being written."""

    def write(self, contents: bytes) -> None: ...
    def commit(self) -> str: ...
    def drop(self) -> None: ...


class HostReader(Protocol):
    """A file that is being read."""

    @property
    def size(self) -> int: ...
    def read(self, max_bytes: int) -> bytes: ...
    def skip(self, size: int) -> None: ...
    def drop(self) -> None: ...


class Storage(Protocol):
    """The calls of the interface `ability:storage`. Each may raise `HostError`."""

    def exists(self, path: str, scope: Scope) -> bool: ...
    def read(self, path: str, scope: Scope) -> bytes: ...
    def read_versioned(self, path: str, scope: Scope) -> Snapshot: ...
    def stat(self, path: str, scope: Scope) -> Info: ...
    def list_files(self, prefix: str, scope: Scope) -> list[str]: ...
    def atomic_write(self, path: str, contents: bytes, scope: Scope) -> None: ...
    def atomic_write_if(
        self, path: str, contents: bytes, scope: Scope, precondition: Precondition
    ) -> str: ...
    def append(self, path: str, contents: bytes, scope: Scope) -> None: ...
    def append_if(self, path: str, contents: bytes, scope: Scope, end: FileEnd) -> None: ...
    def rename(self, source: str, target: str, scope: Scope) -> None: ...
    def delete(self, path: str, scope: Scope) -> None: ...
    def commit(self, steps: Sequence[Step], scope: Scope) -> Sequence[str | None]: ...
    def open_writer(self, path: str, scope: Scope, precondition: Precondition) -> HostWriter: ...
    def open_reader(self, path: str, scope: Scope) -> HostReader: ...
