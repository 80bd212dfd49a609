"""All that an ability needs to keep files: `from ability_storage import sdk`.

=============================================  =======================================
to ...                                         use
=============================================  =======================================
replace a file that has one writer             `atomic_write_file`
change a JSON file that several may change     `update_json`
keep a value of your own, with a version       `State`
create a file that must not exist yet          `atomic_write_file_if(version=None)`
change several files together                  `Batch`
change them depending on what they hold        `update_batch`
give out numbers, each one once                `Counter`
add to a log                                   `append_file`
add to a log whose lines build on each other   `append_file_if`
keep a log that shows if it was changed        `AuditLog`
keep what a file held before                   `write_file_with_backup`
write or read a file too large for memory      `open_writer`, `open_reader`
=============================================  =======================================

All that change a file are durable when they return, which takes the disk some
milliseconds; so gather what belongs together, and write it once. Do not delete a file
before you write it, and write no `.tmp` beside it: that is what opens the window in
which data is lost.

Paths are relative and separated by `/`. The last parameter of every function says in
which of two places they are: that of this ability, or with
`in_ability_directory=False` that which all abilities of one user share.

When a call fails, it raises a `StorageError`, which is an `OSError`. Its `outcome`
says what became of the change: `not-applied` for all errors but `UnconfirmedError`, where it
is `unconfirmed` or `unknown`.
"""

from ._audit import Head, Record
from ._calls import FileEnd, Snapshot
from ._gap import Break
from .audit import AuditLog, Inspection
from .backup import (
    backup_path,
    read_backup,
    read_backup_bytes,
    write_file_with_backup,
)
from .batch import Batch, update_batch
from .counter import Counter
from .errors import (
    AlreadyExistsError,
    BrokenChainError,
    ConflictError,
    CorruptError,
    CounterExhaustedError,
    InvalidPathError,
    LogChangedError,
    NewerSchemaError,
    NoSpaceError,
    NotEncodableError,
    NotFoundError,
    NotSerializableError,
    NotUtf8Error,
    OtherEndError,
    OtherError,
    Outcome,
    QuotaExceededError,
    ReadOnlyError,
    RecordTooLongError,
    SchemaError,
    StorageError,
    TooLargeError,
    UnavailableError,
    UnconfirmedError,
    UnsupportedError,
)
from .files import (
    FileInfo,
    append_file,
    append_file_if,
    atomic_write_file,
    atomic_write_file_if,
    check_if_file_exists,
    delete_file,
    list_files,
    read_file,
    read_file_bytes,
    read_with_version,
    replace_file,
    stat_file,
)
from .state import State
from .streams import Reader, Writer, open_reader, open_writer, open_writer_if
from .update import update_file, update_json, update_json_in

__all__ = [
    "AlreadyExistsError",
    "AuditLog",
    "Batch",
    "Break",
    "BrokenChainError",
    "ConflictError",
    "CorruptError",
    "Counter",
    "CounterExhaustedError",
    "FileEnd",
    "FileInfo",
    "Head",
    "Inspection",
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
    "Reader",
    "Record",
    "RecordTooLongError",
    "SchemaError",
    "Snapshot",
    "State",
    "StorageError",
    "TooLargeError",
    "UnavailableError",
    "UnconfirmedError",
    "UnsupportedError",
    "Writer",
    "append_file",
    "append_file_if",
    "atomic_write_file",
    "atomic_write_file_if",
    "backup_path",
    "check_if_file_exists",
    "delete_file",
    "list_files",
    "open_reader",
    "open_writer",
    "open_writer_if",
    "read_backup",
    "read_backup_bytes",
    "read_file",
    "read_file_bytes",
    "read_with_version",
    "replace_file",
    "stat_file",
    "update_batch",
    "update_file",
    "update_json",
    "update_json_in",
    "write_file_with_backup",
]
