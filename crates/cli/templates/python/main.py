"""An ability that keeps a list of things to do."""

import sys

from ability_storage import sdk

FILE = "list.txt"
USAGE = "usage: add TEXT | done NUMBER | list"


def main() -> int:
    try:
        print(run(sys.argv[1:]), end="")
    except (ValueError, sdk.StorageError) as error:
        # For example: "list.txt was not changed: the disk is full".
        print(error, file=sys.stderr)
        return 1
    return 0


def run(args: list[str]) -> str:
    """Does what the arguments say, and returns the list as it is then."""
    match args:
        case [] | ["list"]:
            return show(items())
        case ["add", text]:
            # One line more, durable when it returns.
            sdk.append_file(FILE, f"{' '.join(text.split())}\n")
            return show(items())
        case ["done", number]:
            return show(done(number))
    raise ValueError(USAGE)


def items() -> list[str]:
    if not sdk.check_if_file_exists(FILE):
        return []
    return sdk.read_file(FILE).splitlines()


def done(number: str) -> list[str]:
    def remove(old: bytes | None) -> str:
        left = (old or b"").decode().splitlines()
        if not number.isdecimal() or not 1 <= int(number) <= len(left):
            raise ValueError(f"there is no item {number}")
        del left[int(number) - 1]
        return "".join(f"{item}\n" for item in left)

    # Done again with the newer list, if another instance changes it meanwhile.
    return sdk.update_file(FILE, remove).decode().splitlines()


def show(lines: list[str]) -> str:
    return "".join(f"{number} {line}\n" for number, line in enumerate(lines, 1))
