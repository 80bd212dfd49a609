"""Files are the same in all languages: what is here stands in the tests of the Rust SDK."""

import unittest
from unittest.mock import patch

import places  # noqa: F401 - lets the others be found

# isort: split

from ability_storage import _audit, sdk
from ability_storage.testing import MemoryStorage

FIRST = (
    b"1 1764000000 0000000000000000000000000000000000000000000000000000000000000000 "
    b"7586f96b736a76c54d3c67d66fa568ce08c07a4000d8055bbcb1ae58ad98dea2 a\n"
)


class Formats(unittest.TestCase):
    """Byte by byte."""

    def test_a_line_of_an_audit_log(self) -> None:
        with MemoryStorage() as storage, patch("time.time", return_value=1_764_000_000.9):
            sdk.AuditLog("log").append("a")
            self.assertEqual(storage.files()["log"], FIRST)
        record = _audit.next_record(_audit.START, b"a\nb\\ \xff\x00\xe2\x80\xa8 caf\xc3\xa9", 0)
        expected = " a\\x0ab\\\\ \\xff\\x00\\xe2\\x80\\xa8 café\n"
        self.assertTrue(record.to_line().decode().endswith(expected))

    def test_a_change_of_any_byte_of_a_line_is_found(self) -> None:
        record = _audit.next_record(_audit.START, "é \\ \x01".encode(), 1_764_000_000)
        line = record.to_line()
        self.assertEqual(_audit.parse(line), record)
        for at in range(len(line)):
            for other in range(256):
                if other != line[at]:
                    with self.assertRaises(_audit.BrokenError):
                        _audit.parse(line[:at] + bytes([other]) + line[at + 1 :])

    def test_another_form_of_the_same_record_is_refused(self) -> None:
        for old, new in (
            (b"1 1764", b"+1 1764"),
            (b"1 1764", b"01 1764"),
            (b"1 1764", b" 1 1764"),
            (b"1 1764", b"9" * 9999 + b" 1764"),
            (b" a\n", b" \\x61\n"),
            (b" a\n", b" a\r\n"),
            (b" a\n", b" a\n\n"),
            (b" a\n", b" a"),
            (b" a\n", b" \\q\n"),
            (b" a\n", b" \\\n"),
        ):
            with self.assertRaises(_audit.BrokenError):
                _audit.parse(FIRST.replace(old, new))

    def test_escapes_have_one_form(self) -> None:
        line = _audit.next_record(_audit.START, b"\xff", 0).to_line()
        with self.assertRaisesRegex(_audit.BrokenError, "is not in the form in which this log"):
            _audit.parse(line.replace(rb"\xff", rb"\xFF"))

    def test_a_log_that_an_editor_saved_says_what_to_do(self) -> None:
        for edited, reason in (
            (b"\xef\xbb\xbf" + FIRST, "begins with a byte order mark: save the file without it"),
            (FIRST.replace(b"\n", b"\r\n"), "ends in a carriage return: save the file with line"),
            (FIRST.decode().encode("utf-16"), "begins with the mark of UTF-16: save the file as"),
        ):
            with MemoryStorage({"log": edited}) as storage:
                with self.assertRaisesRegex(
                    sdk.BrokenChainError, f"at record 1: its line {reason}"
                ):
                    sdk.AuditLog("log")
                self.assertEqual(storage.files(), {"log": edited})

    def test_any_payload_comes_back(self) -> None:
        everything = bytes(range(256)) * 2
        longest = bytes(_audit.MAX_PAYLOAD)
        surrogate = b"\xed\xa0\x80 \xf0\x9f\x98 \xc3"
        for payload in (b"", b" ", b"  a ", b"\\x41", b"\\", everything, longest, surrogate):
            line = _audit.next_record(_audit.START, payload, 0).to_line()
            self.assertLessEqual(len(line), _audit.MAX_LINE)
            self.assertEqual(len(line.decode().splitlines()), 1)
            self.assertEqual(_audit.parse(line).payload, payload)

    def test_a_state_is_what_serde_json_writes(self) -> None:
        value = {"text": 'é\n"\\\x01\x7f', "none": None, "list": [], "map": {}, "n": [1, 2.5, True]}
        expected = (
            '{\n  "text": "é\\n\\"\\\\\\u0001\x7f",\n  "none": null,\n  "list": [],\n  "map": {},\n'
            '  "n": [\n    1,\n    2.5,\n    true\n  ]\n}'
        )
        with MemoryStorage() as storage:
            state = sdk.State("s")
            state.value = value
            state.save()
            self.assertEqual(storage.files()["s"].decode(), expected)
