"""Loads and saves what other languages write: see `crates/guest/tests/languages.rs`.

A line of standard input is a file in hexadecimal digits. The answer is the file that a `State`
makes of it, or `-` if it refuses it.
"""

import logging
import sys

import places  # noqa: F401 - lets the others be found

# isort: split

from ability_storage import sdk
from ability_storage.testing import MemoryStorage


def saved(contents: bytes) -> str:
    """The file after it was loaded and saved."""
    with MemoryStorage({"s.json": contents}) as storage:
        try:
            state = sdk.State("s.json")
            state.save()
        except (sdk.CorruptError, sdk.UnsupportedError, sdk.NotSerializableError):
            return "-"
        return "-" if state.quarantined else storage.files()["s.json"].hex()


if __name__ == "__main__":
    logging.disable()
    for line in sys.stdin:
        print(saved(bytes.fromhex(line)), flush=True)
