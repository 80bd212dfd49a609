"""Recovery of what the old ways of writing left behind: files that are missing or cut
off while a whole copy lies beside them, and documents that were appended to documents.

Happens when an ability first uses a file. Must never overwrite what someone has
written meanwhile, never remove the only copy of anything, and never take a file
beside a healthy one for its leftover.
"""

from typing import Any

from ability_facade import left_alone
from ability_facade.documents import Finding, Shape, inspect, is_whole, may_be_several
from ability_facade.log import Log
from ability_facade.names import File, is_hidden
from ability_storage import errors, sdk

#: Shapes of which the end is missing or wrong, so that a whole leftover is better.
_BROKEN = (Shape.BLANK, Shape.TORN, Shape.DAMAGED)

_SEVERAL = (Shape.CONCATENATED, Shape.TORN)


def read_or_none(file: File) -> Any:
    """The contents of the file and their version; None if there is none."""
    try:
        return sdk.read_with_version(*file)
    except errors.NotFoundError:
        return None


def is_of(file: File, version: str) -> bool:
    """Whether the file is of the version, which one that is too long to be read never is."""
    try:
        found = read_or_none(file)
    except errors.TooLargeError:
        return False
    return found is not None and found.version == version


class Recovery:
    """Remembers which files the session has looked at, and which it has written."""

    def __init__(self, log: Log):
        self._log = log
        self._seen: set[File] = set()
        self._own: set[File] = set()
        #: Files of which the ability sees only the last document, with all they hold.
        self._several: dict[File, bytes] = {}
        self._said: set[File] = set()

    def look_at(self, file: File) -> None:
        """On first access: promotes a leftover, or puts aside a copy of what is damaged.
        If that is not possible, the file stays as it is and the log says why."""
        if file in self._seen or is_hidden(file.path):
            return
        try:
            self._recover(file)
        except errors.ConflictError:
            self._log.info(f"{file} was not recovered: someone else has just changed it")
        except errors.InvalidPathError:
            # The call itself will say so.
            return
        except errors.UnconfirmedError as error:
            self._log.warning(error)
        except errors.StorageError as error:
            self._log.error(f"{file} was not recovered: {error}")
        self._seen.add(file)

    def look_again(self, file: File) -> None:
        """The next access counts as the first one."""
        self._seen.discard(file)

    def is_writing(self, file: File) -> None:
        """The ability writes the file itself: it is no leftover of an earlier session,
        whatever its name is."""
        self._own.add(file)

    def is_own(self, file: File) -> bool:
        """Whether the ability has written the file in this session."""
        return file in self._own

    def offer(self, file: File, contents: bytes) -> bytes:
        """What to show of a `.json` file: of several documents, the last whole one."""
        finding = inspect(contents) if may_be_several(contents) else Finding(Shape.WHOLE)
        if finding.shape not in _SEVERAL:
            self._several.pop(file, None)
            return contents
        self._several[file] = contents
        if file not in self._said:
            self._said.add(file)
            self._log.warning(f"{file} holds {finding.shape.value}; the last whole one is read")
        return finding.last.encode()

    def unsaved(self, file: File) -> bytes | None:
        """What a replacement of the file would lose: all its documents, if the ability
        sees only one of them."""
        return self._several.get(file)

    def saved(self, file: File) -> None:
        """What `unsaved` answered is in a file of its own, or was replaced by someone else."""
        self._several.pop(file, None)

    def _recover(self, file: File) -> None:
        if not file.is_json and sdk.check_if_file_exists(*file):
            return
        found = read_or_none(file)
        shape = inspect(found.contents).shape if found else None
        if shape in _SEVERAL:
            self._several[file] = found.contents
        if found and shape not in _BROKEN:
            return
        if found and self.is_own(file):
            # The ability writes it in pieces: it is not broken, but not finished.
            return
        if any(self._promote(leftover, file, found) for leftover in file.leftovers()):
            return
        if shape is Shape.DAMAGED:
            copy = put_aside(file, found.contents)
            self._log.warning(
                f"{file} is {shape.value} and there is no whole copy; what it holds was copied to"
                f" {copy}"
            )

    def _promote(self, leftover: File, file: File, found: Any) -> bool:
        """Makes the leftover the file, if it is whole. All in one commit, which fails
        if either file is no longer what was seen."""
        copy = None if self.is_own(leftover) else read_or_none(leftover)
        if copy is None or not _is_whole(file, copy.contents):
            return False
        if left_alone.is_listed(leftover, copy.version):
            return False
        batch = sdk.Batch(file.in_ability_directory)
        if found and found.contents.strip():
            batch.write(file.quarantine(found.contents).path, found.contents)
        batch.write_if(file.path, copy.contents, version=found.version if found else None)
        batch.delete_if(leftover.path, version=copy.version)
        batch.commit()
        self._several.pop(file, None)
        was = "not a whole document" if found else "missing"
        self._log.warning(f"{file} was {was}; it was recovered from {leftover}")
        return True


def _is_whole(file: File, contents: bytes) -> bool:
    try:
        text = contents.decode()
    except UnicodeDecodeError:
        return False
    return is_whole(text) if file.is_json else bool(text.strip())


def put_aside(file: File, contents: bytes) -> File:
    """Makes a copy of contents of the file; returns where it is."""
    copy = file.quarantine(contents)
    try:
        sdk.atomic_write_file_if(copy.path, contents, copy.in_ability_directory, version=None)
    except errors.ConflictError:
        # The same contents were put aside before.
        pass
    return copy
