"""`Batch`: several changes, all made or none.

Collects steps and hands them to the host as they are. Must never split a batch, never
leave out a step, and never commit what was derived from contents that have changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Self, TypeVar

from . import errors
from ._calls import (
    ALWAYS,
    Append,
    Change,
    Delete,
    HostError,
    Precondition,
    Rename,
    Scope,
    Snapshot,
    Step,
    Write,
)
from ._host import storage
from ._retry import Faster, again, read_or_none
from .files import Contents, check_path, check_version, scope_of, to_bytes

T = TypeVar("T")


class Batch:
    r"""Several changes in one place, made as one: all of them, durably, or none.

    The steps take effect in the order in which they were added. Each sees what those
    before it did, and so does its precondition. No reader sees some of the changes
    without the others. A batch is handed to the host whole, so it is for files of
    moderate size.

    >>> batch = Batch()
    >>> batch.write("journal/2026-03-01.md", "A quiet day.").append(
    ...     "journal/index.csv", "2026-03-01,A quiet day\n"
    ... ).delete("journal/draft.md")
    Batch(write journal/2026-03-01.md, append journal/index.csv, delete journal/draft.md)
    >>> versions = batch.commit()

    As a context manager it commits at the end of the block, unless `commit` was called
    in it, and does nothing if the block ends with an exception:

    >>> with Batch() as batch:
    ...     batch.rename("journal/2026-03-01.md", "journal/first.md")
    Batch(rename journal/first.md)

    What a step depends on is read with `read`: the commit is then refused if anyone else
    has changed that file. `State.update_in`, `Counter.add_in`, `AuditLog.append_in` and
    `update_json_in` add their change to a batch in this way. `update_batch` makes a batch
    again as long as another writer was faster.

    A batch that is committed twice makes its steps twice: its appends add their contents
    once more. That happens where a commit is repeated after `UnconfirmedError`, or where a
    program that was killed begins again. To append once, append on a condition (`append_if`
    with the version that was read, or `read`, which makes one), or record in an `AuditLog`
    with `append_in`.
    """

    def __init__(self, in_ability_directory: bool = True) -> None:
        self._scope = scope_of(in_ability_directory)
        self._steps: list[Step] = []
        #: What was read, in this order: it must still be so when the steps are made.
        self._read: dict[str, Snapshot | None] = {}
        #: Called with the version that a step wrote, once the batch is committed.
        self._callbacks: list[tuple[int, Callable[[str | None], None]]] = []
        #: How many steps there were when `commit` was called last.
        self._tried: int | None = None
        #: Whether only `update_batch` may commit it.
        self._is_lent = False

    def read(self, path: str) -> bytes | None:
        r"""What the file at `path` holds after the steps so far; `None` if there is none.

        The commit raises `ConflictError`, and makes no step, if the file that was read is
        another one by then. A file is read once for a batch, however often this is called.

        >>> batch = Batch().append("seen.log", b"a\n")
        >>> batch.read("seen.log"), batch.read("never.log")
        (b'a\n', None)
        """
        check_path(path)
        added: list[bytes] = []
        for step in reversed(self._steps):
            match step.change:
                case Write(target, contents) if target == path:
                    return _joined(contents, added)
                case Append(target, contents) if target == path:
                    added.append(contents)
                case Rename(source, target) if target == path:
                    path = source
                case Rename(source, _) if source == path:
                    return _joined(None, added)
                case Delete(target) if target == path:
                    return _joined(None, added)
                case _:
                    pass
        if path not in self._read:
            self._read[path] = read_or_none(path, self._scope is Scope.ABILITY)
        file = self._read[path]
        return _joined(None if file is None else file.contents, added)

    def write(self, path: str, contents: Contents) -> Self:
        """Makes `contents` the file at `path`."""
        return self._add(Write(check_path(path), to_bytes(contents, path)), ALWAYS)

    def write_if(self, path: str, contents: Contents, *, version: str | None) -> Self:
        """Like `write`, if the file is of `version`; `None`: if there is none."""
        return self._add(Write(check_path(path), to_bytes(contents, path)), version)

    def append(self, path: str, contents: Contents) -> Self:
        """Adds `contents` to the end of the file at `path`."""
        return self._add(Append(check_path(path), to_bytes(contents, path)), ALWAYS)

    def append_if(self, path: str, contents: Contents, *, version: str | None) -> Self:
        """Like `append`, if the file is of `version`; `None`: if there is none."""
        return self._add(Append(check_path(path), to_bytes(contents, path)), version)

    def rename(self, src: str, dst: str) -> Self:
        """Moves the file at `src` to `dst`."""
        return self._add(Rename(check_path(src), check_path(dst)), ALWAYS)

    def rename_if(self, src: str, dst: str, *, version: str | None) -> Self:
        """Like `rename`, if the file at `dst` is of `version`; `None`: if there is none."""
        return self._add(Rename(check_path(src), check_path(dst)), version)

    def delete(self, path: str) -> Self:
        """Removes the file at `path`."""
        return self._add(Delete(check_path(path)), ALWAYS)

    def delete_if(self, path: str, *, version: str | None) -> Self:
        """Like `delete`, if the file is of `version`; `None`: if there is none."""
        return self._add(Delete(check_path(path)), version)

    def commit(self) -> list[str | None]:
        """Makes all changes, durably, or none.

        Returns for each step the version that it wrote; `None` for an append, a
        rename and a delete. Raises the error of the step that is to blame, with the
        attribute `step`; that is `None` for a file that was read and has changed since.
        The batch keeps its steps, so that it can be committed again after an error that
        has passed.
        """
        if self._is_lent:
            raise RuntimeError("update_batch commits its batch itself; nothing was changed")
        return self._commit()

    def _commit(self) -> list[str | None]:
        self._tried = len(self._steps)
        conditions = [_unchanged(path, file) for path, file in self._read.items()]
        try:
            made = storage().commit((*conditions, *self._steps), self._scope)
        except HostError as error:
            raise self._error(error, conditions) from None
        versions = list(made)[len(conditions) :]
        for index, callback in self._callbacks:
            callback(versions[index])
        return versions

    def __len__(self) -> int:
        return len(self._steps)

    def __repr__(self) -> str:
        # What each step does to which path. Contents may be long, or private.
        steps = ", ".join(
            f"{type(step.change).__name__.lower()} {errors.shown(_target(step.change))}"
            for step in self._steps
        )
        return f"Batch({steps})"

    def __enter__(self) -> Self:
        self._tried = None
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            return
        if self._tried is None:
            self.commit()
        elif self._tried < len(self._steps):
            raise RuntimeError(
                "steps were added to a batch after its commit, and were not made: add them "
                "before it, or to a new batch"
            )

    def _add(self, change: Change, precondition: Precondition) -> Self:
        check_version(precondition)
        self._steps.append(Step(change, precondition))
        return self

    def _then(self, callback: Callable[[str | None], None]) -> None:
        """Calls `callback`, after the commit, with the version that the last step wrote."""
        self._callbacks.append((len(self._steps) - 1, callback))

    def _error(self, error: HostError, conditions: list[Step]) -> errors.StorageError:
        steps = [*conditions, *self._steps]
        index = len(conditions) if error.step is None else error.step
        if index < len(steps):
            step = steps[index]
            if isinstance(step.change, Rename):
                files = step.change
                result = error.about_rename(files.source, files.target, step.precondition)
            else:
                result = error.about(step.change.path, step.precondition)
        else:
            result = error.about("")
        own = None if error.step is None else error.step - len(conditions)
        result.blame(own if own is not None and own >= 0 else None)
        return result


def update_batch(fn: Callable[[Batch], T], in_ability_directory: bool = True) -> T:
    """Changes several files together, such that no change of anyone else is lost.

    `fn` gets an empty `Batch`, reads with `batch.read` what its steps depend on, and adds
    the steps. They are committed if every file that was read is still as it was; else all
    is done again with a new batch, after a short random pause. So `fn` may be called
    several times, and should do nothing but compute. After a minute of that the
    `ConflictError` is raised. Returns what `fn` returned. If `fn` raises, nothing is
    written.

    After `UnconfirmedError` all of the change is in the files, or may be: to call this
    again could make it twice. Read the files first.

    >>> def move(batch):
    ...     batch.write("from", str(int(batch.read("from") or 10) - 3))
    ...     batch.write("to", str(int(batch.read("to") or 0) + 3))
    >>> update_batch(move)
    """

    def attempt() -> T:
        batch = Batch(in_ability_directory)
        batch._is_lent = True
        result = fn(batch)
        if hasattr(result, "__await__"):
            raise TypeError("a change cannot be asynchronous, and was not made")
        try:
            batch._commit()
        except errors.ConflictError as conflict:
            if conflict.step is None:
                raise Faster(conflict) from None
            # A condition of the author's own.
            raise
        return result

    return again(attempt)


def check_batch(batch: Batch, in_ability_directory: bool | None = None) -> None:
    """That it is a batch, of files in the same place as what takes part in it."""
    if not isinstance(batch, Batch):
        raise TypeError(f"pass the Batch to take part in, not {type(batch).__name__}")
    if in_ability_directory is not None and batch._scope is not scope_of(in_ability_directory):
        raise ValueError("all files of a batch are in the same place; nothing was changed")


def _joined(contents: bytes | None, added: list[bytes]) -> bytes | None:
    """Contents, and what was added to them, the last first."""
    if contents is None and not added:
        return None
    return b"".join((contents or b"", *reversed(added)))


def _unchanged(path: str, file: Snapshot | None) -> Step:
    """A step that changes nothing, on condition that the file is still as it was read."""
    if file is None:
        return Step(Delete(path), None)
    return Step(Rename(path, path), file.version)


def _target(change: Change) -> str:
    return change.target if isinstance(change, Rename) else change.path
