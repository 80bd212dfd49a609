"""The depth of a text, found in blocks, against a look at each character."""

import random
import unittest
from unittest.mock import patch

import places  # noqa: F401 - lets the others be found

# isort: split

from ability_storage import _nesting


def one_by_one(contents: bytes) -> _nesting.Nesting:
    """The same, in the plainest way."""
    deepest = depth = at = 0
    in_string = False
    while at < len(contents):
        byte = contents[at : at + 1]
        at += 1
        if byte == b'"':
            in_string = not in_string
        elif byte == b"\\" and contents[at : at + 1] in (b"\\", b'"'):
            at += 1
        elif not in_string:
            depth += (byte in (b"[", b"{")) - (byte in (b"]", b"}"))
            deepest = max(deepest, depth)
    return _nesting.Nesting(deepest, depth == 0 and not in_string)


class Blocks(unittest.TestCase):
    """No block ends within an escape or forgets a string."""

    def test_any_text_in_blocks_of_any_length(self) -> None:
        chosen = random.Random(7)
        for _ in range(3000):
            length = chosen.randrange(40)
            contents = bytes(chosen.choice(b'[]{}""\\\\a') for _ in range(length))
            for block in (1, 2, 3, 5, 64):
                with self.subTest(contents, block=block), patch.object(_nesting, "BLOCK", block):
                    self.assertEqual(_nesting.nesting(contents), one_by_one(contents))
