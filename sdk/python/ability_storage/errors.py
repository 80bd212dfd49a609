"""What can go wrong, and what it means for the file.

Every error says which path it is about and what happened to the data. Nothing
here may claim *not applied* where the host did not.

>>> error = NoSpaceError("settings.json")
>>> print(error)
settings.json was not changed: the disk is full
>>> print(error.outcome)
not-applied
>>> isinstance(error, OSError)
True
"""

from __future__ import annotations

import errno
import json
from enum import StrEnum

__all__ = [
    "AlreadyExistsError",
    "BrokenChainError",
    "ConflictError",
    "CorruptError",
    "CounterExhaustedError",
    "InvalidPathError",
    "LogChangedError",
    "NewerSchemaError",
    "NoSpaceError",
    "NotEncodableError",
    "NotFoundError",
    "NotSerializableError",
    "NotUtf8Error",
    "OtherEndError",
    "OtherError",
    "Outcome",
    "QuotaExceededError",
    "ReadOnlyError",
    "RecordTooLongError",
    "SchemaError",
    "StorageError",
    "TooLargeError",
    "UnavailableError",
    "UnconfirmedError",
    "UnsupportedError",
]


class Outcome(StrEnum):
    """What an error says of the change that was asked for."""

    NOT_APPLIED = "not-applied"
    """Nothing was changed: the file is as it was before the call."""

    UNCONFIRMED = "unconfirmed"
    """The change is made and readers see it, but a power cut may still undo it."""

    UNKNOWN = "unknown"
    """It is not known whether the change was made, or may still be made: all of it, or
    nothing. Read the file to see what is there."""


_UNKNOWN = "may have been changed, or not"
"""What a host says where it does not know whether the change was made."""


def _once(path: str, what: str, reason: str) -> str:
    """What happened to the path, and why. A host may say both by itself, and knows better."""
    if reason.startswith(_UNKNOWN):
        return f"{shown(path)} {reason}"
    if reason.startswith((f"{path} was ", f"{path} may ")):
        return f"{shown(path)} {reason.removeprefix(f'{path} ')}"
    return f"{shown(path)} {what}{reason}"


_SAID_OF_ALL = {
    Outcome.NOT_APPLIED: "no step of the batch was made",
    Outcome.UNCONFIRMED: "the whole batch was made",
    Outcome.UNKNOWN: "all of the batch was made, or none",
}


class StorageError(OSError):
    """Why a call failed. All but `UnconfirmedError` mean that nothing was changed."""

    path: str
    """The path that the call was about. Of a rename it is the source if that was
    not found, else the target; of a list, the prefix; of a batch, the path of the
    step that is to blame, of the first one if none is."""

    step: int | None
    """Of a batch, the step that is to blame, counted from zero; else `None`."""

    _errno = errno.EIO
    _outcome = Outcome.NOT_APPLIED

    def __init__(self, path: str, message: str) -> None:
        OSError.__init__(self, self._errno, message, path)
        self.path = path
        self.step = None

    @property
    def outcome(self) -> Outcome:
        """Whether the change was made: `not-applied`, `unconfirmed` or `unknown`."""
        return self._outcome

    @property
    def is_applied(self) -> bool:
        """Whether the change was made although the call failed.

        It is false, too, where that is not known: see `outcome`.
        """
        return self.outcome is Outcome.UNCONFIRMED

    def __str__(self) -> str:
        return str(self.strerror)

    def blame(self, step: int | None) -> None:
        """Says that a batch failed because of this, at `step`."""
        self.strerror = f"{_SAID_OF_ALL[self.outcome]}: {self.strerror}"
        self.step = step


class NotFoundError(StorageError, FileNotFoundError):
    """There is no such file."""

    _errno = errno.ENOENT

    def __init__(self, path: str) -> None:
        super().__init__(path, f"{shown(path)} was not found")


class ConflictError(StorageError):
    """The file is not as it was expected: someone else has written or deleted it.

    Read again, decide again, retry; or let `update_json` or `update_file` do so.
    """

    found: str | None
    """The version that is there; `None` if there is no file."""

    _errno = errno.EBUSY

    def __init__(self, path: str, found: str | None) -> None:
        there = "found no file" if found is None else f"found version {found}"
        super().__init__(
            path, f"{shown(path)} was not changed: it is not in the expected state ({there})"
        )
        self.found = found


class OtherEndError(ConflictError):
    """The file does not end as expected: someone else has added to it, or replaced it."""

    def __init__(self, path: str) -> None:
        message = f"{shown(path)} was not changed: it does not end as expected"
        StorageError.__init__(self, path, message)
        self.found = None


class AlreadyExistsError(ConflictError, FileExistsError):
    """There is a file where there was to be none."""

    _errno = errno.EEXIST


class InvalidPathError(StorageError, ValueError):
    """The path breaks a rule, would be both a file and the directory of another, or is no file.

    What has the path may be a symbolic link, a named pipe, a socket or a device: it cannot be
    read, and nothing replaces it.
    """

    _errno = errno.EINVAL

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, f"{shown(path)} cannot be used as a path: {reason}")


class TooLargeError(StorageError):
    """The contents are longer than the host allows."""

    limit: int
    """The most bytes that are allowed."""

    _errno = errno.EFBIG

    def __init__(self, path: str, limit: int) -> None:
        super().__init__(
            path,
            f"{shown(path)} needs more than the {limit} bytes that the host allows in one call or "
            "one file; nothing was changed. Longer files are read and written piece by piece",
        )
        self.limit = limit


class QuotaExceededError(StorageError):
    """A quota would be exceeded. Delete what is no longer needed, then retry."""

    _errno = errno.EDQUOT

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, _once(path, "was not changed: ", reason))


class NoSpaceError(StorageError):
    """The disk is full. The earlier contents stand; free some space, then retry."""

    _errno = errno.ENOSPC

    def __init__(self, path: str) -> None:
        super().__init__(path, f"{shown(path)} was not changed: the disk is full")


class ReadOnlyError(StorageError, PermissionError):
    """The host gave this place for reading only."""

    _errno = errno.EROFS

    def __init__(self, path: str) -> None:
        super().__init__(
            path, f"{shown(path)} was not changed: the host gives its files for reading only"
        )


class UnavailableError(StorageError):
    """The host has no storage there, or cannot reach it now."""

    _errno = errno.ENODEV

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, f"{shown(path)} cannot be reached, nothing was changed: {reason}")


class UnconfirmedError(StorageError):
    """The change is made and readers see it, but it may not survive a power cut.

    Where the host reaches its files over a network and an answer was lost, or a disk lets
    a record be neither written nor taken back, it is not known whether the change was
    made: then `outcome` is `unknown`, and the text says so.

    The disk may be failing: say so, rather than go on as if it were written. An
    unconditional write and a delete can be repeated as they are; once that succeeds,
    they are confirmed. So can `append_file_if`, with the same `end`. Nothing else can: an
    append would add its contents once more, an update would make its change twice. There,
    read the file first. If the change is in it, write what it holds, which confirms that;
    if it is not, make the change again.
    """

    def __init__(self, path: str, reason: str) -> None:
        is_known = _UNKNOWN not in reason
        self._outcome = Outcome.UNCONFIRMED if is_known else Outcome.UNKNOWN
        what = "was changed, but the change may not survive a power cut: "
        super().__init__(path, _once(path, what if is_known else f"{_UNKNOWN}: ", reason))


class OtherError(StorageError):
    """Anything else that went wrong in the host."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, f"the call for {shown(path)} failed, nothing was changed: {reason}")


class NotUtf8Error(StorageError, ValueError):
    """The file was read as text, but is not UTF-8."""

    valid_up_to: int
    """How many bytes from the start are UTF-8."""

    _errno = errno.EILSEQ

    def __init__(self, path: str, valid_up_to: int) -> None:
        super().__init__(
            path, f"{shown(path)} is not text: it is not UTF-8 from byte {valid_up_to} on"
        )
        self.valid_up_to = valid_up_to


class NotEncodableError(StorageError, ValueError):
    """The text that was to be written has half of a surrogate pair, as no UTF-8 has."""

    position: int
    """How many characters come before it."""

    _errno = errno.EILSEQ

    def __init__(self, path: str, position: int) -> None:
        super().__init__(
            path,
            f"{shown(path)} was not changed: its new text has half of a surrogate pair "
            f"at character {position}, which UTF-8 cannot hold",
        )
        self.position = position


class CorruptError(StorageError, ValueError):
    """The file does not hold what it was loaded as. It is left as it is."""

    reason: str
    """What is wrong, and where."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, f"{shown(path)} is corrupt and was left as it is: {reason}")
        self.reason = reason


class UnsupportedError(StorageError, ValueError):
    """The file holds something valid that no SDK could write again. It is left as it is.

    JSON with a number beyond 64 bits, with half of a surrogate pair, with two members of
    one name in one object, or nested too deeply; or a file in UTF-16. The text says what
    to do, by hand.
    """

    reason: str
    """What was found, and what to do."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, f"{shown(path)} was left as it is: {reason}")
        self.reason = reason


class NotSerializableError(StorageError, ValueError):
    """The value cannot be written as JSON and read back as what it was."""

    _errno = errno.EINVAL

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            path,
            f"{shown(path)} was not changed: its new value cannot be written as JSON: {reason}",
        )


class SchemaError(StorageError):
    """The state has a schema version for which there is no migration."""

    found: int
    """The schema version of the file."""

    supported: int
    """The schema version of the program."""

    def __init__(self, path: str, found: int, supported: int, reason: str | None = None) -> None:
        reason = reason or f"there is no migration from it to version {supported}"
        super().__init__(
            path, f"{shown(path)} was left as it is: its schema version is {found}, and {reason}"
        )
        self.found = found
        self.supported = supported


class NewerSchemaError(SchemaError):
    """The state was written by a newer version of the program."""

    def __init__(self, path: str, found: int, supported: int) -> None:
        super().__init__(path, found, supported, f"this program knows only up to {supported}")


class CounterExhaustedError(StorageError, OverflowError):
    """A counter cannot count that far."""

    value: int
    """The number at which it stands."""

    _errno = errno.EOVERFLOW

    def __init__(self, path: str, value: int) -> None:
        super().__init__(
            path,
            f"{shown(path)} was not changed: it stands at {value}, "
            "and cannot count that much further",
        )
        self.value = value


class BrokenChainError(StorageError, ValueError):
    """The chain of an audit log does not hold. `AuditLog.continue_broken` goes on."""

    record: int
    """The sequence that the record should have at which it is broken first."""

    reason: str
    """What is wrong with that record."""

    def __init__(self, path: str, record: int, reason: str) -> None:
        super().__init__(
            path,
            f"{shown(path)} was left as it is, because its chain is broken "
            f"at record {record}: {reason}",
        )
        self.record = record
        self.reason = reason


class LogChangedError(StorageError):
    """An audit log was replaced, cut or removed since it was opened."""

    _errno = errno.EBUSY

    def __init__(self, path: str) -> None:
        what = "it does not have the records any more that were in it"
        super().__init__(path, f"{shown(path)} was not changed: {what}")


class RecordTooLongError(StorageError, ValueError):
    """What was to be recorded is too long for one record of an audit log."""

    limit: int
    """The most bytes that are allowed."""

    _errno = errno.EMSGSIZE

    def __init__(self, path: str, limit: int) -> None:
        super().__init__(
            path, f"{shown(path)} was not changed: one record of it holds at most {limit} bytes"
        )
        self.limit = limit


def shown(path: str) -> str:
    r"""A path as a message shows it.

    As it is where that cannot mislead, else quoted, so that a hostile name cannot
    forge a line of a log.

    >>> shown("notes/today.md")
    'notes/today.md'
    >>> print(shown(chr(10) + "all is well"))
    "\nall is well"
    """
    if path and '"' not in path and all(c == " " or c.isprintable() for c in path):
        return path
    return json.dumps(path)
