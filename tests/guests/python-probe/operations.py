"""What tests of the host ask of this probe, by name."""

from collections.abc import Callable

from ability_storage import sdk

FILE = "poured"
LOG = "poured.log"

# After this many pieces the files begin again.
PIECES = 16


def _write_if(contents: bytes) -> None:
    sdk.delete_file(FILE)
    sdk.atomic_write_file_if(FILE, contents, version=None)


def _batch(contents: bytes) -> None:
    half = len(contents) // 2
    sdk.Batch().write(FILE, contents[:half]).append(LOG, contents[half:]).commit()


_POURS: dict[str, Callable[[bytes], object]] = {
    "write": lambda contents: sdk.atomic_write_file(FILE, contents),
    "write-if": _write_if,
    "append": lambda contents: sdk.append_file(LOG, contents),
    "batch": _batch,
}


def pour(call: str, piece: str, size: str) -> int:
    """Hands the host `size` bytes by one call after another, `piece` bytes at a time.

    Leaves one file at most. What a call does not free adds up.
    """
    times = int(size) // int(piece)
    writer = sdk.open_writer(FILE) if call == "stream" else None
    put = writer.write if writer else _POURS[call]
    for time in range(times):
        # What is there already would not be written.
        put(bytes([time % 23]) * int(piece))
        if time % PIECES == 0:
            sdk.delete_file(LOG)
    if writer:
        writer.commit()
    print(f"ok {times}")
    return 0


def push(path: str, text: str) -> int:
    """Adds to the list in a state."""
    sdk.State(path, default=list).update(lambda items: [*items, text])
    return 0


def count(path: str) -> int:
    """Counts on in a file."""
    print(sdk.Counter(path).next())
    return 0


def add(path: str) -> int:
    """Adds one to a number as JSON."""
    print(sdk.update_json(path, lambda number: number + 1, default=0))
    return 0


ALL: dict[str, Callable[..., int]] = {"pour": pour, "push": push, "count": count, "add": add}
