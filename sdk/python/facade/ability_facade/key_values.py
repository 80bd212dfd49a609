"""The key-value calls: one JSON object for each key, all in one file.

The file is `ability-key-values.json` in the user's directory:
`{"values": {"<key>": {...}}}`. Each change is a conditional write, so that an ability
and its daemon lose nothing of each other's. A file that does not hold this is an error,
and is never overwritten.
"""

import json
from collections.abc import Callable
from typing import Any

from ability_facade.files import Files
from ability_facade.names import KEY_VALUES
from ability_storage import errors, sdk
from ability_storage._nesting import is_deeper
from ability_storage._text import without_mark

#: How many objects and lists may be inside each other in a value.
MAX_DEPTH = 127


class StoredValue(dict):
    """The object that is stored under a key.

    Some abilities read the object itself; others read the platform's envelope,
    `result["value"]`. Both work: unless the object has such names of its own, `key`
    and `value` answer as the envelope does. It is true even if the object is empty,
    because the key exists.
    """

    def __init__(self, key: str, value: dict):
        super().__init__(value)
        self._envelope = {"key": key, "value": value}

    def __missing__(self, name: str) -> Any:
        return self._envelope[name]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._envelope

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default

    def __bool__(self) -> bool:
        return True


class KeyValues:
    """Sync, as on the platform. A save that fails raises; a call that makes no sense
    answers `{"success": False, "error": ...}`, as there."""

    def __init__(self, files: Files):
        self._files = files

    def create(self, key: str, value: dict) -> dict:
        """Adds a key. That it is there already is an error, and changes nothing."""
        _check(key, value)

        def add(values: dict) -> dict | None:
            return None if key in values else {**values, key: value}

        if self._change(add):
            return _success(key, value)
        return self._failure(f"the key {key!r} exists already; use update_key")

    def update(self, key: str, value: dict) -> dict:
        """Replaces the object under a key; adds the key if it is missing."""
        _check(key, value)
        self._change(lambda values: {**values, key: value})
        return _success(key, value)

    def delete(self, key: str) -> dict:
        """Removes a key."""
        _check(key, {})

        def remove(values: dict) -> dict | None:
            rest = {name: value for name, value in values.items() if name != key}
            return rest if key in values else None

        if self._change(remove):
            return {"success": True, "key": key}
        return self._failure(f"there is no key {key!r}")

    def all(self) -> dict[str, dict]:
        """All keys with their objects."""
        try:
            return _parse(sdk.read_file_bytes(KEY_VALUES, False))
        except errors.NotFoundError:
            return {}

    def get(self, key: str) -> dict:
        """The object under a key; an empty dict, which is false, if there is none."""
        values = self.all()
        return StoredValue(key, values[key]) if key in values else {}

    def _change(self, change: Callable[[dict], dict | None]) -> bool:
        """Replaces the keys by what `change` makes of them; nothing if that is None."""
        self._files.settle()

        def new_contents(old: bytes | None) -> bytes:
            values = change(_parse(old) if old is not None else {})
            if values is None:
                raise _Unchanged
            return _written(values)

        try:
            sdk.update_file(KEY_VALUES, new_contents, False)
        except _Unchanged:
            return False
        return True

    def _failure(self, reason: str) -> dict:
        self._files.log.warning(f"key-value call: {reason}; nothing was changed")
        return {"success": False, "error": reason}


class _Unchanged(Exception):
    """Nothing is to be written."""


def _check(key: object, value: object) -> None:
    if not isinstance(key, str) or not key:
        raise TypeError(f"a key must be a text that is not empty, not {key!r}; nothing was changed")
    if not isinstance(value, dict):
        raise TypeError(
            f"the value of the key {key!r} must be a dict, not {type(value).__name__};"
            " nothing was changed"
        )
    try:
        text = json.dumps(value, allow_nan=False)
        if is_deeper(text, MAX_DEPTH):
            raise ValueError(f"it is nested more than {MAX_DEPTH} times")
        json.loads(text, object_pairs_hook=_without_clashes)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"the value of the key {key!r} cannot be written as JSON: {error}; nothing was changed"
        ) from None


def _without_clashes(pairs: list[tuple[str, Any]]) -> None:
    """That no two keys are written alike, as 1 and "1" are."""
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"two of its keys would both be {json.dumps(twice)}")


def _written(values: dict) -> bytes:
    text = json.dumps({"values": values}, ensure_ascii=False, indent=1)
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Half a character, which JSON can only write as an escape.
        return json.dumps({"values": values}, indent=1).encode()


def _success(key: str, value: dict) -> dict:
    return {"success": True, "key": key, "value": value}


def _parse(contents: bytes) -> dict[str, dict]:
    contents = without_mark(KEY_VALUES, contents)
    try:
        text = contents.decode()
        if is_deeper(text, MAX_DEPTH + 2):
            raise ValueError(f"a value is nested more than {MAX_DEPTH} times")
        values = json.loads(text)["values"]
    except (ValueError, KeyError, TypeError) as error:
        raise errors.CorruptError(KEY_VALUES, f"it holds no key-value pairs ({error})") from None
    if not isinstance(values, dict) or not all(isinstance(v, dict) for v in values.values()):
        raise errors.CorruptError(KEY_VALUES, "it must hold one JSON object for each key")
    return values
