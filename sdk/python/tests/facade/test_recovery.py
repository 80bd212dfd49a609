"""What the old ways of writing left, and what becomes of it."""

import unittest

from ability_storage import errors, sdk
from ability_storage.testing import Limits, MemoryStorage
from facade.support import new_files, user_files

WHOLE, TORN = '{"a": 1}', '{"a": 1, "b": '


class Recovery(unittest.TestCase):
    def given(self, user_files, **options):
        self.storage = self.enterContext(MemoryStorage(user_files=user_files, **options))
        self.files = new_files()

    def all_kept(self):
        return {p: d.decode() for p, d in self.storage.files(in_ability_directory=False).items()}

    def quarantined(self):
        return [data for path, data in self.all_kept().items() if ".quarantined-" in path]

    def log(self):
        return str(self.files.log)


class LeftoversAreForFilesThatAreMissingOrBroken(Recovery):
    def test_each_kind_is_promoted_for_a_missing_file(self):
        for leftover in ("x_tmp.json", "x.json.tmp", "x.json.backup"):
            self.given({leftover: WHOLE})
            self.assertTrue(self.files.exists("x.json"))
            self.assertEqual(self.files.read("x.json"), WHOLE)
            self.assertEqual(self.all_kept(), {"x.json": WHOLE})
            self.assertIn(f"recovered from {leftover}", self.log())

    def test_a_file_that_an_editor_has_saved_is_healthy(self):
        for encoding in ("utf-8-sig", "utf-16"):
            self.given({"x.json": WHOLE.encode(encoding), "x.json.backup": "[0]"})
            before = self.storage.files(in_ability_directory=False)
            self.assertTrue(self.files.exists("x.json"))
            self.assertEqual(self.storage.files(in_ability_directory=False), before)

    def test_every_call_looks(self):
        for call, expected in (
            (lambda f: f.read("x.json"), WHOLE),
            (lambda f: f.exists("x.json"), WHOLE),
            (lambda f: f.write("x.json", "[2]"), WHOLE + "[2]"),
            (lambda f: f.write("x.json", "[2]", mode="w"), "[2]"),
        ):
            self.given({"x_tmp.json": WHOLE})
            call(self.files)
            self.assertEqual(self.all_kept(), {"x.json": expected})
        self.given({"x_tmp.json": WHOLE})
        self.files.delete("x.json")
        self.files.settle()
        self.assertEqual(self.all_kept(), {})

    def test_in_a_directory_and_in_the_ability_s_own_place(self):
        self.given({"data/x_tmp.json": WHOLE}, files={"x.json.tmp": "[1]"})
        self.assertEqual(self.files.read("data/x.json"), WHOLE)
        self.assertEqual(self.files.read("x.json", True), "[1]")

    def test_a_broken_file_is_replaced_and_kept(self):
        for broken in (TORN, "\0\0\0\0", WHOLE + TORN):
            self.given({"x.json": broken, "x_tmp.json": WHOLE})
            self.assertEqual(self.files.read("x.json"), WHOLE)
            self.assertEqual(user_files(self.storage), {"x.json": WHOLE})
            self.assertEqual(self.quarantined(), [broken])

    def test_of_an_empty_file_nothing_is_kept(self):
        self.given({"x.json": "", "x.json.backup": WHOLE})
        self.assertEqual(self.files.read("x.json"), WHOLE)
        self.assertEqual(self.all_kept(), {"x.json": WHOLE})

    def test_a_healthy_file_wins(self):
        for healthy in (WHOLE, "[]", '{"a":1}\n{"a":2}\n', '{"a":1}{"a":2}', "on"):
            files = {"x.json": healthy, "x_tmp.json": '{"old": 1}', "x.json.backup": "{}"}
            self.given(files)
            self.files.read("x.json")
            self.assertEqual(self.all_kept(), files)

    def test_a_leftover_that_is_not_whole_is_none(self):
        self.given({"x_tmp.json": TORN, "x.json.tmp": "", "x.json.backup": WHOLE})
        self.assertEqual(self.files.read("x.json"), WHOLE)
        self.assertEqual(
            self.all_kept(), {"x.json": WHOLE, "x_tmp.json": TORN, "x.json.tmp": ""})

    def test_what_is_no_json_is_only_looked_for_if_it_is_missing(self):
        self.given({"a.md.tmp": "kept", "b.md": "", "b.md.tmp": "other", "c_tmp.json": WHOLE})
        self.assertEqual(self.files.read("a.md"), "kept")
        self.assertEqual(self.files.read("b.md"), "")
        self.assertFalse(self.files.exists("c.md"))

    def test_what_the_session_has_written_is_no_leftover(self):
        self.given({})
        self.files.write("x_tmp.json", WHOLE)
        self.assertFalse(self.files.exists("x.json"))
        self.assertEqual(self.files.read("x_tmp.json"), WHOLE)

    def test_a_document_that_the_session_writes_in_pieces_is_not_broken(self):
        for leftovers in ({"log.json.backup": '["last week"]'}, {"log_tmp.json": "[0]"}, {}):
            self.given({"log.json": "[0]", **leftovers})
            self.files.write("log.json", "[1", mode="w")
            for piece in (",2", ",3", "]"):
                self.files.write("log.json", piece, mode="a+")
                self.files.exists("log.json")
            self.assertEqual(self.all_kept(), {**leftovers, "log.json": "[1,2,3]"})

    def test_what_the_session_has_deleted_stays_deleted(self):
        self.given({"x.json": WHOLE, "x_tmp.json": '{"old": 1}'})
        self.files.delete("x.json")
        self.assertFalse(self.files.exists("x.json"))
        self.files.settle()
        self.assertFalse(self.files.exists("x.json"))

    def test_and_the_next_session_does_not_bring_it_back(self):
        self.given({"x.json": WHOLE, "x_tmp.json": '{"old": 1}', "x.json.backup": "{}"})
        self.files.delete("x.json")
        self.files.settle()
        self.assertFalse(new_files().exists("x.json"))
        self.assertEqual(
            user_files(self.storage), {"x_tmp.json": '{"old": 1}', "x.json.backup": "{}"})
        # But what is written later and left is a leftover again.
        sdk.atomic_write_file("x_tmp.json", '{"new": 2}', False)
        self.assertEqual(new_files().read("x.json"), '{"new": 2}')

    def test_an_edited_list_of_deletes_stops_nothing(self):
        self.given({"x.json": WHOLE, "x_tmp.json": "[1]", "ability-left-alone.json": "{oh"})
        self.files.delete("x.json")
        self.files.settle()
        self.assertFalse(new_files().exists("x.json"))

    def test_deletes_work_on_a_full_disk(self):
        self.given({"x.json": WHOLE, "x_tmp.json": "[1]"})
        self.files.delete("x.json")
        self.storage.disk_full = True
        self.files.settle()
        self.assertNotIn("x.json", user_files(self.storage))


class NobodyIsOverwritten(Recovery):
    def test_someone_writes_the_file_meanwhile(self):
        self.given({"x_tmp.json": WHOLE})
        self.storage.interfere(lambda: sdk.atomic_write_file("x.json", "[1]", False))
        self.assertEqual(self.files.read("x.json"), "[1]")
        self.assertEqual(self.all_kept(), {"x.json": "[1]", "x_tmp.json": WHOLE})

    def test_someone_mends_the_file_meanwhile(self):
        self.given({"x.json": TORN, "x_tmp.json": WHOLE})
        self.storage.interfere(lambda: sdk.atomic_write_file("x.json", "[1]", False))
        self.assertEqual(self.files.read("x.json"), "[1]")

    def test_someone_changes_the_leftover_meanwhile(self):
        self.given({"x_tmp.json": WHOLE})
        self.storage.interfere(lambda: sdk.atomic_write_file("x_tmp.json", "[2]", False))
        self.files.exists("x.json")
        self.assertEqual(self.all_kept(), {"x_tmp.json": "[2]"})

    def test_two_sessions_recover_at_once(self):
        self.given({"x_tmp.json": WHOLE})
        other = new_files()
        self.storage.interfere(lambda: other.exists("x.json"))
        self.assertEqual(self.files.read("x.json"), WHOLE)
        self.assertEqual(self.all_kept(), {"x.json": WHOLE})


class WhatCannotBeSaved(Recovery):
    def test_is_copied_and_the_ability_goes_on(self):
        self.given({"x.json": TORN})
        self.assertEqual(self.files.read("x.json"), TORN)
        self.files.write("x.json", "{}", mode="w")
        self.assertEqual(user_files(self.storage), {"x.json": "{}"})
        self.assertEqual(self.quarantined(), [TORN])
        self.assertEqual(self.files.names(), ["x.json"])

    def test_is_copied_before_a_write_that_comes_first(self):
        for mode in ("w", "delete"):
            self.given({"x.json": TORN})
            if mode == "delete":
                self.files.delete("x.json")
            self.files.write("x.json", "{}", mode="w")
            self.assertEqual(self.quarantined(), [TORN])

    def test_is_copied_once(self):
        self.given({"x.json": TORN})
        for _ in range(3):
            new_files().read("x.json")
        self.assertEqual(self.quarantined(), [TORN])

    def test_text_that_is_not_utf8(self):
        self.given({"x.json": b'{"a": "\xff"}', "y.txt": b"\xff"})
        for path in ("x.json", "y.txt"):
            with self.assertRaises(errors.NotUtf8Error):
                self.files.read(path)
        self.assertEqual(len(self.storage.files(in_ability_directory=False)), 3)

    def test_names_are_such_as_the_host_allows(self):
        self.given({"x.json": TORN}, limits=Limits(text_files_only=True))
        self.files.read("x.json")
        self.assertEqual(self.quarantined(), [TORN])

    def test_what_is_no_json_at_all_is_the_ability_s_own_affair(self):
        for text in ("on", "", "a,b\n"):
            self.given({"x.json": text})
            self.assertEqual(self.files.read("x.json"), text)
            self.assertEqual(self.all_kept(), {"x.json": text})

    def test_if_it_cannot_be_copied_it_is_said(self):
        self.given({"x.json": TORN})
        self.storage.read_only = True
        self.assertEqual(self.files.read("x.json"), TORN)
        self.assertIn("x.json was not recovered", self.log())


class Concatenated(Recovery):
    def test_a_replacement_keeps_what_others_have_added(self):
        self.given({"x.json": '{"a":1}{"a":2}'})
        self.files.read("x.json")
        self.storage.interfere(lambda: sdk.append_file("x.json", '{"b":3}', False))
        self.files.write("x.json", "{}", mode="w")
        self.assertEqual(user_files(self.storage), {"x.json": "{}"})
        self.assertIn('{"a":1}{"a":2}{"b":3}', self.quarantined())

    def test_a_copy_needs_no_room_beside_what_is_written(self):
        long = '{"a":1}{"a":2}'
        self.given({"x.json": long}, limits=Limits(max_value_bytes=20))
        self.files.read("x.json")
        self.files.write("x.json", '{"a":3, "b":44}', mode="w")
        self.assertEqual(user_files(self.storage), {"x.json": '{"a":3, "b":44}'})
        self.assertEqual(self.quarantined(), [long])

    def test_the_last_whole_document_is_read(self):
        self.given({"x.json": '{"a":1}{"a":2}'})
        self.assertEqual(self.files.read("x.json"), '{"a":2}')
        self.assertEqual(self.files.read("x.json"), '{"a":2}')
        self.assertEqual(self.all_kept(), {"x.json": '{"a":1}{"a":2}'})
        self.assertEqual(len([x for x in self.files.log.lines if "last whole" in x]), 1)

    def test_also_if_the_end_is_cut_off(self):
        self.given({"x.json": '{"a":1}{"a":2}{"a"'})
        self.assertEqual(self.files.read("x.json"), '{"a":2}')

    def test_a_replacement_keeps_all_of_them_beside_it(self):
        several = '{"a":1}{"a":2}'
        for change in ("read, then w", "w", "delete, then a+"):
            self.given({"x.json": several})
            if change.startswith("read"):
                self.files.read("x.json")
            if change.startswith("delete"):
                self.files.delete("x.json")
                self.files.write("x.json", "{}")
            else:
                self.files.write("x.json", "{}", mode="w")
            self.assertEqual(user_files(self.storage), {"x.json": "{}"}, change)
            self.assertEqual(self.quarantined(), [several], change)
            self.files.write("x.json", "[]", mode="w")
            self.assertEqual(self.quarantined(), [several], change)

    def test_also_those_that_the_session_itself_has_appended(self):
        self.given({})
        self.files.write("x.json", '{"a":1}')
        self.files.write("x.json", '{"a":2}')
        self.assertEqual(self.files.read("x.json"), '{"a":2}')
        self.files.write("x.json", '{"a":3}', mode="w")
        self.assertEqual(self.quarantined(), ['{"a":1}{"a":2}'])

    def test_a_document_on_each_line_is_left_as_it_is(self):
        self.given({"x.json": '{"a":1}\n{"a":2}\n'})
        self.assertEqual(self.files.read("x.json"), '{"a":1}\n{"a":2}\n')


if __name__ == "__main__":
    unittest.main()
