"""The journal under an ordinary Python: `python3 -m unittest discover tests`."""

import io
import json
import sys
import unittest
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[2] / "sdk" / "python")]

import main as journal  # noqa: E402
from ability_storage.testing import MemoryStorage  # noqa: E402


def run(*arguments: str) -> tuple[int, str, str]:
    """The exit code, and what was printed."""
    out, err = io.StringIO(), io.StringIO()
    named = patch.object(sys, "argv", ["python-journal", *arguments])
    with named, redirect_stdout(out), redirect_stderr(err):
        code = journal.main()
    return code, out.getvalue(), err.getvalue()


class JournalTests(unittest.TestCase):
    """What it prints, and what it keeps."""

    def test_what_is_added_is_listed(self) -> None:
        with MemoryStorage() as storage:
            self.assertEqual(run("list"), (0, "", ""))
            added = "added 1\tquiet\nadded 2\tquiet\n"
            self.assertEqual(run("add", "quiet", "--times", "2"), (0, added, ""))
            code, out, _ = run("list")
            self.assertEqual(
                [line.split("\t")[::2] for line in out.splitlines()],
                [["1", "quiet"], ["2", "quiet"]],
            )
            self.assertEqual(code, 0)
            kept = json.loads(storage.files()["journal.json"])
            self.assertEqual(kept["schema_version"], 2)

    def test_an_entry_of_another_writer_is_not_lost(self) -> None:
        with MemoryStorage() as storage:
            storage.interfere(lambda: journal.add("faster"))
            self.assertEqual(run("add", "slower")[1], "added 2\tslower\n")
            texts = [entry["text"] for entry in journal.open_journal().value["entries"]]
            self.assertEqual(texts, ["faster", "slower"])

    def test_an_old_journal_is_read(self) -> None:
        with MemoryStorage({"journal.json": '{"schema_version": 1, "entries": ["old"]}'}):
            self.assertEqual(run("list")[1], "1\t-\told\n")
            self.assertEqual(run("add", "new")[1], "added 2\tnew\n")

    def test_a_newer_journal_is_refused(self) -> None:
        newer = b'{"schema_version": 3, "entries": {}}'
        with MemoryStorage({"journal.json": newer}) as storage:
            code, out, err = run("add", "new")
            self.assertEqual((code, out), (1, ""))
            self.assertIn("its schema version is 3", err)
            self.assertEqual(storage.files(), {"journal.json": newer})

    def test_a_full_disk_loses_nothing(self) -> None:
        with MemoryStorage() as storage:
            run("add", "old")
            before = storage.files()
            storage.disk_full = True
            code, out, err = run("add", "new")
            self.assertEqual((code, out), (1, ""))
            self.assertEqual(err, "journal.json was not changed: the disk is full\n")
            self.assertEqual(storage.files(), before)


if __name__ == "__main__":
    unittest.main()
