"""What a text is taken for."""

import json
import time
import tracemalloc
import unittest
from unittest import mock

from ability_facade.documents import Shape, inspect, is_whole, may_be_several


class Shapes(unittest.TestCase):
    def check(self, text: str | bytes, shape: Shape, last: str = "") -> None:
        contents = text if isinstance(text, bytes) else text.encode()
        finding = inspect(contents)
        self.assertEqual((finding.shape, finding.last), (shape, last), text)
        if shape in (Shape.CONCATENATED, Shape.TORN):
            self.assertTrue(may_be_several(contents), text)

    def test_one_document(self):
        for text in ("{}", ' {"a": 1}\n', "[]", "1", "null", '"x"', '{\n "a": [1,\n 2]}\n'):
            self.check(text, Shape.WHOLE)

    def test_nothing(self):
        for text in ("", " \n\t"):
            self.check(text, Shape.BLANK)

    def test_documents_one_after_the_other(self):
        self.check('{"a":1}{"a":2}', Shape.CONCATENATED, '{"a":2}')
        self.check('[1] [1,2]\n', Shape.CONCATENATED, "[1,2]")
        self.check('{\n "a": 1\n}{\n "a": "}{"\n}', Shape.CONCATENATED, '{\n "a": "}{"\n}')
        self.check('{"a":1}{"a":2}\n{"a":3}', Shape.CONCATENATED, '{"a":3}')

    def test_what_is_one_is_seldom_taken_for_several(self):
        value = {"a": [[1], [2, [{}, {}]], {"b": []}], "c": {}}
        for text in (json.dumps(value), json.dumps(value, indent=2)):
            self.assertFalse(may_be_several(text.encode()), text)

    def test_a_document_on_each_line_is_healthy(self):
        self.check('{"a":1}\n{"a":2}\n', Shape.LINES)
        self.check('{"a":1}\n\n[2]\n3', Shape.LINES)

    def test_the_last_is_cut_off(self):
        self.check('{"a":1}{"a":', Shape.TORN, '{"a":1}')
        self.check('{"a":1}{"a":2}{', Shape.TORN, '{"a":2}')

    def test_damaged(self):
        for text in ('{"a":', "{", '[1, 2', '{"a":1}}', '{"a":1}:2}', "\0" * 100, b"{\xff}",
                     '{"a": 1} and more'):
            self.check(text, Shape.DAMAGED)

    def test_what_an_editor_has_saved(self):
        self.check("\ufeff{}\r\n", Shape.WHOLE)
        self.check('\ufeff{"a":1}{"a":2}', Shape.CONCATENATED, '{"a":2}')
        self.check("\ufeff{", Shape.DAMAGED)
        self.check("{}".encode("utf-16"), Shape.OTHER)

    def test_what_never_was_json(self):
        for text in ("on", "hello {}", "2026-03-01 a b"):
            self.check(text, Shape.OTHER)

    def test_what_is_nested_too_deeply_is_not_parsed(self):
        # In the sandbox that would end the program, without a `RecursionError`.
        self.check("[" * 500 + "]" * 500, Shape.WHOLE)
        for text in ("[" * 501 + "]" * 501, "[" * 100_000, '{"a":' * 100_000):
            self.check(text, Shape.DEEP)
        self.check(json.dumps(["[" * 1000]), Shape.WHOLE)
        self.assertFalse(is_whole("[" * 501 + "]" * 501))

    def test_lines(self):
        self.check('{"a":1}\n\n{"a":2}\r\n', Shape.LINES)
        self.check('["\u2028"]\n["\u2028"]', Shape.LINES)
        self.check('{"a":1}\n', Shape.WHOLE)

    def test_a_line_holds_one_whole_document(self):
        for text in ('[1\n2]\n3', '1,2\n[3\n4]', '{"a":1\n}\n{}', '[{"a":1\n2}]\n[]', '{"a":\n1}\n{}x'):
            self.assertIsNot(inspect(text.encode()).shape, Shape.LINES, text)

    def test_many_lines_are_parsed_together(self):
        text = '{"a":1}\n' * 50_000
        with mock.patch("ability_facade.documents.json.loads", wraps=json.loads) as loads:
            self.check(text, Shape.LINES)
        self.assertLess(loads.call_count, 20)


#: What takes long or much, if anything does: a unit again and again, between two texts.
WORST = {
    "escaped JSON": (b'{"a":"', rb"{\"a\":\"b\"},", b""),
    "escaped JSON behind a document": (b'{"a":1}{"a":"', rb"{\"a\":\"b\"},", b""),
    "backslashes": (b'"', b"\\", b""),
    "quotes": (b"", b'"', b""),
    "brackets": (b"", b"[", b""),
    "closing brackets": (b"", b"}", b""),
    "white space": (b"{}", b" ", b"x"),
    "white space between documents": (b"{}", b"{}" + b" " * 500, b"{"),
    "line feeds": (b"{", b"\n", b""),
    "zeros": (b"", b"\0", b""),
    "two bytes a character": (b'{"a":"', "é".encode(), b""),
    "documents": (b"", b'{"a":1}' * 100, b"{"),
    "lines": (b"", b'{"a":1}\n', b""),
    "torn lines": (b"", b'{"a":1}\n', b"{"),
}


class Worst(unittest.TestCase):
    """Ten megabytes of the worst, cut off: less than a second, and three times its size."""

    LENGTH = 10_000_000

    #: In seconds, for a machine that does much else. On one that is idle, all take less than
    #: one second, but for those of so many documents that to parse them takes longer.
    LIMIT = 4
    LIMITS = {"documents": 6, "torn lines": 6}

    def test_time(self):
        for name, (before, unit, after) in WORST.items():
            whole = before + unit * (self.LENGTH // len(unit)) + after
            for length in (len(whole), len(whole) * 2 // 3 + 1):
                with self.subTest(name, length=length):
                    contents = whole[:length]
                    started = time.process_time()
                    may_be_several(contents)
                    inspect(contents)
                    self.assertLess(time.process_time() - started, self.LIMITS.get(name, self.LIMIT))

    def test_memory(self):
        for name, (before, unit, after) in WORST.items():
            # To measure takes long: a tenth of the file shows it as well.
            contents = before + unit * (self.LENGTH // 10 // len(unit)) + after
            with self.subTest(name):
                tracemalloc.start()
                inspect(contents)
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
                # The file itself is one of the three; its blocks need some megabytes.
                self.assertLess(peak, 2 * len(contents) + 5_000_000)
