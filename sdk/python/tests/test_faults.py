"""What becomes of the data when calls fail: each call of each function, in each way."""

import unittest
from collections.abc import Callable
from unittest.mock import patch

import places  # noqa: F401 - lets the others be found

# isort: split

from ability_storage import _retry, sdk
from ability_storage._calls import HostError, Kind
from ability_storage.testing import Failure, MemoryStorage

OLD = {"a": "old", "n.json": "[1]", "c": "7", "s.json": '{"n": 1}'}
CHANGES: dict[str, Callable[[], object]] = {
    "atomic_write_file": lambda: sdk.atomic_write_file("a", "new"),
    "append_file": lambda: sdk.append_file("a", "new"),
    "replace_file": lambda: sdk.replace_file("a", "b"),
    "delete_file": lambda: sdk.delete_file("a"),
    "write_file_with_backup": lambda: sdk.write_file_with_backup("a", "new"),
    "update_json": lambda: sdk.update_json("n.json", lambda numbers: [*numbers, 2]),
    "counter": lambda: sdk.Counter("c").next(),
    "state": lambda: sdk.State("s.json").update(lambda state: {**state, "n": 2}),
    "batch": lambda: sdk.Batch().write("a", "new").delete("c").commit(),
    "audit": lambda: sdk.AuditLog("log").append("payload"),
}
FAILURES: tuple[Failure, ...] = (
    "no-space", "quota-exceeded", "read-only", "unavailable", "unconfirmed", "unknown-made",
    "unknown-not-made", "other",
)  # fmt: skip


def written() -> None:
    """A stream that is committed."""
    with sdk.open_writer("a") as writer:
        writer.write("new")


CHANGES["open_writer"] = written


class Faults(unittest.TestCase):
    """An error tells the truth of the data."""

    def test_every_call_fails_in_every_way(self) -> None:
        for name, change in CHANGES.items():
            with MemoryStorage(OLD) as storage:
                before = storage.files()
                change()
                calls, after = storage.calls, storage.files()
            if name != "audit":
                self.assertNotEqual(before, after)
            for call in range(1, calls + 1):
                for failure in FAILURES:
                    with self.subTest(name, call=call, failure=failure):
                        self.check(change, call, failure, before, after)

    def check(
        self,
        change: Callable[[], object],
        call: int,
        failure: Failure,
        before: dict[str, bytes],
        after: dict[str, bytes],
    ) -> None:
        with MemoryStorage(OLD) as storage:
            storage.fail_call(call, failure)
            with self.assertRaises(sdk.StorageError) as caught:
                change()
            error = caught.exception
            self.assertEqual(error.is_applied, failure == "unconfirmed")
            expected = failure if failure == "unconfirmed" else failure.partition("-")[0]
            if expected not in ("unconfirmed", "unknown"):
                expected = "not-applied"
            self.assertEqual(error.outcome, expected)
            if expected == "unknown":
                self.assertIn(" may have been changed, or not: ", str(error))
                self.assertNotIn("was made:", str(error))
            is_made = failure in ("unconfirmed", "unknown-made")
            files, expected_files = storage.files(), after if is_made else before
            if "log" in after:
                files, expected_files = files.keys(), expected_files.keys()
            self.assertEqual(files, expected_files)

    def test_what_only_a_change_can_meet_waits_for_one(self) -> None:
        for failure in FAILURES:
            with self.subTest(failure), MemoryStorage(OLD) as storage:
                storage.fail_call(1, failure)
                calls = [lambda: sdk.read_file("a"), lambda: sdk.atomic_write_file("a", "new")]
                if failure not in ("unavailable", "other"):
                    calls.pop(0)()
                with self.assertRaises(sdk.StorageError):
                    calls.pop(0)()
                sdk.atomic_write_file("a", "newer")

    def test_what_may_be_applied_is_not_repeated(self) -> None:
        with MemoryStorage({"n": "1"}) as storage:
            storage.fail_call(2, "unconfirmed")
            with self.assertRaises(sdk.UnconfirmedError):
                sdk.update_json("n", lambda n: n + 1)
            self.assertEqual(storage.files(), {"n": b"2"})

    def test_a_full_disk_is_an_error_that_python_knows(self) -> None:
        with MemoryStorage(OLD) as storage:
            storage.disk_full = True
            for name in CHANGES.keys() - {"delete_file"}:
                with self.subTest(name), self.assertRaises(OSError) as caught:
                    CHANGES[name]()
                self.assertIsInstance(caught.exception, sdk.NoSpaceError)
                self.assertIn("the disk is full", str(caught.exception))
            sdk.delete_file("a")

    def test_a_read_only_place_is_not_permitted(self) -> None:
        with MemoryStorage(OLD) as storage:
            storage.read_only = True
            for name, change in CHANGES.items():
                with self.subTest(name), self.assertRaises(PermissionError):
                    change()
            self.assertEqual(sdk.read_file("a"), "old")

    def test_a_corrupt_state_that_cannot_be_moved_is_left(self) -> None:
        for failure in ("read-only", "no-space"):
            with MemoryStorage({"s": "{"}) as storage:
                storage.fail_call(2, failure)
                with self.assertRaises(sdk.CorruptError):
                    sdk.State("s")
                self.assertEqual(storage.files(), {"s": b"{"})

    def test_only_what_is_corrupt_is_moved_aside(self) -> None:
        with MemoryStorage({"s": "{"}) as storage:
            storage.interfere(lambda: sdk.atomic_write_file("s", '{"repaired": 1}'))
            state = sdk.State("s")
            self.assertEqual((state.value, state.quarantined), ({"repaired": 1}, None))
            self.assertEqual(storage.files(), {"s": b'{"repaired": 1}'})

    def test_a_backup_of_what_others_write_meanwhile(self) -> None:
        with MemoryStorage({"a": "1"}) as storage:
            storage.interfere(lambda: sdk.atomic_write_file("a", "2"))
            sdk.write_file_with_backup("a", "3")
            self.assertEqual(storage.files(), {"a": b"3", "a.backup": b"2"})
            storage.interfere(lambda: sdk.atomic_write_file("a", "4"))
            sdk.write_file_with_backup("a", "4")
            self.assertEqual(storage.files(), {"a": b"4", "a.backup": b"2"})
            sdk.atomic_write_file("a", "3")
            storage.interfere(lambda: sdk.delete_file("a"))
            sdk.write_file_with_backup("a", "4")
            self.assertEqual(storage.files(), {"a": b"4", "a.backup": b"2"})

    def test_an_update_gives_up_with_the_conflict(self) -> None:
        def busy(old: bytes | None) -> bytes:
            sdk.append_file("a", "x")
            return old or b""

        with MemoryStorage({"a": ""}), patch.object(_retry, "MAX_ATTEMPTS", 3):
            with self.assertRaises(sdk.ConflictError):
                sdk.update_file("a", busy)
            self.assertEqual(sdk.read_file("a"), "xxx")

    def test_unknown_outcomes_are_not_reported_as_made(self) -> None:
        unknown = HostError(
            Kind.UNCONFIRMED, "log may have been changed, or not, for the answer was lost"
        )
        for call, is_made in (("append", False), ("append", True), ("read", False)):
            with MemoryStorage() as storage:
                log = sdk.AuditLog("log")
                log.append("a")
                before = log.head

                def lost(
                    *arguments: object, made: bool = is_made, of: MemoryStorage = storage
                ) -> None:
                    if made:
                        MemoryStorage.append_if(of, *arguments)  # type: ignore[arg-type]
                    raise unknown

                with patch.object(storage, "append_if", lost):
                    if call == "read":
                        storage.fail_call(1, "unavailable")
                    with self.assertRaises(sdk.UnconfirmedError) as lost_answer:
                        log.append("b")
                self.assertEqual(lost_answer.exception.outcome, "unknown")
                self.assertFalse(lost_answer.exception.is_applied)
                self.assertEqual(log.count, 2 if is_made else 1)
                self.assertEqual(log.head == before, not is_made)
                log.append("c")
                self.assertEqual(sdk.AuditLog.verify("log"), log.head)
        with MemoryStorage() as storage, patch.object(storage, "commit", side_effect=unknown):
            with self.assertRaises(sdk.UnconfirmedError) as caught:
                sdk.Batch().write("log", "x").commit()
            expected = "all of the batch was made, or none: log may have been changed, or not"
            self.assertIn(expected, str(caught.exception))

    def test_an_unconfirmed_record_is_in_the_chain(self) -> None:
        with MemoryStorage() as storage:
            log = sdk.AuditLog("log")
            storage.fail_call(1, "unconfirmed")
            with self.assertRaises(sdk.UnconfirmedError):
                log.append("a")
            self.assertEqual(log.count, 1)
            log.append("b")
            self.assertEqual(sdk.AuditLog.verify("log").count, 2)
