"""What a text is taken for."""

import json
import unittest

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
