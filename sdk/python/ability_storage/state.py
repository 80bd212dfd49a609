"""`State`: a value of the ability's own, kept as JSON in one file.

Must never take a file that it cannot read for an empty one, and never overwrite what
it has not seen.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from . import _json
from ._calls import Snapshot
from ._retry import Faster, again, read_or_none, write_over
from .backup import beside
from .batch import Batch, check_batch
from .errors import (
    ConflictError,
    CorruptError,
    NewerSchemaError,
    NotSerializableError,
    Outcome,
    SchemaError,
    StorageError,
)
from .files import atomic_write_file_if, check_path, scope_of
from .update import fresh, returned

SCHEMA_KEY = "schema_version"
"""The member of the object in the file that holds the schema version."""

MAX_QUARANTINED = 1000
"""More corrupt files of one state are not kept: something is wrong that goes on."""

Migration = Callable[[dict[str, Any]], dict[str, Any]]

_log = logging.getLogger("ability_storage")


class State:
    """A value kept as JSON in one file.

    `value` is the value, loaded at once: that of the file, or a copy of `default` (or
    what it returns, if it can be called) if there is no file. Loading writes nothing.
    To change it there are two ways: `update` changes the file and the value in one
    step, and loses nothing when others write too; or change `value` as often as you
    like and `save` it.

    >>> state = State("settings.json", default={"city": "Oslo", "asked": 0})
    >>> def ask(settings):
    ...     settings["asked"] += 1
    ...     return settings
    >>> state.update(ask)
    {'city': 'Oslo', 'asked': 1}

    With a `schema_version`, from 1 on, the value is a dict, and the file says in its
    member `schema_version` of which version it is; one without is of version 0. What
    is older is brought up to date by `migrations`, of which the one for 1 makes a value
    of version 2 out of one of version 1. A file of a newer version is refused with
    `NewerSchemaError`, and left as it is.

    >>> state = State(
    ...     "settings.json",
    ...     default=dict,
    ...     schema_version=1,
    ...     migrations={0: lambda old: {"cities": [old["city"]]}},
    ... )
    >>> state.value
    {'cities': ['Oslo']}

    A file that is corrupt is moved aside in one step, under a name that no file has,
    such as `settings.corrupt-1.json`; the value is the default then, `quarantined` is
    that name, and the log `ability_storage` gets a warning, which Python shows on
    standard error. Where it cannot be moved, as on a disk that is read-only, that is
    `CorruptError`. A file that is valid but could not be written again as it is, such as
    one in UTF-16 or with a number beyond 64 bits, stays: `UnsupportedError`.

    What `save` and `update` write comes back equal, here and in the SDKs of the other
    languages: dicts with `str` keys, lists, text, numbers of 64 bits, `True`, `False` and
    `None`. Anything else is `NotSerializableError`, which names its place: a tuple, too,
    because it would come back as a list.
    """

    quarantined: str | None
    """Where the corrupt file is now that was found last; `None` if there was none."""

    def __init__(
        self,
        path: str,
        default: Any = dict,
        *,
        schema_version: int | None = None,
        migrations: Mapping[int, Migration] | None = None,
        in_ability_directory: bool = True,
    ) -> None:
        scope_of(in_ability_directory)
        self._path = check_path(path)
        self._default = default
        self._schema = _checked_schema(schema_version, migrations)
        self._migrations = dict(migrations or {})
        self._in_ability_directory = in_ability_directory
        self.quarantined = None
        self._version: str | None = None
        self._saved = b""
        self.value: Any = None
        self.reload()

    def reload(self) -> None:
        """Loads the file again. Changes that were not saved are gone."""
        value, file = again(self._loaded)
        self._settle(value, None if file is None else file.version)

    def save(self) -> None:
        """Writes the value, if the file is as this state last loaded or saved it.

        Raises `ConflictError` if someone else wrote or deleted the file since, which
        stays as they left it: `reload`, make the change again, save again. After
        `UnconfirmedError` the file holds the new value, or may, and `reload` is needed
        before the next save.
        """
        contents = self._encode(self.value)
        self._version = atomic_write_file_if(
            self._path, contents, self._in_ability_directory, version=self._version
        )
        self._saved = contents

    def update(self, fn: Callable[[Any], Any]) -> Any:
        """Makes `fn(value)` the value, in the file and here, and returns it.

        `fn` gets what the file holds now, not what was loaded earlier, and may be
        called several times, as that of `update_json`; no change of anyone else is
        lost. It must return the new value. If it raises, nothing is written, and the
        value here is as it was. Changes of `value` that were not saved are saved first,
        and stay saved if the update then fails.
        """
        if self._encode(self.value) != self._saved:
            self.save()

        def attempt() -> tuple[Any, str | None]:
            value, old = self._loaded()
            new = returned(fn, fn(value))
            return new, write_over(self._path, self._encode(new), self._in_ability_directory, old)

        new, version = again(attempt)
        self._settle(new, version)
        return new

    def update_in(self, batch: Batch, fn: Callable[[Any], Any]) -> Any:
        """Like `update`, as a part of `batch`: made with its other steps, or not at all.

        `fn` gets what the file holds after the steps so far, and is called once. `value`
        is the new value, which is returned, as soon as the batch is committed. The commit
        is refused if anyone else has changed the file. Changes of `value` that were not
        saved are saved first, on their own. Raises `CorruptError` if the file is corrupt;
        `reload` moves it aside.
        """
        check_batch(batch, self._in_ability_directory)
        if self._encode(self.value) != self._saved:
            self.save()
        new = returned(fn, fn(self._decode(batch.read(self._path))))
        batch.write(self._path, self._encode(new))
        batch._then(lambda version: self._settle(new, version))
        return new

    def __repr__(self) -> str:
        return f"State({self._path!r}, {self.value!r})"

    def _settle(self, value: Any, version: str | None) -> None:
        self.value = value
        self._version = version
        self._saved = self._encode(value)

    def _loaded(self) -> tuple[Any, Snapshot | None]:
        """The value that the file holds, or the default, and what it is of."""
        file = read_or_none(self._path, self._in_ability_directory)
        try:
            return self._decode(None if file is None else file.contents), file
        except CorruptError as error:
            if file is None or error.path != self._path:
                raise
            self._quarantine(file, error)
            return fresh(self._default), None

    def _decode(self, contents: bytes | None) -> Any:
        if contents is None:
            return fresh(self._default)
        value = _json.decode(self._path, contents)
        if self._schema is None:
            return value
        if not isinstance(value, dict):
            raise CorruptError(self._path, "it should hold a JSON object")
        found = value.pop(SCHEMA_KEY, 0)
        if isinstance(found, float) and found.is_integer():
            found = int(found)
        if not isinstance(found, int) or isinstance(found, bool) or found < 0:
            raise CorruptError(self._path, f"its {SCHEMA_KEY} is no number from 0 on")
        if found > self._schema:
            raise NewerSchemaError(self._path, found, self._schema)
        for version in range(found, self._schema):
            if version not in self._migrations:
                raise SchemaError(self._path, found, self._schema)
            migration = self._migrations[version]
            value = returned(migration, migration(value))
        return value

    def _encode(self, value: Any) -> bytes:
        if self._schema is not None:
            if not isinstance(value, dict):
                raise NotSerializableError(self._path, "with a schema version, it must be a dict")
            if SCHEMA_KEY in value:
                raise NotSerializableError(self._path, f"its key {SCHEMA_KEY} is that of State")
            value = {SCHEMA_KEY: self._schema, **value}
        return _json.encode(self._path, value)

    def _quarantine(self, file: Snapshot, error: CorruptError) -> None:
        """Moves aside what was read, unless someone else was faster (`Faster`)."""
        for number in range(1, MAX_QUARANTINED + 1):
            aside = beside(self._path, f"corrupt-{number}")
            batch = Batch(self._in_ability_directory)
            # Nothing but what was found to be corrupt may be moved.
            batch.write_if(self._path, file.contents, version=file.version)
            batch.rename_if(self._path, aside, version=None)
            try:
                batch.commit()
            except ConflictError as conflict:
                if conflict.step == 0:
                    raise Faster(ConflictError(self._path, conflict.found)) from None
            except StorageError as failure:
                if failure.outcome is Outcome.NOT_APPLIED:
                    raise error from failure
                raise
            else:
                self.quarantined = aside
                _log.warning(
                    "%s was corrupt (%s); it is kept as %s", self._path, error.reason, aside
                )
                return
        raise error


def _checked_schema(
    schema_version: int | None, migrations: Mapping[int, Migration] | None
) -> int | None:
    if schema_version is None:
        if migrations:
            raise ValueError("migrations need a schema_version")
        return None
    if not isinstance(schema_version, int) or isinstance(schema_version, bool):
        raise TypeError("a schema_version is an int")
    if schema_version < 1:
        raise ValueError("a schema_version is 1 or more")
    if unknown := [version for version in migrations or {} if not 0 <= version < schema_version]:
        raise ValueError(f"there is no use for migrations from {unknown}")
    return schema_version
