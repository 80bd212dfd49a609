"""Read, change, write conditionally, and again if someone else was faster.

Must never write what was not derived from the contents that it replaces, and must
never repeat a write that may have been applied.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

from ._calls import Snapshot
from .errors import ConflictError, NotFoundError
from .files import Contents, atomic_write_file_if, read_with_version

T = TypeVar("T")

PATIENCE = 60.0
"""How many seconds an update is tried. An attempt fails only because another writer
succeeded, so this is reached only where many write without a pause."""

MAX_ATTEMPTS = 100_000
"""For hosts whose clock stands still: more attempts than fit into the time."""

LONGEST_PAUSE = 0.256
"""It keeps the number of writers that collide small even where a commit takes long."""


def pause_length(attempts: int, random: float) -> float:
    """Somewhere between nothing and a bound that doubles with every attempt.

    >>> pause_length(1, 1.0), pause_length(4, 1.0), pause_length(99, 1.0)
    (0.002, 0.016, 0.256)
    """
    bound = LONGEST_PAUSE if attempts > 8 else min(0.001 * 2**attempts, LONGEST_PAUSE)  # noqa: PLR2004
    return bound * random


def pause(attempts: int) -> None:
    """Lets other writers finish."""
    # Not from `random`, which a program may have seeded: two would meet again and again.
    random = int.from_bytes(os.urandom(4)) / 0xFFFF_FFFF
    time.sleep(pause_length(attempts, random))


class Faster(Exception):  # noqa: N818 - it is no error yet
    """Another writer was faster; `conflict` is how that was noticed."""

    def __init__(self, conflict: ConflictError) -> None:
        super().__init__(conflict)
        self.conflict = conflict


def again(attempt: Callable[[], T]) -> T:
    """What `attempt` returns, as soon as it does not raise `Faster`."""
    started = time.monotonic()
    attempts = 0
    while True:
        attempts += 1
        try:
            return attempt()
        except Faster as faster:
            if time.monotonic() - started >= PATIENCE or attempts >= MAX_ATTEMPTS:
                raise faster.conflict from None
        pause(attempts)


def write_over(
    path: str, contents: Contents, in_ability_directory: bool, old: Snapshot | None
) -> str:
    """Writes if the file is still `old`; else raises `Faster`. Returns the version."""
    version = None if old is None else old.version
    try:
        return atomic_write_file_if(path, contents, in_ability_directory, version=version)
    except ConflictError as conflict:
        raise Faster(conflict) from None


def read_or_none(path: str, in_ability_directory: bool) -> Snapshot | None:
    """What is there; `None` if there is no file."""
    try:
        return read_with_version(path, in_ability_directory)
    except NotFoundError:
        return None


def update(
    path: str, in_ability_directory: bool, change: Callable[[Snapshot | None], tuple[Contents, T]]
) -> T:
    """Writes what `change` makes of the file; returns its result."""

    def attempt() -> T:
        old = read_or_none(path, in_ability_directory)
        contents, result = change(old)
        write_over(path, contents, in_ability_directory, old)
        return result

    return again(attempt)
