"""The key-value calls."""

import json
import unittest

from ability_facade.files import Files
from ability_facade.key_values import KeyValues
from ability_storage import errors, sdk
from ability_storage.testing import MemoryStorage
from facade.support import Killed, Remembered, kill_at, new_files

FILE = "ability-key-values.json"


class Keys(unittest.TestCase):
    def setUp(self):
        self.storage = self.enterContext(MemoryStorage())
        self.files = new_files()
        self.keys = KeyValues(self.files)

    def kept(self):
        return json.loads(self.storage.files(in_ability_directory=False)[FILE])

    def test_a_key_lives(self):
        self.assertTrue(self.keys.create("k", {"a": 1})["success"])
        self.assertEqual(self.keys.get("k"), {"a": 1})
        self.assertTrue(self.keys.update("k", {"b": [2, "é"]})["success"])
        self.assertEqual(self.keys.all(), {"k": {"b": [2, "é"]}})
        self.assertEqual(self.kept(), {"values": {"k": {"b": [2, "é"]}}})
        self.assertTrue(self.keys.delete("k")["success"])
        self.assertEqual(self.keys.all(), {})

    def test_to_create_what_exists_is_an_error_and_changes_nothing(self):
        self.keys.create("k", {"a": 1})
        answer = self.keys.create("k", {"a": 2})
        self.assertIs(answer["success"], False)
        self.assertIn("exists already", answer["error"])
        self.assertEqual(self.keys.get("k"), {"a": 1})
        self.assertIn("exists already", str(self.files.log))

    def test_to_delete_what_is_missing_is_an_error(self):
        self.assertIs(self.keys.delete("k")["success"], False)

    def test_what_is_missing_is_false(self):
        missing = self.keys.get("k")
        self.assertFalse(missing)
        self.assertEqual(missing.get("key", ""), "")

    def test_all_the_ways_in_which_abilities_save(self):
        def ask_first(value):
            if self.keys.get("k"):
                self.keys.update("k", value)
            else:
                self.keys.create("k", value)

        def none_is_missing(value):
            if self.keys.get("k") is None:
                self.keys.create("k", value)
            else:
                self.keys.update("k", value)

        def create_first(value):
            if not self.keys.create("k", value).get("success"):
                self.keys.update("k", value)

        def update_first(value):
            if self.keys.update("k", value).get("success") is False:
                self.keys.create("k", value)

        for save in (ask_first, none_is_missing, create_first, update_first):
            for value in ({"n": 1}, {}, {"n": 2}):
                save(value)
                self.assertEqual(self.keys.get("k"), value, save.__name__)
            self.keys.delete("k")

    def test_both_ways_in_which_abilities_load(self):
        self.keys.create("k", {"a": 1})
        found = self.keys.get("k")
        self.assertEqual(found["a"], 1)
        self.assertEqual(found.get("value"), {"a": 1})
        self.assertEqual(found["value"], {"a": 1})
        self.assertEqual(found.get("key"), "k")
        self.assertIn("value", found)
        self.assertIsNone(found.get("other"))
        with self.assertRaises(KeyError):
            found["other"]
        self.assertEqual(json.loads(json.dumps(found)), {"a": 1})
        found["a"] = 2
        self.keys.update("k", found)
        self.assertEqual(self.kept(), {"values": {"k": {"a": 2}}})

    def test_names_of_its_own_win(self):
        self.keys.create("k", {"value": 3})
        self.assertEqual(self.keys.get("k")["value"], 3)

    def test_a_key_that_exists_is_true_even_if_it_is_empty(self):
        self.keys.create("k", {})
        self.assertTrue(self.keys.get("k"))
        self.assertEqual(self.keys.get("k"), {})

    def test_values_are_objects(self):
        for value in ("text", [1], None, {"a": object()}, {"a": float("nan")}):
            with self.assertRaises(TypeError):
                self.keys.create("k", value)
            with self.assertRaises(TypeError):
                self.keys.update("k", value)
        with self.assertRaises(TypeError):
            self.keys.create("", {})
        self.assertEqual(self.storage.files(in_ability_directory=False), {})

    def test_keys_that_would_be_written_alike_are_refused(self):
        for value in ({1: "a", "1": "b"}, {"in": [{None: 1, "null": 2}]}):
            with self.assertRaisesRegex(TypeError, "two of its keys would both be"):
                self.keys.create("k", value)
        self.assertEqual(self.keys.all(), {})
        self.keys.create("k", {1: "a", "b": {2: "c"}})
        self.assertEqual(self.keys.get("k"), {"1": "a", "b": {"2": "c"}})

    def test_a_file_that_an_editor_has_saved_is_read(self):
        self.keys.create("k", {"a": 1})
        [(path, contents)] = self.storage.files(in_ability_directory=False).items()
        edited = b"\xef\xbb\xbf" + contents.replace(b"\n", b"\r\n")
        sdk.atomic_write_file(path, edited, False)
        self.keys.update("l", {"b": 2})
        self.assertEqual(self.keys.all(), {"k": {"a": 1}, "l": {"b": 2}})
        utf_16 = contents.decode().encode("utf-16")
        sdk.atomic_write_file(path, utf_16, False)
        with self.assertRaisesRegex(errors.UnsupportedError, "it is UTF-16; save it as UTF-8"):
            self.keys.all()
        self.assertEqual(sdk.read_file_bytes(path, False), utf_16)

    def test_a_save_that_fails_raises(self):
        self.keys.create("k", {"a": 1})
        self.storage.disk_full = True
        with self.assertRaises(errors.NoSpaceError):
            self.keys.update("k", {"a": 2})
        with self.assertRaises(errors.NoSpaceError):
            self.keys.create("j", {"a": 2})
        self.storage.disk_full = False
        self.assertEqual(self.keys.all(), {"k": {"a": 1}})

    def test_no_update_of_another_is_lost(self):
        other = KeyValues(Files(Remembered()))
        self.storage.interfere(lambda: other.create("theirs", {"b": 2}))
        self.keys.create("mine", {"a": 1})
        self.storage.interfere(lambda: other.update("theirs", {"b": 3}))
        self.keys.update("mine", {"a": 2})
        self.assertEqual(self.keys.all(), {"mine": {"a": 2}, "theirs": {"b": 3}})

    def test_two_create_the_same_key_and_one_wins(self):
        other = KeyValues(Files(Remembered()))
        self.storage.interfere(lambda: other.create("k", {"by": "them"}))
        self.assertIs(self.keys.create("k", {"by": "me"})["success"], False)
        self.assertEqual(self.keys.get("k"), {"by": "them"})

    def test_a_file_that_is_damaged_is_never_overwritten(self):
        for damaged in ("", "{", "[]", '{"values": 3}', '{"values": {"k": 3}}'):
            self.files.write(FILE, damaged, mode="w")
            for call in (lambda: self.keys.get("k"), lambda: self.keys.create("k", {}),
                         lambda: self.keys.update("k", {}), lambda: self.keys.delete("k"),
                         self.keys.all):
                with self.assertRaises(errors.CorruptError):
                    call()
            self.assertEqual(
                self.storage.files(in_ability_directory=False), {FILE: damaged.encode()})

    def test_it_is_not_among_the_files_of_the_user(self):
        self.keys.create("k", {})
        self.assertEqual(self.files.names(), [])

    def test_a_change_settles_a_held_delete(self):
        self.files.write("x.txt", "1")
        self.files.delete("x.txt")
        self.keys.get("k")
        self.assertIn("x.txt", self.storage.files(in_ability_directory=False))
        self.keys.create("k", {})
        self.assertNotIn("x.txt", self.storage.files(in_ability_directory=False))

    def test_half_a_character_is_kept(self):
        self.keys.create("k", {"a": "\ud83d", "b": "é"})
        self.assertEqual(self.keys.get("k"), {"a": "\ud83d", "b": "é"})

    def test_what_is_nested_too_deeply_is_refused(self):
        def nested(depth):
            return {} if depth == 1 else {"a": nested(depth - 1)}

        self.keys.create("k", nested(127))
        self.assertEqual(self.keys.get("k")["a"], nested(126))
        for depth in (128, 900):
            with self.assertRaisesRegex(TypeError, "nested more than 127.*nothing was changed"):
                self.keys.create("l", nested(depth))
        self.assertEqual(list(self.keys.all()), ["k"])

    def test_a_file_that_is_nested_too_deeply_is_corrupt(self):
        contents = '{"values":' * 100_000
        with MemoryStorage(user_files={FILE: contents}) as storage:
            for call in (self.keys.all, lambda: self.keys.create("k", {})):
                with self.assertRaisesRegex(errors.CorruptError, "nested"):
                    call()
            self.assertEqual(storage.files(in_ability_directory=False)[FILE], contents.encode())

    def test_a_kill_leaves_all_or_nothing(self):
        for after in (False, True):
            for n in range(1, 6):
                storage = MemoryStorage()
                with storage:
                    KeyValues(new_files()).create("k", {"a": 1})
                with storage, kill_at(storage, n, after):
                    try:
                        KeyValues(new_files()).update("k", {"a": 2})
                    except Killed:
                        pass
                with storage:
                    self.assertIn(KeyValues(new_files()).get("k")["a"], (1, 2))


if __name__ == "__main__":
    unittest.main()
