"""The files of a session, as the platform's file calls show them, without the moment
in which a file is neither old nor new.

A delete is *held back*: meanwhile the file answers as if it were gone. If the next
change is a write of the same file, the two are one commit, an atomic replacement. Any
other change, waiting and the end *settle* it: they commit the delete.

A write that fails, for whatever reason, takes the delete before it back, and so does
an ability that fails before it writes.

Must never show the ability a file that it has deleted, never delete what others
have written since, and never keep a delete back while the ability waits.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ability_facade import left_alone
from ability_facade.documents import Shape, inspect
from ability_facade.log import Log
from ability_facade.names import File, is_hidden
from ability_facade.recovery import Recovery, is_of, put_aside, read_or_none
from ability_storage import errors, sdk
from ability_storage._retry import again, write_over


@dataclass(frozen=True)
class HeldDelete:
    """A delete that is not committed yet."""

    file: File
    #: Of what the ability deleted. If anything else is there by then, someone has
    #: written it after the delete, and it stays.
    version: str


class Files:
    """The old file calls, synchronous. One for all tasks of a session."""

    def __init__(self, log: Log, seeds: Mapping[str, bytes] | None = None):
        self.log = log
        #: What came with the ability. It is in the ability's directory until the ability
        #: writes a file of the same name.
        self._seeds = dict(seeds or {})
        self._recovery = Recovery(log)
        self._held: HeldDelete | None = None
        #: The delete that was taken back last. A write that is tried again still replaces
        #: what was deleted, until the ability has seen that the file is there.
        self._taken_back: HeldDelete | None = None
        self._warned: set[File] = set()

    def exists(self, path: str, in_ability_directory: bool = False) -> bool:
        return self._sees(File(path, bool(in_ability_directory)))

    def read(self, path: str, in_ability_directory: bool = False) -> str:
        file = File(path, bool(in_ability_directory))
        contents = self._look(file)
        if contents is None:
            raise errors.NotFoundError(path)
        if file.is_json:
            contents = self._recovery.offer(file, contents)
        try:
            return contents.decode()
        except UnicodeDecodeError as error:
            raise errors.NotUtf8Error(path, error.start) from None

    def names(self) -> list[str]:
        """The paths of the user's files."""
        self._taken_back = None
        names = [path for path in sdk.list_files("", False) if not is_hidden(path)]
        held = self._held
        if held is None or held.file.in_ability_directory or self._sees(held.file):
            return names
        return [path for path in names if path != held.file.path]

    def write(
        self, path: str, content: str, in_ability_directory: bool = False, mode: str = "a+"
    ) -> None:
        file = File(path, bool(in_ability_directory))
        held = self._held if self._is_held(file) else None
        try:
            self._write(file, _to_bytes(path, content), _replaces(mode))
        except BaseException:
            # The delete and this write are one, and neither was made: the file is still
            # the old one, and no longer answers as if it were gone.
            if held:
                self._held, self._taken_back = None, held
            raise
        if self._taken_back and self._taken_back.file == file:
            self._taken_back = None

    def _write(self, file: File, contents: bytes, replaces: bool) -> None:
        deleted = self._held if self._is_held(file) else self._taken_back_of(file)
        if deleted:
            self._held = None
            if self._replace_deleted(deleted, contents):
                return
        self.settle()
        self._recovery.look_at(file)
        if replaces:
            self._replace(file, contents)
        else:
            self._append(file, contents)

    def delete(self, path: str, in_ability_directory: bool = False) -> None:
        file = File(path, bool(in_ability_directory))
        if self._is_held(file) and not self._sees(file):
            return
        self.settle()
        self._recovery.look_at(file)
        try:
            found = read_or_none(file)
        except errors.TooLargeError:
            # Without its version, the delete can only be made at once, or not at all.
            left_alone.delete(file, None, self._recovery.is_own)
            found = None
        if file.in_ability_directory:
            self._seeds.pop(file.path, None)
        if found:
            self._held = HeldDelete(file, found.version)

    def take_back(self) -> None:
        """Forgets the delete that is held back, if there is one: the ability has failed,
        and the write that belongs to it may never come."""
        if self._held is None:
            return
        self._held, self._taken_back = None, self._held
        file = self._taken_back.file
        self.log.warning(f"{file} was not deleted, because the ability failed right after that")

    def settle(self) -> None:
        """Commits the delete that is held back, if there is one. If that fails, the
        file is still there, and the error says so."""
        held, self._held = self._held, None
        if held is None:
            return
        try:
            left_alone.delete(held.file, held.version, self._recovery.is_own)
        except errors.ConflictError:
            # Someone has written the file, or removed it, after the ability did.
            pass
        except errors.UnconfirmedError as error:
            self.log.warning(error)

    def _look(self, file: File) -> bytes | None:
        """What the ability sees of the contents."""
        self._has_seen(file)
        found = read_or_none(file)
        if self._is_held(file):
            if found is None or found.version == self._held.version:
                return None
            self._held = None
        return found.contents if found else self._seed(file)

    def _sees(self, file: File) -> bool:
        """Whether the ability sees a file, also one that is too long to be read."""
        self._has_seen(file)
        exists = sdk.check_if_file_exists(*file)
        if self._is_held(file):
            if not exists or is_of(file, self._held.version):
                return False
            self._held = None
        return exists or self._seed(file) is not None

    def _has_seen(self, file: File) -> None:
        if self._taken_back and self._taken_back.file == file:
            self._taken_back = None
        self._recovery.look_at(file)

    def _seed(self, file: File) -> bytes | None:
        return self._seeds.get(file.path) if file.in_ability_directory else None

    def _is_held(self, file: File) -> bool:
        return self._held is not None and self._held.file == file

    def _taken_back_of(self, file: File) -> HeldDelete | None:
        """The delete that was taken back, if the file is still what was deleted in vain."""
        deleted = self._taken_back
        if deleted is None or deleted.file != file or not is_of(file, deleted.version):
            return None
        return deleted

    def _append(self, file: File, contents: bytes) -> None:
        if file.is_json:
            self._warn_of_second_document(file)
            self._recovery.look_again(file)
        self._recovery.is_writing(file)
        seed = self._seed(file)
        if seed is not None:
            try:
                sdk.append_file_if(file.path, seed + contents, file.in_ability_directory, end=_NONE)
                return
            except errors.OtherEndError:
                # There is a file already, and it began with the seed.
                pass
        sdk.append_file(file.path, contents, file.in_ability_directory)

    def _warn_of_second_document(self, file: File) -> None:
        if file in self._warned:
            return
        try:
            found = read_or_none(file)
        except errors.TooLargeError:
            return
        if found and inspect(found.contents).shape in (Shape.WHOLE, Shape.CONCATENATED):
            self._warned.add(file)
            self.log.warning(
                f"{file} holds a whole JSON document already, and what is appended makes it two,"
                ' which no JSON parser reads as one: write it with mode="w"'
            )

    def _replace_deleted(self, deleted: HeldDelete, contents: bytes) -> bool:
        """Replaces what the ability has deleted; false if someone else has changed it since.
        What is there then is not what was deleted, and the write goes on as any other."""
        file = deleted.file
        seen = self._recovery.unsaved(file)
        if seen is not None:
            # It is what was deleted, or the condition does not hold.
            self._put_aside(file, seen)
        self._recovery.is_writing(file)
        try:
            sdk.atomic_write_file_if(*file.with_contents(contents), version=deleted.version)
        except errors.ConflictError:
            return False
        self._recovery.saved(file)
        return True

    def _replace(self, file: File, contents: bytes) -> None:
        self._recovery.is_writing(file)
        if self._recovery.unsaved(file) is None:
            sdk.atomic_write_file(*file.with_contents(contents))
            return

        def attempt() -> None:
            # What is there by now, with what others have added to what the ability saw.
            found = read_or_none(file)
            if found:
                self._put_aside(file, found.contents)
            write_over(*file.with_contents(contents), found)

        again(attempt)
        self._recovery.saved(file)

    def _put_aside(self, file: File, contents: bytes) -> None:
        copy = put_aside(file, contents)
        self.log.warning(f"{file} held more than one document; a copy of all is in {copy}")


_NONE = sdk.FileEnd()
"""How a file ends that is not there."""


def _replaces(mode: str) -> bool:
    """Whether the mode, one of those of `open`, replaces the file or adds to it."""
    kind = "".join(letter for letter in mode if letter not in "bt+")
    if kind not in ("w", "a"):
        raise ValueError(f'mode {mode!r} is none: use "w" to replace the file, "a+" to add to it')
    return kind == "w"


def _to_bytes(path: str, content: object) -> bytes:
    if isinstance(content, str):
        try:
            return content.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"{path} was not changed: its contents cannot be written as UTF-8: {error}"
            ) from None
    if isinstance(content, (bytes, bytearray)):
        return bytes(content)
    raise TypeError(
        f"{path} was not changed: its contents must be text, not {type(content).__name__}"
    )
