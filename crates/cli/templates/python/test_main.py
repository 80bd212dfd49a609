"""Tests of the ability under an ordinary Python, with storage in memory."""

import unittest

from ability_storage import sdk
from ability_storage.testing import MemoryStorage

from main import FILE, run


class ListTest(unittest.TestCase):
    def test_what_is_added_is_last(self):
        with MemoryStorage():
            run(["add", "eat"])
            self.assertEqual(run(["add", "sleep"]), "1 eat\n2 sleep\n")

    def test_what_is_done_is_gone(self):
        with MemoryStorage({FILE: "eat\nsleep\n"}):
            self.assertEqual(run(["done", "1"]), "1 sleep\n")

    def test_what_is_not_there_cannot_be_done(self):
        with MemoryStorage({FILE: "eat\n"}):
            for number in ["0", "2", "-1", "eat"]:
                with self.assertRaises(ValueError):
                    run(["done", number])
            self.assertEqual(run([]), "1 eat\n")

    def test_what_another_instance_adds_meanwhile_stays(self):
        with MemoryStorage({FILE: "eat\nsleep\n"}) as storage:
            storage.interfere(lambda: sdk.append_file(FILE, "work\n"))
            self.assertEqual(run(["done", "1"]), "1 sleep\n2 work\n")

    def test_a_full_disk_loses_nothing(self):
        with MemoryStorage({FILE: "eat\nsleep\n"}) as storage:
            storage.disk_full = True
            with self.assertRaises(sdk.NoSpaceError):
                run(["done", "1"])
            self.assertEqual(run([]), "1 eat\n2 sleep\n")


if __name__ == "__main__":
    unittest.main()
