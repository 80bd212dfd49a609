"""What entry modules have in common: from the start of an instance to its exit code.

Must never let an exception of an ability out: the host would tell its user of a trap
where the ability has a mistake to be seen.
"""

from __future__ import annotations

import io
import random
import sys
import traceback
from collections.abc import Callable

from ._build import prepare
from ._host import building

__all__ = ["building", "prepare", "run", "start"]


def start() -> None:
    """Renews what was kept from the build and must differ from start to start."""
    # Else all instances would draw the same numbers.
    random.seed()
    _write_whole_lines()


def _write_whole_lines() -> None:
    """Lets each line that is printed be one write: lines of several instances do not mix then.

    As it is, every part of a line is a write of its own, the line feed included.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, write_through=False)


def run(find: Callable[[], Callable[[], object]]) -> int:
    """Calls the function that `find` returns. Returns the exit code: 0 or 1.

    An int is the exit code, and so is that of a `SystemExit`, as in any Python
    program; WASI 0.2 tells only 0 from others. An exception that nothing caught is
    shown on standard error, and is 1.
    """
    code = 1
    try:
        start()
        result = find()()
        if result is not None and not isinstance(result, int):
            sys.stderr.write(f"main() returned {result!r}, which is no exit code\n")
        else:
            code = int(result or 0)
    except SystemExit as end:
        code = _exit_code(end.code)
    except BaseException as error:  # noqa: BLE001 - it is shown
        _show(error)
    if not _flush():
        code = 1
    return code


def _exit_code(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return int(code)
    # As Python does: any other object is a message.
    sys.stderr.write(f"{code}\n")
    return 1


def _show(error: BaseException) -> None:
    # The first frame is this module's: nobody needs to see it.
    frames = error.__traceback__ and error.__traceback__.tb_next
    try:
        traceback.print_exception(type(error), error, frames)
    except Exception:  # noqa: BLE001 - one whose own `__str__` fails
        sys.stderr.write(f"{type(error).__name__}\n")


def _flush() -> bool:
    """Whether all that was printed went out. Whoever read it may be gone."""
    flushed = True
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            flushed = False
    return flushed
