"""Which storage calls go to: the host's, or one that a test has installed.

Nothing but this module may know which. No decision about files belongs here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ._calls import Storage

NO_STORAGE = (
    "there is no storage here: this program does not run in the sandbox of an ability. "
    "To try it without one, use `with ability_storage.testing.MemoryStorage():`"
)
AT_BUILD = (
    "there is no storage while the ability is built, which is when the top level of its "
    "modules runs. Call storage from `main()`, which runs at each start"
)


class _Current:
    """Which storage calls go to now."""

    host: Storage | None = None
    installed: Storage | None = None
    building: bool = False


_current = _Current()

try:
    from . import _wit
except ModuleNotFoundError as error:
    # Another module that is missing is a mistake to be seen.
    if error.name not in {"wit_world", "componentize_py_types"}:
        raise
else:
    _current.host = _wit.WitStorage()


def storage() -> Storage:
    """The storage that calls go to now.

    Raises `RuntimeError` if there is none, which is a mistake of the program.
    """
    if _current.building:
        raise RuntimeError(AT_BUILD)
    found = _current.installed or _current.host
    if found is None:
        raise RuntimeError(NO_STORAGE)
    return found


def install(replacement: Storage | None) -> Storage | None:
    """Lets calls go to `replacement`; returns what they went to before."""
    previous, _current.installed = _current.installed, replacement
    return previous


@contextmanager
def building() -> Iterator[None]:
    """For entry modules, around the import of the author's: refuses all calls."""
    _current.building = True
    try:
        yield
    finally:
        _current.building = False
