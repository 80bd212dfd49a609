"""`Counter`: numbers that are each given once, also to many instances at once.

Must never take a file that it cannot read for a counter at zero, and never give a
number before the write that uses it up has returned.
"""

from __future__ import annotations

from ._calls import Snapshot
from ._retry import read_or_none, update
from ._text import without_mark
from .batch import Batch, check_batch
from .errors import CorruptError, CounterExhaustedError, shown
from .files import check_path, scope_of

LAST = 2**64 - 1
"""The greatest number, the same in all languages."""

_MAX_DIGITS = 64
"""Enough for some zeros in front. Python would take its time with many more."""


class Counter:
    """A counter in one file, for numbers that are each given once.

    Instances that count in the same file at the same time never get the same number.
    A number that was used up is not given again after a kill or a power cut; one that
    was used up just before may be missing.

    The file holds the last number that was used up, in decimal digits. Each call
    writes the file once, so who needs many numbers calls `add`.

    >>> tickets = Counter("tickets.txt")
    >>> tickets.next()
    1
    >>> last = tickets.add(100)
    >>> list(range(last - 99, last + 1))[0]
    2
    """

    def __init__(self, path: str, in_ability_directory: bool = True) -> None:
        scope_of(in_ability_directory)
        self._path = check_path(path)
        self._in_ability_directory = in_ability_directory

    def next(self) -> int:
        """Uses up the next number: 1 at first."""
        return self.add(1)

    def add(self, count: int) -> int:
        """Uses up the next `count` numbers, and returns the last of them.

        Raises `CorruptError` if the file does not hold a number, also if it is empty,
        `UnsupportedError` if it is UTF-16, and `CounterExhaustedError` if there are not
        so many left. After `UnconfirmedError` the numbers are used up in the file, or may
        be, but a power cut may undo that: do not use them, and they are at worst missing.
        """

        def change(old: Snapshot | None) -> tuple[str, int]:
            last = self._add(None if old is None else old.contents, count)
            return str(last), last

        _check_count(self._path, count)
        return update(self._path, self._in_ability_directory, change)

    def next_in(self, batch: Batch) -> int:
        """Uses up the next number as a part of `batch`; see `add_in`."""
        return self.add_in(batch, 1)

    def add_in(self, batch: Batch, count: int) -> int:
        """Like `add`, as a part of `batch`: made with its other steps, or not at all.

        The numbers can be written into other files of the batch. For all else they may be
        used only once the batch is committed, which is refused if anyone else has counted.
        """
        _check_count(self._path, count)
        check_batch(batch, self._in_ability_directory)
        last = self._add(batch.read(self._path), count)
        batch.write(self._path, str(last))
        return last

    def value(self) -> int:
        """The last number that was used up; 0 if there is no file."""
        file = read_or_none(self._path, self._in_ability_directory)
        return self._parse(None if file is None else file.contents)

    def _add(self, contents: bytes | None, count: int) -> int:
        value = self._parse(contents)
        if value + count > LAST:
            raise CounterExhaustedError(self._path, value)
        return value + count

    def _parse(self, contents: bytes | None) -> int:
        if contents is None:
            return 0
        digits = without_mark(self._path, contents)
        # Editors put a line end behind what people repair by hand.
        digits = digits.removesuffix(b"\r\n" if digits.endswith(b"\r\n") else b"\n")
        if not digits.isdigit() or len(digits) > _MAX_DIGITS or (value := int(digits)) > LAST:
            raise self._corrupt()
        return value

    def _corrupt(self) -> CorruptError:
        reason = "it should hold the last number that was used up, in decimal digits"
        return CorruptError(self._path, reason)


def _check_count(path: str, count: int) -> None:
    is_number = isinstance(count, int | float) and not isinstance(count, bool)
    found = count if is_number else type(count).__name__
    refused = f"{shown(path)} was not changed: a count is a whole number from 0 on, not {found}"
    if not isinstance(count, int) or isinstance(count, bool):
        raise TypeError(refused)
    if count < 0:
        raise ValueError(refused)
