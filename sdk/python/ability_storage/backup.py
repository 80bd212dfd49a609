"""`write_file_with_backup`: a new version of a file, and the one before it.

Both change in one commit: at no moment is there neither the old contents nor the new.
"""

from __future__ import annotations

from ._retry import Faster, again, read_or_none, write_over
from .batch import Batch
from .errors import ConflictError, NotFoundError, TooLargeError
from .files import Contents, read_file, read_file_bytes, to_bytes


def backup_path(path: str) -> str:
    """Where `write_file_with_backup` keeps what the file at `path` held before.

    The ending stays, for hosts that allow only text files, and for editors.

    >>> backup_path("notes/state.json"), backup_path("notes/state")
    ('notes/state.backup.json', 'notes/state.backup')
    """
    return beside(path, "backup")


def beside(path: str, word: str) -> str:
    """A path in the same directory, with `word` before the ending."""
    directory, slash, name = path.rpartition("/")
    stem, dot, ending = name.rpartition(".")
    if not stem:
        return f"{path}.{word}"
    return f"{directory}{slash}{stem}.{word}{dot}{ending}"


def write_file_with_backup(
    path: str, contents: Contents, in_ability_directory: bool = True
) -> None:
    """Makes `contents` the file at `path`, and what it held before its backup.

    All of it happens, durably, or nothing. The backup is an ordinary file at
    `backup_path(path)`; the one that was there is replaced. Where the file holds
    `contents` already, the backup stays as it is: so a write that is repeated after a
    crash does not replace the backup by what was just written. Where there is no file,
    none is made of it.

    >>> write_file_with_backup("state.json", "1")
    >>> write_file_with_backup("state.json", "2")
    >>> read_backup("state.json")
    '1'
    """
    data = to_bytes(contents, path)

    def attempt() -> None:
        batch = Batch(in_ability_directory)
        try:
            old = read_or_none(path, in_ability_directory)
        except TooLargeError:
            # What cannot be read whole can be kept, whoever wrote it.
            pass
        else:
            if old is None or old.contents == data:
                write_over(path, data, in_ability_directory, old)
                return
            # Changes nothing, on condition that it is still what was read.
            batch.rename_if(path, path, version=old.version)
        try:
            batch.rename(path, backup_path(path)).write(path, data).commit()
        except ConflictError as conflict:
            raise Faster(conflict) from None
        except NotFoundError:
            # Someone has deleted it meanwhile.
            raise Faster(ConflictError(path, None)) from None

    again(attempt)


def read_backup(path: str, in_ability_directory: bool = True) -> str:
    """The text that the file at `path` held before its last `write_file_with_backup`.

    Raises `NotFoundError` if there is no backup.
    """
    return read_file(backup_path(path), in_ability_directory)


def read_backup_bytes(path: str, in_ability_directory: bool = True) -> bytes:
    """The bytes that the file at `path` held before its last `write_file_with_backup`."""
    return read_file_bytes(backup_path(path), in_ability_directory)
