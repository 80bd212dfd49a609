"""From the start of an instance to its exit code."""

import io
import random
import sys
import unittest
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout

import places  # noqa: F401 - lets the others be found

# isort: split

from ability_storage import _entry, _host, sdk


def run(main: Callable[[], object]) -> tuple[int, str]:
    """The exit code, and what was said on standard error."""
    said = io.StringIO()
    with redirect_stderr(said):
        return _entry.run(lambda: main), said.getvalue()


class Entry(unittest.TestCase):
    """What becomes of what `main` does."""

    def test_a_result_is_the_exit_code(self) -> None:
        for result, code in ((None, 0), (0, 0), (1, 1), (3, 3), (True, 1)):
            self.assertEqual(run(lambda result=result: result), (code, ""))
        code, said = run(lambda: "done")
        self.assertEqual((code, said), (1, "main() returned 'done', which is no exit code\n"))

    def test_exits_are_as_in_any_program(self) -> None:
        for argument, expected in (
            (None, (0, "")),
            (0, (0, "")),
            (2, (2, "")),
            ("no", (1, "no\n")),
        ):
            self.assertEqual(run(lambda argument=argument: sys.exit(argument)), expected)

    def test_an_exception_is_shown_from_main_on(self) -> None:
        def main() -> None:
            raise KeyError("lost")

        code, said = run(main)
        self.assertEqual(code, 1)
        self.assertTrue(said.endswith("KeyError: 'lost'\n"), said)
        self.assertIn("in main", said)
        self.assertNotIn("ability_storage", said)

        def interrupted() -> None:
            raise KeyboardInterrupt

        self.assertEqual(run(interrupted)[0], 1)

    def test_each_line_is_one_write(self) -> None:
        writes: list[bytes] = []

        class Output(io.RawIOBase):
            def writable(self) -> bool:
                return True

            def write(self, data: object) -> int:
                writes.append(bytes(data))  # type: ignore[call-overload]
                return len(writes[-1])

        def main() -> None:
            print("one", 1)
            print("two", end="")
            print(", and more")
            print("the end", end="")

        output = io.TextIOWrapper(Output(), write_through=True)  # type: ignore[type-var]
        with redirect_stdout(output):
            self.assertEqual(_entry.run(lambda: main), 0)
        self.assertEqual(writes, [b"one 1\n", b"two, and more\n", b"the end"])

    def test_a_module_without_main_is_told(self) -> None:
        said = io.StringIO()
        with redirect_stderr(said):
            code = _entry.run(lambda: _entry.main)  # type: ignore[attr-defined]
        self.assertEqual(code, 1)
        self.assertIn("main", said.getvalue())

    def test_what_cannot_be_flushed_is_no_success(self) -> None:
        class Gone(io.StringIO):
            def flush(self) -> None:
                raise BrokenPipeError

        with redirect_stdout(Gone()):
            self.assertEqual(run(lambda: 0)[0], 1)

    def test_random_numbers_begin_anew(self) -> None:
        random.seed(1)
        first = random.random()
        random.seed(1)
        run(lambda: None)
        self.assertNotEqual(random.random(), first)

    def test_storage_is_refused_while_building(self) -> None:
        with _entry.building(), self.assertRaisesRegex(RuntimeError, r"`main\(\)`"):
            sdk.read_file("a")
        self.assertFalse(_host._current.building)

    def test_without_storage_an_error_says_what_to_do(self) -> None:
        with self.assertRaisesRegex(RuntimeError, "ability_storage.testing"):
            sdk.read_file("a")
