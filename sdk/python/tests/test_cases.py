"""The cases in `sdk/cases`, which all languages run: what one writes, each reads back equal."""

import json
import logging
import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import places

# isort: split

from behaviours import Play

from ability_storage import sdk
from ability_storage.testing import MemoryStorage

CASES = places.SDK.parent / "cases"
SEVERAL = {"python", "javascript", "rust"}


def cases(name: str) -> list[dict[str, Any]]:
    """The cases of one file."""
    found: list[dict[str, Any]] = json.loads(Path(CASES, name).read_text("utf-8"))
    assert len(found) > 20
    return found


def value_of(described: Any) -> Any:
    """The value that a case describes."""
    match described:
        case {"integer": digits}:
            return int(digits)
        case {"float": digits}:
            return float(digits)
        case {"units": units}:
            return "".join(map(chr, units))
        case {"nested": depth}:
            value: list[Any] = []
            for _ in range(depth - 1):
                value = [value]
            return value
        case {"object": members}:
            return {value_of(name): value_of(member) for name, member in members}
        case list():
            return [value_of(member) for member in described]
    return described


def texts(written: Any) -> dict[str, str]:
    """What each language writes."""
    match written:
        case {"nested": depth}:
            opened = "".join(f"{'  ' * level}[\n" for level in range(depth - 1))
            closed = "".join(f"\n{'  ' * level}]" for level in reversed(range(depth - 1)))
            return dict.fromkeys(SEVERAL, f"{opened}{'  ' * (depth - 1)}[]{closed}")
        case str():
            return dict.fromkeys(SEVERAL, written)
    assert written.keys() == SEVERAL
    return dict(written)


def contents_of(case: dict[str, Any]) -> bytes:
    """What is in the file of a case."""
    if "bytes" in case:
        return str(case["bytes"]).encode("latin-1")
    return str(case["text"]).encode()


class Values(unittest.TestCase):
    """What can be saved is loaded as it was, also by the others; all else is refused."""

    def same(self, found: Any, expected: Any) -> None:
        """Equal, and of the same kind; an integer may come back for a float."""
        self.assertEqual(shape(found), shape(expected))

    def test_saved_values_come_back_equal(self) -> None:
        for case in cases("values.json"):
            if "refused" in case:
                continue
            value = value_of(case["value"])
            with self.subTest(case["name"]), MemoryStorage() as storage:
                state = sdk.State("s.json", default=None)
                state.value = value
                state.save()
                written = storage.files()["s.json"].decode()
                self.assertEqual(written, texts(case["written"])["python"])
                self.same(sdk.State("s.json").value, value)
                if value is not None:
                    sdk.update_json("u.json", lambda _, new=value: new)
                    self.same(sdk.update_json("u.json", lambda found: found), value)

    def test_text_of_each_language_is_read(self) -> None:
        for case in cases("values.json"):
            for language, text in texts(case["written"]).items() if "written" in case else ():
                with self.subTest(case["name"], of=language), MemoryStorage({"s.json": text}):
                    state = sdk.State("s.json")
                    self.same(state.value, value_of(case["value"]))
                    state.save()
                    self.same(sdk.State("s.json").value, value_of(case["value"]))

    def test_values_that_would_not_come_back_are_refused_with_their_place(self) -> None:
        for case in cases("values.json"):
            if "refused" in case:
                self.refused(case["name"], value_of(case["value"]), case["refused"])

    def test_values_of_python_alone_are_refused_with_their_place(self) -> None:
        refused = {
            "bytes": (b"x", " is a bytes"),
            "a set": ({1}, " is a set"),
            "a tuple": ((1, 2), " is a tuple, which would come back as a list"),
            "a date": (__import__("datetime").date(2026, 3, 1), " is a date"),
            "a Decimal": (__import__("decimal").Decimal(1), " is a Decimal"),
            "an object": (object(), " is a object"),
            "a key that is no text": ({1: 2}, " has the key 1, which is not a str"),
            "a key that is None": ({None: 2}, " has the key None, which is not a str"),
            "a very long integer": (10**9999, " is a number of 33216 bits, beyond the integers"),
        }
        for name, (value, reason) in refused.items():
            self.refused(name, {"list": [0, value]}, f".list[1]{reason}")

    def refused(self, name: str, value: Any, reason: str) -> None:
        """That no way to save takes the value, and that nothing is changed."""
        with self.subTest(name), MemoryStorage({"s.json": "[1]"}) as storage:
            state = sdk.State("s.json")
            for save in (
                lambda: sdk.update_json("s.json", lambda _: value),
                lambda: sdk.State("s.json").update(lambda _: value),
                lambda: (setattr(state, "value", value), state.save()),
            ):
                with self.assertRaises(sdk.NotSerializableError) as caught:
                    save()
                self.assertIn(f"cannot be written as JSON: {reason}", str(caught.exception))
                self.assertEqual(storage.files(), {"s.json": b"[1]"})


class Files(unittest.TestCase):
    """What is in a file that people or other programs wrote."""

    @contextmanager
    def case(self, case: dict[str, Any]) -> Iterator[MemoryStorage]:
        """Storage with the file of a case."""
        files = {"s.json": contents_of(case)}
        with self.subTest(case["name"]), MemoryStorage(files) as storage:
            yield storage

    def test_valid_files_are_read_and_written_without_a_mark(self) -> None:
        for case in cases("files.json"):
            if "loads" not in case:
                continue
            with self.case(case) as storage:
                state = sdk.State("s.json")
                self.assertEqual(shape(state.value), shape(value_of(case["loads"])))
                self.assertIsNone(state.quarantined)
                state.save()
                sdk.update_json("s.json", lambda value: value)
                written = storage.files()["s.json"].decode()
                self.assertEqual(written, texts(case["written"])["python"])

    def test_unsupported_files_stay(self) -> None:
        for case in cases("files.json"):
            if "unsupported" not in case:
                continue
            with self.case(case) as storage:
                for load in (
                    lambda: sdk.State("s.json"),
                    lambda: sdk.State("s.json", schema_version=1),
                    lambda: sdk.update_json("s.json", lambda value: value),
                ):
                    with self.assertRaises(sdk.UnsupportedError) as caught:
                        load()
                    expected = f"s.json was left as it is: {case['unsupported']}"
                    self.assertEqual(str(caught.exception), expected)
                    self.assertEqual(storage.files(), {"s.json": contents_of(case)})

    def test_corrupt_files_are_moved_aside_by_a_state_alone(self) -> None:
        logging.disable()
        self.addCleanup(logging.disable, logging.NOTSET)
        for case in cases("files.json"):
            if "corrupt" not in case:
                continue
            with self.case(case) as storage:
                with self.assertRaises(sdk.CorruptError):
                    sdk.update_json("s.json", lambda value: value)
                self.assertEqual(sdk.State("s.json").quarantined, "s.corrupt-1.json")
                self.assertEqual(storage.files(), {"s.corrupt-1.json": contents_of(case)})

    def test_a_schema_version_may_be_written_as_a_fraction(self) -> None:
        with MemoryStorage({"s.json": '\ufeff{"schema_version": 1.0, "n": 1}\r\n'}) as storage:
            self.assertEqual(sdk.State("s.json", schema_version=1).value, {"n": 1})
            self.assertEqual(list(storage.files()), ["s.json"])


class Counters(unittest.TestCase):
    """What is in the file of a counter."""

    def test_counters(self) -> None:
        for case in cases("counters.json"):
            files = {"c": contents_of(case)}
            with self.subTest(case["name"]), MemoryStorage(files) as storage:
                self.check(case, storage)

    def check(self, case: dict[str, Any], storage: MemoryStorage) -> None:
        """One case."""
        counter = sdk.Counter("c")
        if "value" in case:
            value = int(case["value"])
            self.assertEqual((counter.value(), counter.next()), (value, value + 1))
            self.assertEqual(storage.files(), {"c": str(value + 1).encode()})
            return
        kind = sdk.UnsupportedError if "unsupported" in case else sdk.CorruptError
        for call in (counter.value, counter.next):
            with self.assertRaises(kind) as caught:
                call()
            self.assertIn(case.get("unsupported", "in decimal digits"), str(caught.exception))
        self.assertEqual(storage.files(), {"c": contents_of(case)})


def shape(value: Any) -> Any:
    """Tells apart what `==` does not: 1 and true, 0 and -0, members in another order."""
    if isinstance(value, dict):
        return "object", [(name, shape(member)) for name, member in value.items()]
    if isinstance(value, list):
        return "list", [shape(member) for member in value]
    if isinstance(value, float) and value.is_integer() and str(value) != "-0.0":
        return "int", int(value)
    return type(value).__name__, str(value) if isinstance(value, float) else value


class Behaviours(unittest.TestCase):
    """What calls do, and what they refuse, also while another instance is at work."""

    def test_each_behaves_as_in_the_other_languages(self) -> None:
        for case in cases("behaviours.json"):
            if "python" not in case.get("not_in", []):
                with self.subTest(case["name"]):
                    Play(case).run()


if __name__ == "__main__":
    unittest.main()
