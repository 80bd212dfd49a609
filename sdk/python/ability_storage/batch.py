"""`Batch`: several changes, all made or none.

Collects steps and hands them to the host as they are. Must never split a batch, and
never leave out a step.
"""

from __future__ import annotations

from typing import Self

from . import errors
from ._calls import ALWAYS, Append, Change, Delete, HostError, Precondition, Rename, Step, Write
from ._host import storage
from .files import Contents, check_path, check_version, scope_of, to_bytes


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
    """

    def __init__(self, in_ability_directory: bool = True) -> None:
        self._scope = scope_of(in_ability_directory)
        self._steps: list[Step] = []
        #: How many steps there were when `commit` was called last.
        self._tried: int | None = None

    def write(self, path: str, contents: Contents) -> Self:
        """Makes `contents` the file at `path`."""
        return self._add(Write(check_path(path), to_bytes(contents)), ALWAYS)

    def write_if(self, path: str, contents: Contents, *, version: str | None) -> Self:
        """Like `write`, if the file is of `version`; `None`: if there is none."""
        return self._add(Write(check_path(path), to_bytes(contents)), version)

    def append(self, path: str, contents: Contents) -> Self:
        """Adds `contents` to the end of the file at `path`."""
        return self._add(Append(check_path(path), to_bytes(contents)), ALWAYS)

    def append_if(self, path: str, contents: Contents, *, version: str | None) -> Self:
        """Like `append`, if the file is of `version`; `None`: if there is none."""
        return self._add(Append(check_path(path), to_bytes(contents)), version)

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
        attribute `step`. The batch keeps its steps, so that it can be committed again
        after an error that has passed.
        """
        self._tried = len(self._steps)
        try:
            return list(storage().commit(tuple(self._steps), self._scope))
        except HostError as error:
            raise self._error(error) from None

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

    def _error(self, error: HostError) -> errors.StorageError:
        index = error.step or 0
        if index < len(self._steps):
            step = self._steps[index]
            if isinstance(step.change, Rename):
                files = step.change
                result = error.about_rename(files.source, files.target, step.precondition)
            else:
                result = error.about(step.change.path, step.precondition)
        else:
            result = error.about("")
        result.blame(error.step)
        return result


def _target(change: Change) -> str:
    return change.target if isinstance(change, Rename) else change.path
