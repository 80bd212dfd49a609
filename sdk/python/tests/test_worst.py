"""Ten megabytes of the worst that a file can hold, whole and cut off.

It must take less than a second, and no more than three times its size.
"""

import gc
import json
import sys
import time
import tracemalloc
import unittest
from contextlib import suppress

import places  # noqa: F401 - lets the others be found

# isort: split

from ability_storage import _audit, _json, sdk
from ability_storage.testing import MemoryStorage

# A second where nothing else runs; on a busy machine the same work takes more of the processor's
# time. A reader that is not linear takes minutes.
MOST_SECONDS = 3

LENGTH = 10_000_000

# What takes long or much, if anything does: a unit again and again, between two texts.
WORST = {
    "escaped JSON": (b'{"a":"', rb"{\"a\":\"b\"},", b""),
    "backslashes": (b'"', b"\\", b""),
    "quotes": (b"", b'"', b""),
    "brackets": (b"", b"[", b""),
    "brackets that are closed": (b"[" * 200, b"[]", b"]" * 200),
    "quotes and brackets": (b"", b'"["[', b""),
    "braces": (b"", b'{"a":', b""),
    "digits": (b"", b"9", b""),
    "an exponent": (b"1e", b"9", b""),
    "white space": (b"[", b" ", b"]"),
    "surrogate pairs": (b'"', rb"\ud83d\ude00", b'"'),
    "halves of pairs": (b'"', rb"\ud83d", b'"'),
    "one text": (b'"', b"x", b'"'),
    "two bytes a character": (b'"', "é".encode(), b'"'),
}

# Of these the value itself is larger than the file, in every Python.
LARGE_VALUES = {
    "short texts": (b"[", b'"a",', b'""]'),
    "brackets in text": (b"[", b'"[",', b'""]'),
    "items of a list": (b"[", b"1,", b"1]"),
    "fractions": (b"[", b"1e5,", b"1]"),
    "lists": (b"[", b"[],", b"1]"),
    "objects": (b"[", b"{},", b"1]"),
    "one name again and again": (b"{", b'"a":1,', b'"b":1}'),
}


def cuts(parts: tuple[bytes, bytes, bytes]) -> list[bytes]:
    """The file, and the same cut off in several places."""
    before, unit, after = parts
    whole = before + unit * (LENGTH // len(unit)) + after
    lengths = (len(whole), len(whole) - 1, len(whole) * 2 // 3 + 1, len(whole) // 7)
    return [whole[:length] for length in lengths]


def seconds(contents: bytes) -> float:
    """How long it takes to load the file, or to refuse it, in time of the processor."""
    started = time.process_time()
    with suppress(sdk.CorruptError, sdk.UnsupportedError):
        _json.decode("s.json", contents)
    return time.process_time() - started


def calls(contents: bytes) -> int:
    """How many functions in Python are called to load the file."""
    count = 0

    def profile(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(profile)
    try:
        _json.decode("s.json", contents)
    finally:
        sys.setprofile(None)
    return count


class Worst(unittest.TestCase):
    """Nothing in a file makes its readers slow or large."""

    def test_short_numbers_take_no_call_each(self) -> None:
        for unit in (b"1,", b"1e5,", b"-0,", b"-1.5,"):
            contents = b"[" + unit * 10_000 + b"1]"
            with self.subTest(unit):
                self.assertLess(calls(contents), 200)

    def test_a_file_is_parsed_without_looks_for_cycles(self) -> None:
        looks: list[str] = []
        gc.callbacks.append(lambda phase, _: looks.append(phase))
        try:
            _json.decode("s.json", b"[" + b"[]," * 50_000 + b"1]")
        finally:
            gc.callbacks.pop()
        self.assertLess(len(looks), 5)
        self.assertTrue(gc.isenabled())

    def test_time(self) -> None:
        for name, parts in WORST.items():
            for contents in cuts(parts):
                with self.subTest(name, length=len(contents)):
                    self.assertLess(seconds(contents), MOST_SECONDS)

    def test_memory(self) -> None:
        for name, parts in WORST.items():
            # To measure takes long: a fifth of the file shows it as well.
            contents = cuts(parts)[0][: LENGTH // 5]
            with self.subTest(name):
                tracemalloc.start()
                seconds(contents)
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
                # The file itself is one of the three.
                self.assertLess(peak, 2 * len(contents) + 1_000_000)

    def test_time_of_large_values(self) -> None:
        for name, parts in LARGE_VALUES.items():
            for contents in cuts(parts)[1:2]:
                with self.subTest(name, length=len(contents)):
                    started = time.process_time()
                    with suppress(ValueError):
                        json.loads(contents)
                    alone = time.process_time() - started
                    self.assertLess(seconds(contents), MOST_SECONDS + alone)

    def test_time_of_an_audit_log(self) -> None:
        for payload in (bytes(60_000), b"\\" * 60_000, "é\u2028".encode() * 12_000):
            head, lines = _audit.START, []
            while sum(map(len, lines)) < LENGTH:
                record = _audit.next_record(head, payload, 0)
                lines.append(record.to_line())
                head = _audit.follow(head, record)
            for contents in (b"".join(lines), b"".join(lines)[:-7]):
                with self.subTest(payload[:2]), MemoryStorage({"log": contents}):
                    started = time.process_time()
                    with suppress(sdk.BrokenChainError):
                        self.assertEqual(sdk.AuditLog.verify("log"), head)
                    self.assertLess(time.process_time() - started, MOST_SECONDS)

    def test_a_counter_looks_at_few_digits(self) -> None:
        with MemoryStorage({"c": "0" * LENGTH}):
            started = time.process_time()
            self.assertRaises(sdk.CorruptError, sdk.Counter("c").value)
            self.assertLess(time.process_time() - started, MOST_SECONDS)
