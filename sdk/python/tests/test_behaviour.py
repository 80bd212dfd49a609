"""The behaviour suite against storage in memory. In the sandbox, it meets the host."""

import unittest

import places  # noqa: F401 - lets the others be found

# isort: split

import behaviour

from ability_storage.testing import Limits, MemoryStorage

LIMITS = Limits(
    max_file_bytes=behaviour.MAX_FILE_BYTES,
    max_total_bytes=behaviour.MAX_TOTAL_BYTES,
    max_files=behaviour.MAX_FILES,
)


def load_tests(loader: unittest.TestLoader, _: object, __: object) -> unittest.TestSuite:
    """All cases of the suite, each with storage of its own."""
    suite = unittest.TestSuite()
    for cases in loader.loadTestsFromModule(behaviour):
        suite.addTests(InMemory(case) for case in cases)
    return suite


class InMemory(unittest.TestSuite):
    """One case, in memory."""

    def __init__(self, case: unittest.TestCase) -> None:
        super().__init__([case])

    def run(self, result: unittest.TestResult, debug: bool = False) -> unittest.TestResult:
        """Runs it."""
        with MemoryStorage(limits=LIMITS):
            return super().run(result, debug)
