"""A kill at every storage call, before it and after it: what was kept is never lost."""

import json
import unittest

from ability_storage import sdk
from ability_storage.testing import MemoryStorage
from facade.support import Killed, kill_at, new_files, user_files

OLD, NEW = '{"n": 1}', '{"n": 2, "more": [1, 2, 3]}'


def delete_then_write(files):
    if files.exists("x.json"):
        files.delete("x.json")
    files.write("x.json", NEW)


def delete_then_write_w(files):
    files.delete("x.json")
    files.write("x.json", NEW, mode="w")


def overwrite(files):
    files.write("x.json", NEW, mode="w")


def questions_in_between(files):
    files.delete("x.json")
    files.exists("x.json")
    files.names()
    files.exists("other.json")
    files.write("x.json", NEW)


def forward_journal(files):
    if files.exists("x_tmp.json"):
        files.delete("x_tmp.json")
    files.write("x_tmp.json", NEW)
    if files.read("x_tmp.json") != NEW:
        raise OSError("the journal was not written")
    if files.exists("x.json"):
        files.delete("x.json")
    files.write("x.json", NEW)
    files.delete("x_tmp.json")


def forward_journal_that_waits(files):
    """The delete is committed, because the ability waits in the middle."""
    files.write("x_tmp.json", NEW, mode="w")
    files.delete("x.json")
    files.settle()
    files.write("x.json", NEW)
    files.delete("x_tmp.json")


def backup(files):
    files.write("x.json.backup", files.read("x.json"), mode="w")
    files.delete("x.json")
    files.settle()
    files.write("x.json", NEW)
    files.delete("x.json.backup")


class Crashes(unittest.TestCase):
    def deaths(self, before, run):
        """Runs `run` with a kill at each of its calls; yields what is left each time."""
        for after in (False, True):
            n, died = 0, True
            while died:
                n += 1
                storage = MemoryStorage(user_files=before)
                with storage, kill_at(storage, n, after):
                    try:
                        files = new_files()
                        run(files)
                        files.settle()
                        died = False
                    except Killed:
                        pass
                with storage:
                    yield f"{run.__name__}, {'after' if after else 'before'} call {n}", storage
            self.assertGreater(n, 2)

    def test_old_or_new_is_there_never_neither(self):
        for run in (delete_then_write, delete_then_write_w, overwrite, questions_in_between,
                    forward_journal, forward_journal_that_waits, backup):
            found = set()
            for where, _ in self.deaths({"x.json": OLD}, run):
                files = new_files()
                self.assertTrue(files.exists("x.json"), where)
                found.add(files.read("x.json"))
                self.assertLessEqual(found, {OLD, NEW}, where)
            self.assertEqual(found, {OLD, NEW})

    def test_without_a_wait_in_between_the_file_itself_is_always_there(self):
        for run in (delete_then_write, delete_then_write_w, questions_in_between, forward_journal):
            for where, storage in self.deaths({"x.json": OLD}, run):
                self.assertIn(user_files(storage).get("x.json"), (OLD, NEW), where)

    def test_what_was_left_is_recovered_or_still_there(self):
        damaged = '{"n": 1, "mo'
        for before in ({"x.json": damaged, "x_tmp.json": NEW}, {"x.json.tmp": NEW},
                       {"x.json": damaged}, {"x.json": OLD + NEW}):

            def read_and_save(files):
                if files.exists("x.json"):
                    files.read("x.json")
                    files.delete("x.json")
                files.write("x.json", "{}")

            for where, storage in self.deaths(before, read_and_save):
                kept = [data.decode() for data in storage.files(False).values()]
                for contents in before.values():
                    if contents != NEW:
                        self.assertIn(contents, kept, f"{before}, {where}")
                # The leftover is not lost either before the ability has replaced it.
                self.assertTrue(NEW in kept or "{}" in kept or "x.json.tmp" not in before, where)

    def test_a_delete_that_was_settled_stays(self):
        def delete_and_wait(files):
            files.delete("x.json")
            files.settle()
            files.write("done.txt", "1")

        before = {"x.json": OLD, "x_tmp.json": NEW}
        for where, storage in self.deaths(before, delete_and_wait):
            kept = user_files(storage)
            if "done.txt" in kept:
                self.assertFalse(new_files().exists("x.json"), where)
            self.assertEqual(kept["x_tmp.json"], NEW, where)

    def test_an_audit_chain_written_with_a_journal_keeps_what_it_acknowledged(self):
        acknowledged = []

        def keep(files):
            acknowledged.clear()
            chain = json.loads(files.read("x.json"))
            for n in range(3):
                chain.append(n)
                text = json.dumps(chain)
                files.write("x_tmp.json", text, mode="w")
                files.delete("x.json")
                files.write("x.json", text)
                files.delete("x_tmp.json")
                acknowledged.append(n)

        for where, _ in self.deaths({"x.json": "[]"}, keep):
            chain = json.loads(new_files().read("x.json"))
            self.assertEqual(chain[: len(acknowledged)], acknowledged, where)
            self.assertLessEqual(len(chain), len(acknowledged) + 1, where)

    def test_what_is_killed_does_not_disturb_another_session(self):
        for where, _ in self.deaths({"x.json": OLD}, delete_then_write):
            sdk.atomic_write_file("x.json", '"theirs"', False)
            self.assertEqual(new_files().read("x.json"), '"theirs"', where)


if __name__ == "__main__":
    unittest.main()
