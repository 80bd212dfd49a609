"""The examples of all docstrings and of the README are run, with storage in memory."""

import doctest
import importlib
import pkgutil
import unittest
from pathlib import Path

import ability_storage
from ability_storage.testing import MemoryStorage

FLAGS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
README = Path(__file__).parent.parent / "README.md"
# It needs the bindings of a component.
OUTSIDE = {"_wit"}


class Documentation(unittest.TestCase):
    """One case for each module."""

    def run_examples(self, test: doctest.DocTest) -> int:
        with MemoryStorage():
            runner = doctest.DocTestRunner(optionflags=FLAGS)
            result = runner.run(test)
        self.assertEqual(result.failed, 0, test.name)
        return result.attempted

    def test_examples_of_docstrings(self) -> None:
        examples = 0
        names = [name for _, name, _ in pkgutil.iter_modules(ability_storage.__path__)]
        for name in ["", *(f".{name}" for name in names if name not in OUTSIDE)]:
            module = importlib.import_module(f"ability_storage{name}")
            for test in doctest.DocTestFinder(exclude_empty=True).find(module):
                examples += self.run_examples(test)
        self.assertGreater(examples, 45)

    def test_examples_of_the_readme(self) -> None:
        parser = doctest.DocTestParser()
        test = parser.get_doctest(README.read_text("utf-8"), {}, "README", str(README), 0)
        self.assertGreater(self.run_examples(test), 5)

    def test_all_that_is_named_is_there(self) -> None:
        sdk = ability_storage.sdk
        for name in sdk.__all__:
            documented = getattr(sdk, name)
            self.assertTrue(documented.__doc__, name)
