"""A delete that is held back, and what commits it."""

import unittest

from ability_storage import errors, sdk
from ability_storage.testing import Limits, MemoryStorage
from ability_facade.files import Files
from facade.support import Remembered, new_files, user_files


class Changes(MemoryStorage):
    """Writes down each change that is asked for."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.changes = []

    def commit(self, steps, scope):
        self.changes.append([type(step.change).__name__.lower() for step in steps])
        return super().commit(steps, scope)


class HeldDeletes(unittest.TestCase):
    def setUp(self):
        self.storage = self.enterContext(Changes(user_files={"x.json": '"old"', "y.txt": "y"}))
        self.files = new_files()
        self.storage.changes.clear()

    def kept(self):
        return user_files(self.storage)

    def test_delete_and_write_are_one_change(self):
        for mode in ("w", "a+", "a", "wt"):
            self.files.write("x.json", '"old"', mode="w")
            self.storage.changes.clear()
            self.files.delete("x.json")
            self.assertEqual(self.kept()["x.json"], '"old"')
            self.files.write("x.json", '"new"', mode=mode)
            self.assertEqual(self.kept()["x.json"], '"new"')
            self.assertEqual(self.storage.changes, [["write"]], mode)

    def test_meanwhile_the_file_is_gone_for_the_ability(self):
        self.files.delete("x.json")
        self.assertFalse(self.files.exists("x.json"))
        with self.assertRaises(FileNotFoundError):
            self.files.read("x.json")
        self.assertEqual(self.files.names(), ["y.txt"])
        self.assertEqual(self.storage.changes, [])
        self.files.delete("x.json")
        self.files.write("x.json", '"new"')
        self.assertEqual(self.files.read("x.json"), '"new"')
        self.assertEqual(self.files.names(), ["x.json", "y.txt"])

    def test_a_change_of_another_file_commits_it_first(self):
        for change in (
            lambda: self.files.write("z.txt", "z"),
            lambda: self.files.write("z.txt", "z", mode="w"),
            lambda: self.files.delete("y.txt"),
            lambda: self.files.write("x.json", "own", True, mode="w"),
        ):
            with self.subTest():
                self.files.write("x.json", "1", mode="w")
                self.files.delete("x.json")
                change()
                self.assertNotIn("x.json", self.kept())

    def test_questions_about_other_files_do_not(self):
        self.files.delete("x.json")
        self.files.read("y.txt")
        self.files.exists("z.txt")
        self.assertIn("x.json", self.kept())

    def test_the_two_places_are_two_files(self):
        self.files.write("x.json", '"own"', True, mode="w")
        self.files.delete("x.json", True)
        self.assertEqual(self.files.read("x.json"), '"old"')
        self.files.write("x.json", '"own 2"', True, mode="w")
        self.assertEqual(self.storage.files()["x.json"], b'"own 2"')
        self.assertEqual(self.kept()["x.json"], '"old"')

    def test_to_settle_commits_it_once(self):
        self.files.delete("x.json")
        self.files.settle()
        self.files.settle()
        self.assertEqual(self.storage.changes, [["delete"]])
        self.assertEqual(self.kept(), {"y.txt": "y"})

    def test_what_is_absent_is_not_held(self):
        self.files.delete("absent.json")
        # Someone else creates it now; it is not the one that was deleted.
        sdk.atomic_write_file("absent.json", "theirs", False)
        self.files.settle()
        self.assertEqual(self.kept()["absent.json"], "theirs")

    def test_what_others_write_after_the_delete_stays(self):
        self.files.delete("x.json")
        sdk.atomic_write_file("x.json", '"theirs"', False)
        self.files.settle()
        self.assertEqual(self.kept()["x.json"], '"theirs"')

    def test_what_others_write_is_seen(self):
        self.files.delete("x.json")
        sdk.atomic_write_file("x.json", '"theirs"', False)
        self.assertTrue(self.files.exists("x.json"))
        self.assertEqual(self.files.read("x.json"), '"theirs"')
        self.files.delete("x.json")
        self.files.settle()
        self.assertNotIn("x.json", self.kept())

    def test_others_write_at_the_very_moment_of_the_delete(self):
        self.files.delete("x.json")
        self.storage.interfere(lambda: sdk.atomic_write_file("x.json", '"theirs"', False))
        self.files.settle()
        self.assertEqual(self.kept()["x.json"], '"theirs"')

    def test_a_write_after_a_delete_keeps_what_others_wrote_in_between(self):
        for between in (
            lambda: sdk.atomic_write_file("x.json", '"theirs"', False),
            lambda: self.storage.interfere(
                lambda: sdk.atomic_write_file("x.json", '"theirs"', False)),
        ):
            for mode, expected in (("a+", '"theirs""mine"'), ("w", '"mine"')):
                self.files.write("x.json", '"old"', mode="w")
                self.files.delete("x.json")
                between()
                self.files.write("x.json", '"mine"', mode=mode)
                self.assertEqual(self.kept()["x.json"], expected)

    def test_a_write_after_a_delete_that_others_made_too(self):
        self.files.delete("x.json")
        sdk.delete_file("x.json", False)
        self.files.write("x.json", '"mine"')
        self.assertEqual(self.kept()["x.json"], '"mine"')

    def test_two_sessions_each_delete_and_append(self):
        other = new_files()
        self.files.delete("y.txt")
        self.assertEqual(other.read("y.txt"), "y")
        other.delete("y.txt")
        other.write("y.txt", "theirs;")
        self.files.write("y.txt", "mine")
        self.assertEqual(self.kept()["y.txt"], "theirs;mine")

    def test_if_the_write_fails_the_old_file_is_there(self):
        self.files.delete("x.json")
        self.storage.disk_full = True
        with self.assertRaises(errors.NoSpaceError):
            self.files.write("x.json", '"new"')
        self.files.settle()
        self.assertEqual(self.kept()["x.json"], '"old"')
        self.assertEqual(self.files.read("x.json"), '"old"')

    def test_a_write_of_half_a_character_fails_and_says_so(self):
        self.files.write("h.json", "1", mode="w")
        self.files.delete("h.json")
        with self.assertRaisesRegex(ValueError, "h.json was not changed: .*UTF-8"):
            self.files.write("h.json", "\ud83d")
        self.files.write("h.json", "2")
        self.assertEqual(self.files.read("h.json"), "2")

    def test_a_write_that_fails_before_it_is_tried_takes_the_delete_back(self):
        for write in (
            lambda: self.files.write("x.json", {"a": 1}),
            lambda: self.files.write("x.json", None),
            lambda: self.files.write("x.json", "\ud83d"),
            lambda: self.files.write("x.json", "new", mode="r"),
            lambda: self.files.write("x.json", "new", mode=None),
            lambda: self.files.write("x.json", "new", mode=7),
        ):
            for then in (self.files.settle, self.files.names, lambda: None):
                self.files.delete("x.json")
                with self.assertRaises((TypeError, ValueError)):
                    write()
                then()
                self.assertTrue(self.files.exists("x.json"))
                self.assertEqual(self.files.read("x.json"), '"old"')
                self.files.settle()
                self.assertEqual(self.kept()["x.json"], '"old"')
        self.assertEqual(self.storage.changes, [])

    def test_a_repeated_write_replaces_what_was_deleted(self):
        self.files.delete("x.json")
        with self.assertRaises(TypeError):
            self.files.write("x.json", {"a": 1})
        self.files.settle()
        self.files.write("y.txt", "z")
        self.storage.disk_full = True
        with self.assertRaises(errors.NoSpaceError):
            self.files.write("x.json", '"new"')
        self.storage.disk_full = False
        self.files.write("x.json", '"new"')
        self.assertEqual(self.kept()["x.json"], '"new"')
        self.files.write("x.json", " ")
        self.assertEqual(self.kept()["x.json"], '"new" ')

    def test_a_repeated_write_appends_to_a_file_that_was_seen_or_changed(self):
        def look():
            self.files.exists("y.txt")

        def others_write():
            sdk.atomic_write_file("y.txt", "theirs", False)

        for between, expected in (
            (look, "y+"),
            (lambda: self.files.read("y.txt"), "y+"),
            (self.files.names, "y+"),
            (others_write, "theirs+"),
        ):
            self.files.write("y.txt", "y", mode="w")
            self.files.delete("y.txt")
            with self.assertRaises(ValueError):
                self.files.write("y.txt", "z", mode="x")
            between()
            self.files.write("y.txt", "+")
            self.assertEqual(self.kept()["y.txt"], expected)

    def test_if_the_delete_fails_it_is_said_and_the_file_is_there(self):
        self.files.delete("x.json")
        self.storage.read_only = True
        with self.assertRaises(errors.ReadOnlyError) as caught:
            self.files.settle()
        self.assertEqual(caught.exception.path, "x.json")
        self.assertEqual(self.files.read("x.json"), '"old"')

    def test_a_delete_that_is_made_but_not_confirmed_is_logged(self):
        self.files.delete("x.json")
        self.storage.fail_call(4, "unconfirmed")  # Three leftovers are looked for first.
        self.files.settle()
        self.assertNotIn("x.json", self.kept())
        self.assertIn("may not survive a power cut", str(self.files.log))

    def test_paths_that_are_none_are_refused_at_once(self):
        for call in (
            lambda: self.files.delete("../x"),
            lambda: self.files.exists("../x"),
            lambda: self.files.write("../x", ""),
            lambda: self.files.read("/x"),
        ):
            with self.assertRaises(errors.InvalidPathError):
                call()
        with self.assertRaises(TypeError):
            self.files.write(None, "")

    def test_modes(self):
        for mode in ("r", "x", "", "aw", "r+"):
            with self.assertRaises(ValueError, msg=mode):
                self.files.write("x.json", "1", mode=mode)
        self.files.write("y.txt", "z", mode="a+")
        self.assertEqual(self.kept()["y.txt"], "yz")

    def test_append_to_a_document_is_warned_of_once(self):
        self.files.write("x.json", '"a"')
        self.files.write("x.json", '"b"')
        self.files.write("y.txt", "b")
        warnings = [line for line in self.files.log.lines if "whole JSON document already" in line]
        self.assertEqual(len(warnings), 1)

    def test_what_came_with_the_ability_is_kept_once_by_two_sessions(self):
        mine, other = Files(Remembered(), {"a.csv": b"name\n"}), Files(Remembered(), {"a.csv": b"name\n"})
        self.storage.interfere(lambda: other.write("a.csv", "other\n", True))
        mine.write("a.csv", "mine\n", True)
        self.assertEqual(self.storage.files()["a.csv"], b"name\nother\nmine\n")

    def test_a_name_that_the_host_refuses(self):
        with MemoryStorage(limits=Limits(text_files_only=True)):
            with self.assertRaises(errors.InvalidPathError):
                new_files().write("x.bin", "1")


class LongFiles(unittest.TestCase):
    """Files that are longer than one call may carry."""

    def setUp(self):
        limits = Limits(max_value_bytes=8)
        self.storage = self.enterContext(MemoryStorage(limits=limits))
        self.files = new_files()
        for path in ("x.json", "x.json.backup", "y.log"):
            for _ in range(5):
                sdk.append_file(path, "1111", False)

    def kept(self):
        return sorted(user_files(self.storage))

    def test_they_exist_until_they_are_deleted(self):
        for path in ("x.json", "y.log"):
            self.assertTrue(self.files.exists(path))
            self.files.delete(path)
            self.assertFalse(self.files.exists(path))
            self.assertNotIn(path, self.kept())
            self.files.write(path, "2")
            self.assertEqual(self.files.read(path), "2")

    def test_they_can_be_added_to_and_replaced(self):
        for path in ("x.json", "y.log"):
            self.files.write(path, "2")
            self.assertEqual(user_files(self.storage)[path], "1" * 20 + "2")
            self.files.write(path, "3", mode="w")
            self.assertEqual(self.files.read(path), "3")

    def test_a_long_leftover_does_not_hinder_a_delete(self):
        self.files.write("x.json", "1", mode="w")
        self.files.delete("x.json")
        self.files.settle()
        self.assertEqual(self.kept(), ["x.json.backup", "y.log"])

    def test_a_file_that_has_grown_after_its_delete_stays(self):
        self.files.write("y.log", "1", mode="w")
        self.files.delete("y.log")
        for _ in range(3):
            sdk.append_file("y.log", "4444", False)
        self.assertTrue(self.files.exists("y.log"))
        self.assertIn("y.log", self.files.names())
        self.files.settle()
        self.assertIn("y.log", self.kept())


if __name__ == "__main__":
    unittest.main()
