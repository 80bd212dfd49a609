"""One function for each call on one file: check what was given, call, name the path.

Contents that are text go as UTF-8, as they are: no line end is changed. Nothing here
may retry or write more than it was asked to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from . import errors
from ._calls import ALWAYS, FileEnd, HostError, Kind, Precondition, Scope, Snapshot
from ._host import storage

Contents = str | bytes
"""What can be written: text, as UTF-8, or bytes."""


@dataclass(frozen=True, slots=True)
class FileInfo:
    """What is known of a file without reading it."""

    size: int
    """Length in bytes."""

    modified: datetime
    """When the contents were last changed, by the host's clock, in UTC. For people to
    read; to find out whether a file changed, compare versions."""


def atomic_write_file(path: str, contents: Contents, in_ability_directory: bool = True) -> None:
    """Makes `contents` the file at `path`, whole and durable, or not at all.

    Directories on the way are created. A file that is there is replaced; who reads it
    meanwhile sees the old contents or the new, never a mixture. When the call
    returns, a power cut does not undo it.

    With `in_ability_directory=False` the file is in the place that all abilities of
    one user share. If someone else may write the file too, `update_json` or
    `update_file` is the one to use: this function overwrites whatever is there.

    >>> atomic_write_file("notes/today.md", "A quiet day.")
    >>> read_file("notes/today.md")
    'A quiet day.'
    """
    checked_path, scope = check_path(path), scope_of(in_ability_directory)
    data = to_bytes(contents, path)
    try:
        storage().atomic_write(checked_path, data, scope)
    except HostError as error:
        raise error.about(path) from None


def atomic_write_file_if(
    path: str, contents: Contents, in_ability_directory: bool = True, *, version: str | None
) -> str:
    """Like `atomic_write_file`, if the file is still of `version`; returns the new one.

    `version=None` asks that there be no file. The check and the write are one step:
    nothing comes in between, neither from another thread nor from another process.
    Raises `ConflictError` if the file is of another version, `AlreadyExistsError` (a
    `FileExistsError`) if there was to be none.

    >>> version = atomic_write_file_if("owner", "me", version=None)
    >>> atomic_write_file_if("owner", "you", version=None)
    Traceback (most recent call last):
    ability_storage.errors.AlreadyExistsError: owner was not changed: ...
    """
    checked_path, scope = check_path(path), scope_of(in_ability_directory)
    data = to_bytes(contents, path)
    check_version(version)
    try:
        return storage().atomic_write_if(checked_path, data, scope, version)
    except HostError as error:
        raise error.about(path, version) from None


def check_if_file_exists(path: str, in_ability_directory: bool = True) -> bool:
    """Whether there is a file at `path`. A directory is not a file.

    Not for deciding whether to write: someone else may be faster. For that there is
    `atomic_write_file_if` with `version=None`.

    >>> check_if_file_exists("absent.txt")
    False
    """
    checked_path, scope = check_path(path), scope_of(in_ability_directory)
    try:
        return storage().exists(checked_path, scope)
    except HostError as error:
        raise error.about(path) from None


def read_file(path: str, in_ability_directory: bool = True) -> str:
    """The text of the file at `path`: one whole version of it.

    Raises `NotFoundError` (a `FileNotFoundError`) if there is none, `NotUtf8Error` if
    it is not text.
    """
    return to_text(path, read_file_bytes(path, in_ability_directory))


def read_file_bytes(path: str, in_ability_directory: bool = True) -> bytes:
    """All bytes of the file at `path`: one whole version of it."""
    checked_path, scope = check_path(path), scope_of(in_ability_directory)
    try:
        return storage().read(checked_path, scope)
    except HostError as error:
        raise error.about(path) from None


def read_with_version(path: str, in_ability_directory: bool = True) -> Snapshot:
    """All bytes of the file at `path` with their version, to write it conditionally.

    >>> atomic_write_file("list", "milk")
    >>> seen = read_with_version("list")
    >>> version = atomic_write_file_if("list", seen.contents + b", tea", version=seen.version)
    >>> read_file("list")
    'milk, tea'
    """
    checked_path, scope = check_path(path), scope_of(in_ability_directory)
    try:
        return storage().read_versioned(checked_path, scope)
    except HostError as error:
        raise error.about(path) from None


def append_file(path: str, contents: Contents, in_ability_directory: bool = True) -> None:
    r"""Adds `contents` to the end of the file at `path`: all of it or none of it.

    The file is created if it does not exist. An append costs the same however long
    the file is: this is the function for logs. What several writers append never
    mixes; so append whole records, each with its line feed.

    After `UnconfirmedError` the contents are in the file, or may be: to append again
    could add them once more.

    >>> append_file("events.log", "the lamp was turned on\n")
    """
    checked_path, scope = check_path(path), scope_of(in_ability_directory)
    data = to_bytes(contents, path)
    try:
        storage().append(checked_path, data, scope)
    except HostError as error:
        raise error.about(path) from None


def append_file_if(
    path: str, contents: Contents, in_ability_directory: bool = True, *, end: FileEnd
) -> FileEnd:
    r"""Like `append_file`, if the file still ends as `end` says; returns the new end.

    No file ends as an empty one does. It costs no more than an append, however long the
    file is. Raises `OtherEndError` (a `ConflictError`) if the file ends in another way.
    After `UnconfirmedError` the call can be repeated with the same `end`: if the
    contents are there, that is a conflict, and they are not added twice.

    >>> end = append_file_if("numbered.log", "1 first\n", end=FileEnd())
    >>> end = append_file_if("numbered.log", "2 second\n", end=end)
    >>> append_file_if("numbered.log", "2 other\n", end=FileEnd.of(b"1 first\n"))
    Traceback (most recent call last):
    ability_storage.errors.OtherEndError: numbered.log was not changed: ...
    """
    checked_path, scope = check_path(path), scope_of(in_ability_directory)
    data = to_bytes(contents, path)
    try:
        storage().append_if(checked_path, data, scope, end)
    except HostError as error:
        if error.kind is Kind.CONFLICT:
            raise errors.OtherEndError(path) from None
        raise error.about(path) from None
    return end.and_then(data)


def replace_file(src: str, dst: str, in_ability_directory: bool = True) -> None:
    """Moves the file at `src` to `dst` in one step, as `os.replace` does.

    A file that is at `dst` is replaced. Raises `NotFoundError` if there is no file at
    `src`.
    """
    source, target = check_path(src), check_path(dst)
    scope = scope_of(in_ability_directory)
    try:
        storage().rename(source, target, scope)
    except HostError as error:
        raise error.about_rename(src, dst) from None


def delete_file(path: str, in_ability_directory: bool = True) -> None:
    """Removes the file at `path`, durably.

    Deleting what is absent succeeds, so that a retry after a crash does.
    """
    checked_path, scope = check_path(path), scope_of(in_ability_directory)
    try:
        storage().delete(checked_path, scope)
    except HostError as error:
        raise error.about(path) from None


def list_files(prefix: str = "", in_ability_directory: bool = True) -> list[str]:
    """The whole paths of the files under the directory `prefix`, sorted by their bytes.

    `notes` lists `notes/a.md` but not `notes-old.md`; `""` lists all. If nothing is
    there, the list is empty.
    """
    checked_prefix, scope = check_path(prefix), scope_of(in_ability_directory)
    try:
        return list(storage().list_files(checked_prefix, scope))
    except HostError as error:
        raise error.about(prefix) from None


def stat_file(path: str, in_ability_directory: bool = True) -> FileInfo:
    """Size and time of last change of the file at `path`."""
    checked_path, scope = check_path(path), scope_of(in_ability_directory)
    try:
        info = storage().stat(checked_path, scope)
    except HostError as error:
        raise error.about(path) from None
    since_1970 = datetime(1970, 1, 1, tzinfo=UTC)
    try:
        modified = since_1970 + timedelta(
            seconds=info.seconds, microseconds=info.nanoseconds // 1000
        )
    except OverflowError:
        # Beyond what Python can hold: no reason for an ability to stop.
        modified = since_1970
    return FileInfo(info.size, modified)


def check_path(path: str) -> str:
    """That `path` is text which can be handed on; the host checks the rest."""
    if not isinstance(path, str):
        raise TypeError(f"a path is a str, not {type(path).__name__}")
    try:
        path.encode()
    except UnicodeEncodeError:
        raise errors.InvalidPathError(path, "it is not Unicode text") from None
    return path


def scope_of(in_ability_directory: bool) -> Scope:
    """The scope that the last parameter of all functions stands for."""
    if not isinstance(in_ability_directory, bool):
        raise TypeError(
            f"in_ability_directory is True or False, not {type(in_ability_directory).__name__}"
        )
    return Scope.ABILITY if in_ability_directory else Scope.USER


def check_version(version: Precondition) -> None:
    """That `version` can be handed on as what must be true."""
    if version is not ALWAYS and version is not None and not isinstance(version, str):
        raise TypeError(f"a version is a str or None, not {type(version).__name__}")


def to_bytes(contents: Contents, path: str) -> bytes:
    """The bytes that are written for `contents` to the file at `path`."""
    if isinstance(contents, str):
        try:
            return contents.encode()
        except UnicodeEncodeError as error:
            raise errors.NotEncodableError(path, error.start) from None
    if isinstance(contents, bytes | bytearray | memoryview):
        return bytes(contents)
    raise TypeError(f"contents are str or bytes, not {type(contents).__name__}")


def to_text(path: str, contents: bytes) -> str:
    """The text that `contents`, read from `path`, are."""
    try:
        return contents.decode()
    except UnicodeDecodeError as error:
        raise errors.NotUtf8Error(path, error.start) from error
