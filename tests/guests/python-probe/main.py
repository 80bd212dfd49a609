"""Runs the behaviour suite of the Python SDK in the sandbox, in the real host.

`ability run` it with `--max-file-bytes 300000 --max-total-bytes 1000000 --max-files 50`.
The last line is `ok: N cases`, or what failed comes before, and the exit code is 1.
Arguments name the cases to run: `Files.test_what_is_written_is_read`. Or they are one of the
operations of `operations.py`.
"""

import sys
import unittest

import behaviour
import operations
import sandbox


def main() -> int:
    """Runs the cases, or an operation."""
    word, *rest = sys.argv[1:] or [""]
    if word in operations.ALL:
        return operations.ALL[word](*rest)
    loader = unittest.TestLoader()
    if sys.argv[1:]:
        suite = loader.loadTestsFromNames(sys.argv[1:], behaviour)
    else:
        suites = map(loader.loadTestsFromModule, (behaviour, sandbox))
        suite = unittest.TestSuite(suites)
    result = unittest.TextTestRunner(sys.stdout, verbosity=0).run(suite)
    if not result.wasSuccessful() or result.testsRun == 0:
        return 1
    print(f"ok: {result.testsRun} cases")
    return 0
