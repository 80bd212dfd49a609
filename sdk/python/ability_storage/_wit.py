"""The host, through the bindings that componentize-py makes. No logic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from componentize_py_types import Err
from wit_world.imports import batch, storage, streaming, types

from ._calls import (
    Append,
    Change,
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
    Write,
)

T = TypeVar("T")

_KINDS = {
    types.Error_NotFound: Kind.NOT_FOUND,
    types.Error_Conflict: Kind.CONFLICT,
    types.Error_InvalidPath: Kind.INVALID_PATH,
    types.Error_TooLarge: Kind.TOO_LARGE,
    types.Error_QuotaExceeded: Kind.QUOTA_EXCEEDED,
    types.Error_NoSpace: Kind.NO_SPACE,
    types.Error_ReadOnly: Kind.READ_ONLY,
    types.Error_Unavailable: Kind.UNAVAILABLE,
    types.Error_Unconfirmed: Kind.UNCONFIRMED,
    types.Error_Other: Kind.OTHER,
}


def _called(call: Callable[..., T], *arguments: Any) -> T:
    try:
        return call(*arguments)
    except Err as error:
        raise _host_error(error.value) from None


def _host_error(error: types.Error, step: int | None = None) -> HostError:
    return HostError(_KINDS[type(error)], getattr(error, "value", None), step)


def _scope(scope: Scope) -> types.Scope:
    return types.Scope.ABILITY if scope is Scope.ABILITY else types.Scope.USER


def _precondition(precondition: Precondition) -> types.Precondition:
    if precondition is None:
        return types.Precondition_Absent()
    if isinstance(precondition, str):
        return types.Precondition_Version(precondition)
    return types.Precondition_Any()


def _change(change: Change) -> batch.Change:
    match change:
        case Write(path, contents):
            return batch.Change_Write(batch.FileContents(path, contents))
        case Append(path, contents):
            return batch.Change_Append(batch.FileContents(path, contents))
        case Rename(source, target):
            return batch.Change_Rename(batch.Move(source, target))
        case Delete(path):
            return batch.Change_Delete(path)


class WitStorage:
    """The storage of the host."""

    def exists(self, path: str, scope: Scope) -> bool:
        return _called(storage.exists, path, _scope(scope))

    def read(self, path: str, scope: Scope) -> bytes:
        return _called(storage.read, path, _scope(scope))

    def read_versioned(self, path: str, scope: Scope) -> Snapshot:
        snapshot = _called(storage.read_versioned, path, _scope(scope))
        return Snapshot(snapshot.contents, snapshot.version)

    def stat(self, path: str, scope: Scope) -> Info:
        info = _called(storage.stat, path, _scope(scope))
        modified = info.modified
        return Info(info.size, modified.seconds, modified.nanoseconds)

    def list_files(self, prefix: str, scope: Scope) -> list[str]:
        return _called(storage.list, prefix, _scope(scope))

    def atomic_write(self, path: str, contents: bytes, scope: Scope) -> None:
        _called(storage.atomic_write, path, contents, _scope(scope))

    def atomic_write_if(
        self, path: str, contents: bytes, scope: Scope, precondition: Precondition
    ) -> str:
        return _called(
            storage.atomic_write_if, path, contents, _scope(scope), _precondition(precondition)
        )

    def append(self, path: str, contents: bytes, scope: Scope) -> None:
        _called(storage.append, path, contents, _scope(scope))

    def append_if(self, path: str, contents: bytes, scope: Scope, end: FileEnd) -> None:
        host_end = storage.FileEnd(end.size, end.last_bytes)
        _called(storage.append_if, path, contents, _scope(scope), host_end)

    def rename(self, source: str, target: str, scope: Scope) -> None:
        _called(storage.rename, source, target, _scope(scope))

    def delete(self, path: str, scope: Scope) -> None:
        _called(storage.delete, path, _scope(scope))

    def commit(self, steps: Sequence[Step], scope: Scope) -> Sequence[str | None]:
        host_steps = [
            batch.Step(_change(step.change), _precondition(step.precondition)) for step in steps
        ]
        try:
            return batch.commit(host_steps, _scope(scope))
        except Err as error:
            raise _host_error(error.value.error, error.value.step) from None

    def open_writer(self, path: str, scope: Scope, precondition: Precondition) -> HostWriter:
        arguments = (path, _scope(scope), _precondition(precondition))
        return _Writer(_called(streaming.Writer.open, *arguments))

    def open_reader(self, path: str, scope: Scope) -> HostReader:
        return _Reader(_called(streaming.Reader.open, path, _scope(scope)))


def _drop(stream: streaming.Writer | streaming.Reader) -> None:
    # One that is forgotten may have been dropped by the bindings by now, and they fail
    # when they are to do it twice.
    with suppress(TypeError):
        stream.__exit__(None, None, None)


class _Writer:
    def __init__(self, writer: streaming.Writer) -> None:
        self._writer = writer

    def write(self, contents: bytes) -> None:
        _called(self._writer.write, contents)

    def commit(self) -> str:
        return _called(self._writer.commit)

    def drop(self) -> None:
        _drop(self._writer)


class _Reader:
    def __init__(self, reader: streaming.Reader) -> None:
        self._reader = reader
        self._size = reader.size()

    @property
    def size(self) -> int:
        return self._size

    def read(self, max_bytes: int) -> bytes:
        return _called(self._reader.read, max_bytes)

    def skip(self, size: int) -> None:
        _called(self._reader.skip, size)

    def drop(self) -> None:
        _drop(self._reader)
