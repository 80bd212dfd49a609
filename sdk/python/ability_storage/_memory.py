"""A volume in memory: one of the two places of a `MemoryStorage`.

It does what the engine's volume in memory does, and is held to the same cases as the
real host. A change is played on a copy, which replaces the files as a whole; so a
step that fails leaves nothing.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from . import _paths
from ._calls import (
    ALWAYS,
    Append,
    Change,
    Delete,
    FileEnd,
    HostError,
    Info,
    Kind,
    Precondition,
    Rename,
    Snapshot,
    Step,
    Write,
)

TEXT_ENDINGS = (".txt", ".csv", ".json", ".md", ".log", ".yaml", ".yml", ".count")
MAX_BATCH_STEPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much each of the two places may hold. The defaults are those of the host."""

    max_file_bytes: int = 1 << 30
    """The longest file."""

    max_total_bytes: int = 4 << 30
    """The lengths of all files together."""

    max_files: int = 100_000
    """The number of files."""

    max_depth: int = 32
    """The number of components of a path."""

    max_value_bytes: int = 64 << 20
    """How much one call carries."""

    max_streams: int = 32
    """How many writers and readers may be open at once."""

    text_files_only: bool = False
    """Whether names must end in `.txt`, `.csv`, `.json`, `.md`, `.log` or `.yaml`."""


@dataclass(frozen=True, slots=True)
class MemoryFile:
    """A file, and when it was last changed, in nanoseconds since 1970."""

    contents: bytes
    modified: int


Files = dict[str, MemoryFile]


def version_of(contents: bytes) -> str:
    """The version of these contents."""
    return hashlib.sha256(contents).hexdigest()


class MemoryVolume:
    """Files that are gone when it is dropped."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.files: Files = {}

    def read(self, path: str) -> bytes:
        """All bytes of a file."""
        contents = self.find(path).contents
        self.check_length(len(contents))
        return contents

    def read_versioned(self, path: str) -> Snapshot:
        """All bytes of a file with their version."""
        contents = self.read(path)
        return Snapshot(contents, version_of(contents))

    def stat(self, path: str) -> Info:
        """Size and time of last change."""
        file = self.find(path)
        return Info(len(file.contents), *divmod(file.modified, 1_000_000_000))

    def exists(self, path: str) -> bool:
        """Whether there is a file."""
        check_rules(path)
        return path in self.files

    def list_files(self, prefix: str) -> list[str]:
        """The paths of all files at or under a directory."""
        directory = prefix
        if prefix:
            # A lone slash stays, to be refused as what it is.
            directory = prefix[:-1] if prefix.endswith("/") and prefix != "/" else prefix
            check_rules(directory)
        listed = (path for path in self.files if not prefix or _paths.is_under(path, directory))
        return sorted(listed, key=str.encode)

    def find(self, path: str) -> MemoryFile:
        """The file at a path."""
        check_rules(path)
        file = self.files.get(path)
        if file is None:
            raise HostError(Kind.NOT_FOUND)
        return file

    def ends_with(self, path: str, end: FileEnd) -> bool:
        """Whether a file ends so; none ends as an empty one does."""
        file = self.files.get(path)
        contents = file.contents if file else b""
        return len(contents) == end.size and contents.endswith(end.last_bytes)

    def commit(self, steps: Sequence[Step], *, pieces: bool = False) -> list[str | None]:
        """Makes all changes, or none. In `pieces`: no call carried their contents."""
        if len(steps) > MAX_BATCH_STEPS:
            text = f"a batch has at most {MAX_BATCH_STEPS} steps, "
            raise HostError(Kind.QUOTA_EXCEEDED, text + f"and this one has {len(steps)}")
        if not pieces:
            self._check_total(steps)
        for index, step in enumerate(steps):
            with Blame(index):
                for path in _paths_of(step.change):
                    check_rules(path)
        after = dict(self.files)
        versions = []
        deciders = {}
        for index, step in enumerate(steps):
            with Blame(index):
                versions.append(self._play(after, step))
            deciders[_paths_of(step.change)[-1]] = index
        for path, index in sorted(deciders.items(), key=lambda item: item[0].encode()):
            if path in after:
                with Blame(index):
                    check_place(after, path)
                    self._check_usage(path, after)
        self.files = after
        return versions

    def check_length(self, length: int) -> None:
        """Whether so many bytes may pass in one call."""
        limit = self.limits.max_value_bytes
        if length > limit:
            raise HostError(Kind.TOO_LARGE, limit)

    def check_path(self, path: str) -> None:
        """Whether a file may have this path at all."""
        limits = self.limits
        if path.count("/") + 1 > limits.max_depth:
            raise not_a_file(f"it has more than {limits.max_depth} components")
        if limits.text_files_only and not path.lower().endswith(TEXT_ENDINGS):
            raise not_a_file(f"it must end in one of {', '.join(TEXT_ENDINGS)}")

    def check_file(self, length: int) -> None:
        """Whether a file may be so long."""
        limit = self.limits.max_file_bytes
        if length > limit:
            raise HostError(Kind.TOO_LARGE, limit)

    def _check_total(self, steps: Sequence[Step]) -> None:
        total = 0
        for index, step in enumerate(steps):
            if isinstance(step.change, Write | Append):
                total += len(step.change.contents)
            with Blame(index):
                self.check_length(total)

    def _check_usage(self, path: str, after: Files) -> None:
        limits = self.limits
        before = self.files
        total = total_bytes(after)
        if limits.max_total_bytes < total > total_bytes(before):
            text = f"all files together would exceed {limits.max_total_bytes} bytes"
            raise quota_exceeded(path, text)
        if limits.max_files < len(after) > len(before):
            raise quota_exceeded(path, f"there would be more than {limits.max_files} files")

    def _play(self, files: Files, step: Step) -> str | None:
        change = step.change
        target = _paths_of(change)[-1]
        if not isinstance(change, Delete):
            self.check_path(target)
        if isinstance(change, Write):
            self.check_file(len(change.contents))
        check_precondition(files.get(target), step.precondition)
        match change:
            case Write(path, contents):
                files[path] = MemoryFile(contents, time.time_ns())
                return version_of(contents)
            case Append(path, contents):
                old = files.get(path)
                whole = (old.contents if old else b"") + contents
                self.check_file(len(whole))
                files[path] = MemoryFile(whole, time.time_ns())
            case Rename(source, target):
                if source not in files:
                    raise HostError(Kind.NOT_FOUND)
                check_move(source, target)
                files[target] = files.pop(source)
            case Delete(path):
                files.pop(path, None)
        return None


class Blame:
    """Says of an error that it is the fault of one step."""

    def __init__(self, index: int) -> None:
        self.index = index

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if isinstance(error, HostError):
            error.step = self.index


def check_rules(path: str) -> None:
    """Whether a path keeps the rules for names."""
    reason = _paths.broken_rule(path)
    if reason is not None:
        raise HostError(Kind.INVALID_PATH, f'"{path[:1024]}" cannot name a file: {reason}')


def check_precondition(found: MemoryFile | None, precondition: Precondition) -> None:
    """Whether the file is what the precondition asks for."""
    if precondition is ALWAYS:
        return
    version = version_of(found.contents) if found else None
    if version != precondition:
        raise HostError(Kind.CONFLICT, version)


def check_move(source: str, target: str) -> None:
    """No file can move to where its own path is a directory, or into one that has it."""
    if source == target:
        return
    if _paths.is_under(target, source):
        raise not_a_file(f"{source} is not a directory")
    if _paths.is_under(source, target):
        raise not_a_file("it is the directory of other files")


def check_place(files: Files, path: str) -> None:
    """A path is a file or a directory of others, never both, as on a disk."""
    components = path.split("/")
    for end in range(1, len(components)):
        ancestor = "/".join(components[:end])
        if ancestor in files:
            raise not_a_file(f"{ancestor} is not a directory")
    if any(other.startswith(path + "/") for other in files):
        raise not_a_file("it is the directory of other files")


def total_bytes(files: Files) -> int:
    """The lengths of all files."""
    return sum(len(file.contents) for file in files.values())


def not_a_file(reason: str) -> HostError:
    """The path cannot be a file because of a limit, or of what else there is."""
    return HostError(Kind.INVALID_PATH, reason)


def quota_exceeded(path: str, reason: str) -> HostError:
    """A limit on all files would be exceeded."""
    return HostError(Kind.QUOTA_EXCEEDED, f"{path} was not changed: {reason}")


def _paths_of(change: Change) -> tuple[str, ...]:
    if isinstance(change, Rename):
        return (change.source, change.target)
    return (change.path,)
