"""A journal: one JSON file with a schema version, and any number of writers."""

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

from ability_storage import sdk

JOURNAL = "journal.json"

Journal = dict[str, Any]


def with_times(old: Journal) -> Journal:
    """Version 2 of what version 1 kept: entries were plain texts then."""
    return {"entries": [{"time": None, "text": text} for text in old["entries"]]}


def open_journal() -> sdk.State:
    """The journal, brought up to date; an empty one if there is none."""
    return sdk.State(
        JOURNAL,
        default=lambda: {"entries": []},
        schema_version=2,
        migrations={1: with_times},
    )


def add(text: str) -> int:
    """Adds an entry, and returns its number. Loses none that others add meanwhile."""
    time = datetime.now(UTC).isoformat(timespec="seconds")

    def changed(journal: Journal) -> Journal:
        journal["entries"].append({"time": time, "text": text})
        return journal

    return len(open_journal().update(changed)["entries"])


def show(journal: Journal) -> None:
    """Prints all entries, the oldest first."""
    for number, entry in enumerate(journal["entries"], 1):
        print(f"{number}\t{entry['time'] or '-'}\t{entry['text']}")


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python-journal", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    adding = commands.add_parser("add", help="add an entry")
    adding.add_argument("text")
    adding.add_argument("--times", type=int, default=1, metavar="N", help="add it N times")
    commands.add_parser("list", help="show all entries")
    return parser.parse_args()


def main() -> int:
    """Runs one command."""
    given = arguments()
    try:
        if given.command == "list":
            show(open_journal().value)
            return 0
        for _ in range(given.times):
            number = add(given.text)
            # Only what is durable is acknowledged.
            print(f"added {number}\t{given.text}", flush=True)
    except sdk.StorageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
