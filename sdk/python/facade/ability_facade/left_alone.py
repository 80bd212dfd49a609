"""Deletes that are meant.

If an ability removes `x.json` for good, an old `x_tmp.json` that lies about must not
bring it back in the next session. So a delete that is committed for itself names, in
`ability-left-alone.json` beside it, the leftovers that were there and their versions:
those stay where they are, and are never promoted. What the session wrote itself is not
named, for it may be about to become the new file.
"""

import json
from collections.abc import Callable

from ability_facade.names import LEFT_ALONE, File
from ability_storage import errors, sdk


def is_listed(leftover: File, version: str) -> bool:
    """Whether exactly these contents belong to a file that was deleted on purpose."""
    listed, _ = _load(leftover)
    return listed.get(leftover.path) == version


def delete(file: File, version: str | None, is_own: Callable[[File], bool]) -> None:
    """Deletes the file, provided that it is of that version if one is given, and lists its
    leftovers. One commit."""
    stale = {
        leftover.path: found
        for leftover in file.leftovers()
        if not is_own(leftover) and (found := _version(leftover)) is not None
    }
    while True:
        batch = sdk.Batch(file.in_ability_directory)
        if version is None:
            batch.delete(file.path)
        else:
            batch.delete_if(file.path, version=version)
        if stale:
            listed, before = _load(file)
            contents = json.dumps({**listed, **stale}, ensure_ascii=False, indent=1)
            batch.write_if(LEFT_ALONE, contents, version=before)
        try:
            batch.commit()
            return
        except errors.ConflictError as error:
            if error.path != LEFT_ALONE:
                raise
        except (errors.NoSpaceError, errors.QuotaExceededError):
            if not stale:
                raise
            # To delete is what frees the space, and what the ability asked for.
            stale = {}


def _load(file: File) -> tuple[dict[str, str], str | None]:
    """The list of the place in which the file is, and its version."""
    try:
        found = sdk.read_with_version(LEFT_ALONE, file.in_ability_directory)
    except errors.NotFoundError:
        return {}, None
    try:
        listed = json.loads(found.contents)
    except ValueError:
        listed = None
    # Somebody has edited it: begin a new list rather than never delete again.
    return listed if isinstance(listed, dict) else {}, found.version


def _version(file: File) -> str | None:
    try:
        return sdk.read_with_version(*file).version
    except (errors.NotFoundError, errors.TooLargeError):
        # What is too long to be read is never promoted.
        return None
