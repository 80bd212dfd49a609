"""`open_writer` and `open_reader`: files of any size, in bounded memory.

What is being written is seen by nobody before it is whole. Must never commit a file of
which a part could not be written, and never take an error for the end of a file.
"""

from __future__ import annotations

import io
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ._calls import ALWAYS, HostError, HostReader, HostWriter, Precondition
from ._host import storage
from .errors import StorageError
from .files import Contents, check_path, check_version, scope_of, to_bytes

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

CHUNK = 256 * 1024
"""How many bytes go to the host, or come from it, at once."""


def open_writer(path: str, in_ability_directory: bool = True) -> Writer:
    r"""Begins to write the file at `path`, which is replaced when all is written.

    >>> with open_writer("squares.csv") as table:
    ...     for number in range(3):
    ...         size = table.write(f"{number},{number * number}\n")
    """
    return Writer(path, in_ability_directory, ALWAYS)


def open_writer_if(path: str, in_ability_directory: bool = True, *, version: str | None) -> Writer:
    """Like `open_writer`, if the file is of `version` at the commit.

    `version=None` asks that there be none.
    """
    return Writer(path, in_ability_directory, version)


def open_reader(path: str, in_ability_directory: bool = True) -> Reader:
    r"""Begins to read the file at `path`: one version of it, whatever happens meanwhile.

    >>> with open_writer("squares.csv") as table:
    ...     size = table.write("0,0\n1,1\n")
    >>> with open_reader("squares.csv") as table:
    ...     print(table.size, [line for line in table])
    8 [b'0,0\n', b'1,1\n']
    """
    return Reader(path, in_ability_directory)


class Writer(io.RawIOBase):
    """A file that is being written, of any size, in bounded memory.

    Nobody sees it before the end of the `with` block, which makes it the file at its
    path in one step; a block that ends with an exception leaves the path as it was,
    and nothing behind. Without `with`, `commit` makes it the file; to close it, to
    forget it or to be killed leaves nothing.

    `write` takes text, as UTF-8, or bytes, in pieces of any size, which are gathered
    into chunks of 256 KiB. After an error the writer is of no more use: all that
    follows fails with the same one, the commit too. A host allows only so many writers
    at a time.
    """

    version: str | None
    """The version that was written, after the commit."""

    _writer: HostWriter | None = None

    def __init__(self, path: str, in_ability_directory: bool, precondition: Precondition) -> None:
        super().__init__()
        self.version = None
        self._path = path
        self._precondition = precondition
        self._gathered = bytearray()
        self._failed: StorageError | None = None
        checked_path, scope = check_path(path), scope_of(in_ability_directory)
        check_version(precondition)
        try:
            self._writer = storage().open_writer(checked_path, scope, precondition)
        except HostError as error:
            raise error.about(path, precondition) from None

    def writable(self) -> bool:
        """That it can be written to."""
        return True

    def write(self, contents: Contents | ReadableBuffer, /) -> int:
        """Adds all of `contents` to the end. Returns how many characters or bytes."""
        self._check()
        data = (
            to_bytes(contents, self._path)
            if isinstance(contents, str)
            else memoryview(contents).cast("B")
        )
        for start in range(0, len(data), CHUNK):
            self._gathered += data[start : start + CHUNK]
            if len(self._gathered) >= CHUNK:
                self._put(bytes(self._gathered[:CHUNK]))
                del self._gathered[:CHUNK]
        return len(contents) if isinstance(contents, str) else len(data)

    def flush(self) -> None:
        """Hands on what is gathered, which brings errors to light earlier.

        It makes nothing visible and nothing durable. Only the commit does.
        """
        if self._writer is not None:
            self._check()
            if self._gathered:
                self._put(bytes(self._gathered))
                self._gathered.clear()

    def commit(self) -> str:
        """Makes what was written the file, whole and durable. Returns its version."""
        self.flush()
        writer = self._check()
        try:
            self.version = writer.commit()
        except HostError as error:
            raise error.about(self._path, self._precondition) from None
        finally:
            self.close()
        return self.version

    def close(self) -> None:
        """Leaves nothing of what was written, unless it was committed."""
        writer, self._writer = self._writer, None
        self._gathered = bytearray()
        if writer is not None:
            writer.drop()
        super().close()

    def __enter__(self) -> Self:
        self._check()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None and self.version is None:
                self.commit()
        finally:
            self.close()

    def _check(self) -> HostWriter:
        if self._failed is not None:
            raise self._failed
        if self._writer is None:
            raise ValueError(f"the writer of {self._path} is closed")
        return self._writer

    def _put(self, chunk: bytes) -> None:
        try:
            self._check().write(chunk)
        except HostError as error:
            self._failed = error.about(self._path)
            raise self._failed from None


class Reader(io.BufferedReader):
    """A file that is being read, of any size, in bounded memory.

    A binary file as `open(path, "rb")` gives, but for `seek`; for text, put
    `io.TextIOWrapper(reader, "utf-8")` around it. A host allows only so many readers
    at a time.
    """

    size: int
    """Length of the file in bytes."""

    def __init__(self, path: str, in_ability_directory: bool) -> None:
        checked_path, scope = check_path(path), scope_of(in_ability_directory)
        try:
            reader = storage().open_reader(checked_path, scope)
        except HostError as error:
            raise error.about(path) from None
        pieces = _Pieces(path, reader)
        super().__init__(pieces, CHUNK)
        self._pieces = pieces
        self.size = reader.size

    def skip(self, size: int) -> None:
        """Leaves out the next `size` bytes, or all that are left if there are fewer.

        The host does not read them where it can do without.
        """
        # To look at what is buffered would read more at the very beginning.
        at_hand = len(self.peek()) if self._pieces.is_begun else 0
        skipped = len(self.read(min(size, at_hand)))
        if size > skipped:
            self._pieces.skip(size - skipped)


class _Pieces(io.RawIOBase):
    """What a `Reader` buffers."""

    def __init__(self, path: str, reader: HostReader) -> None:
        super().__init__()
        self._path = path
        self._reader: HostReader | None = reader
        self.is_begun = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        if self._reader is None:
            raise ValueError(f"the reader of {self._path} is closed")
        self.is_begun = True
        target = memoryview(buffer).cast("B")
        try:
            piece = self._reader.read(len(target))
        except HostError as error:
            raise error.about(self._path) from None
        target[: len(piece)] = piece
        return len(piece)

    def skip(self, size: int) -> None:
        if self._reader is None:
            raise ValueError(f"the reader of {self._path} is closed")
        try:
            self._reader.skip(size)
        except HostError as error:
            raise error.about(self._path) from None

    def close(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.drop()
        super().close()
