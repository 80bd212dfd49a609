"""`update_file` and `update_json`: change a file such that no change of others is lost.

A file that is corrupt is an error, and is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import _json
from ._calls import Snapshot
from ._retry import update
from .batch import Batch, check_batch
from .files import Contents, to_bytes


def update_file(
    path: str, fn: Callable[[bytes | None], Contents], in_ability_directory: bool = True
) -> bytes:
    r"""Makes `fn(contents)` the file at `path`; `contents` is `None` if there is none.

    It is written on condition that the file is still as it was read. If it is not,
    all is done again, after a short random pause; so `fn` may be called several times
    and should do nothing but compute. After a minute of that the update gives up with
    the `ConflictError`. Returns what was written. If `fn` raises, nothing is written.

    After `UnconfirmedError` the change is in the file, or may be: to call this again
    could make it twice. Read the file first.

    >>> update_file("todo.txt", lambda old: (old or b"") + b"water the plants\n")
    b'water the plants\n'
    """

    def change(old: Snapshot | None) -> tuple[bytes, bytes]:
        new = to_bytes(returned(fn, fn(None if old is None else old.contents)), path)
        return new, new

    return update(path, in_ability_directory, change)


def update_json(
    path: str,
    fn: Callable[[Any], Any],
    default: Any = None,
    in_ability_directory: bool = True,
) -> Any:
    """Makes `fn(value)` the JSON value in the file at `path`, and returns it.

    `value` is what the file holds; if there is no file, a copy of `default`, or what
    it returns if it can be called, as `dict` can. What `fn` returns is written, if the
    file is still as it was read; else all is done again, as with `update_file`. `fn`
    may change the value that it is given, but must return it: `None` is taken for a
    `return` that was forgotten.

    The file is indented JSON, for people to read. Raises `CorruptError` if it does not
    hold JSON, `UnsupportedError` if it holds JSON that could not be written again as it
    is, `NotSerializableError` if the new value would not come back equal: the text names
    the place. The file is as it was then.

    >>> update_json("visits.json", lambda visits: visits + 1, default=0)
    1
    >>> update_json("visits.json", lambda visits: visits + 1, default=0)
    2
    """

    def change(old: Snapshot | None) -> tuple[bytes, Any]:
        value = fresh(default) if old is None else _json.decode(path, old.contents)
        new = returned(fn, fn(value))
        return _json.encode(path, new), new

    return update(path, in_ability_directory, change)


def update_json_in(batch: Batch, path: str, fn: Callable[[Any], Any], default: Any = None) -> Any:
    """Like `update_json`, as a part of `batch`: made with its other steps, or not at all.

    `fn` gets what the file holds after the steps so far, and is called once. The commit is
    refused if anyone else has changed the file.

    >>> batch = Batch()
    >>> update_json_in(batch, "day.json", lambda visits: visits + 1, default=0)
    1
    >>> versions = batch.append("days.log", "a visit").commit()
    """
    check_batch(batch)
    old = batch.read(path)
    value = fresh(default) if old is None else _json.decode(path, old)
    new = returned(fn, fn(value))
    batch.write(path, _json.encode(path, new))
    return new


def fresh(default: Any) -> Any:
    """A value of its own for whoever changes it."""
    return default() if callable(default) else _json.copy(default)


def returned(fn: Callable[..., Any], value: Any) -> Any:
    """What `fn` returned, unless it returned nothing."""
    if value is None:
        name = getattr(fn, "__name__", "the function")
        raise TypeError(
            f"{name} must return the new value, but returned None: its change was not made"
        )
    return value
