"""What an ability finds in the sandbox beside storage: this has no counterpart outside."""

import datetime
import hashlib
import os
import random
import time
import unittest
import uuid

AT_BUILD = random.getstate()
"""What the build leaves of the random numbers: no start may have it."""


class Sandbox(unittest.TestCase):
    """Clocks, random numbers, hashes, and modules that are imported late."""

    def test_random_numbers_are_not_those_of_the_build(self) -> None:
        self.assertNotEqual(random.getstate(), AT_BUILD)
        self.assertNotEqual(uuid.uuid4(), uuid.uuid4())
        self.assertNotEqual(os.urandom(16), os.urandom(16))

    def test_the_clock_goes(self) -> None:
        before = time.time()
        started = time.monotonic()
        time.sleep(0.02)
        self.assertGreaterEqual(time.monotonic() - started, 0.02)
        self.assertGreater(time.time(), before)
        now = datetime.datetime.now(datetime.UTC)
        self.assertLess(abs(now.timestamp() - time.time()), 5)

    def test_hashes_are_there(self) -> None:
        sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        self.assertEqual(hashlib.sha256(b"abc").hexdigest(), sha256)
        self.assertEqual(len(hashlib.blake2b(b"abc").digest()), 64)

    def test_what_is_imported_late_is_there(self) -> None:
        # Where the component runs there are no files to import from.
        import bisect
        import fractions

        self.assertEqual(bisect.bisect([1, 2], 1), 1)
        self.assertEqual(fractions.Fraction("1/2") * 2, 1)
        parsed = datetime.datetime.strptime("2026-03-01 +0000", "%Y-%m-%d %z")
        self.assertEqual(parsed.day, 1)
        self.assertEqual("é".encode("latin-1"), b"\xe9")
        self.assertEqual("a.é".encode("idna"), b"a.xn--9ca")

    def test_endless_recursion_is_an_error_and_no_crash(self) -> None:
        def endless(number: int) -> int:
            return endless(number + 1) + 1

        with self.assertRaises(RecursionError):
            endless(0)
