"""What the Python SDK does, whatever is behind it.

The same cases run against storage in memory and, in the sandbox, against the real
host. Either has the limits below, and holds nothing else.
"""

import io
import json
import unittest
from collections.abc import Callable
from typing import Any

from ability_storage import sdk

MAX_FILE_BYTES = 300_000
MAX_TOTAL_BYTES = 1_000_000
MAX_FILES = 50


def remove_all() -> None:
    """Leaves nothing in either place."""
    for in_ability_directory in (True, False):
        for path in sdk.list_files("", in_ability_directory):
            sdk.delete_file(path, in_ability_directory)


def pattern(length: int) -> bytes:
    """Bytes that differ wherever a chunk could end."""
    return (bytes(range(251)) * (length // 251 + 1))[:length]


class Case(unittest.TestCase):
    """A case that begins without files."""

    def setUp(self) -> None:
        remove_all()

    def tearDown(self) -> None:
        remove_all()

    def refused(
        self, kind: type[sdk.StorageError], call: Callable[..., object], *args: Any, **named: Any
    ) -> sdk.StorageError:
        """The error of a call that must change nothing."""
        before = {path: sdk.stat_file(path) for path in sdk.list_files()}
        with self.assertRaises(kind) as caught:
            call(*args, **named)
        error = caught.exception
        self.assertIsInstance(error, OSError)
        self.assertEqual(error.outcome, "not-applied")
        self.assertEqual({path: sdk.stat_file(path) for path in sdk.list_files()}, before)
        return error


class Files(Case):
    """One file at a time."""

    def test_what_is_written_is_read(self) -> None:
        for size in (0, 1, 4095, 4096, 4097, MAX_FILE_BYTES):
            path = f"dir/of size/{size}"
            sdk.atomic_write_file(path, pattern(size))
            self.assertEqual(sdk.read_file_bytes(path), pattern(size))
            self.assertTrue(sdk.check_if_file_exists(path))
            self.assertEqual(sdk.stat_file(path).size, size)

    def test_text_is_utf8_as_it_is(self) -> None:
        text = "Grüße\r\n\n日本語 \x00 👩‍👩‍👧"
        sdk.atomic_write_file("ü", text)
        self.assertEqual(sdk.read_file("ü"), text)
        self.assertEqual(sdk.read_file_bytes("ü"), text.encode())
        sdk.atomic_write_file("bytes", b"ab\xff")
        error = self.refused(sdk.NotUtf8Error, sdk.read_file, "bytes")
        self.assertEqual(str(error), "bytes is not text: it is not UTF-8 from byte 2 on")
        self.assertIsInstance(error, ValueError)

    def test_text_that_utf8_cannot_hold_is_refused(self) -> None:
        half = "\U0001f600a\ud800b"
        writer = sdk.open_writer("a")
        log = sdk.AuditLog("a")
        for call in (
            lambda: sdk.atomic_write_file("a", half),
            lambda: sdk.atomic_write_file_if("a", half, version=None),
            lambda: sdk.append_file("a", half),
            lambda: sdk.append_file_if("a", half, end=sdk.FileEnd()),
            lambda: sdk.write_file_with_backup("a", half),
            lambda: sdk.update_file("a", lambda _: half),
            lambda: sdk.Batch().write("a", half),
            lambda: sdk.Batch().append("a", half),
            lambda: writer.write(half),
            lambda: log.append(half),
        ):
            error = self.refused(sdk.NotEncodableError, call)
            self.assertEqual(
                str(error),
                "a was not changed: its new text has half of a surrogate pair at character 2, "
                "which UTF-8 cannot hold",
            )
        writer.close()

    def test_a_path_is_named_once(self) -> None:
        error = self.refused(sdk.InvalidPathError, sdk.atomic_write_file, "../x", "")
        expected = "../x cannot be used as a path: it has a component . or .."
        self.assertEqual(str(error), expected)

    def test_a_count_that_is_none_is_refused(self) -> None:
        counter = sdk.Counter("t")
        for count, kind, found in ((1e30, TypeError, "1e+30"), (-1, ValueError, "-1")):
            for call in (counter.add, lambda count: counter.add_in(sdk.Batch(), count)):
                with self.assertRaises(kind) as caught:
                    call(count)
                self.assertEqual(
                    str(caught.exception),
                    f"t was not changed: a count is a whole number from 0 on, not {found}",
                )
        self.assertEqual(sdk.list_files(), [])

    def test_a_write_replaces_the_whole_file(self) -> None:
        for contents in ("a rather long first version", "short", "", "again"):
            sdk.atomic_write_file("state.json", contents)
            self.assertEqual(sdk.read_file("state.json"), contents)
        self.assertEqual(sdk.list_files(), ["state.json"])

    def test_an_absent_file_is_not_found(self) -> None:
        sdk.atomic_write_file("dir/there", "x")
        for path in ("absent", "dir", "dir/absent", "no/such/dir", "dir/there/below"):
            for call in (
                sdk.read_file,
                sdk.read_file_bytes,
                sdk.read_with_version,
                sdk.stat_file,
                sdk.open_reader,
            ):
                error = self.refused(sdk.NotFoundError, call, path)
                self.assertIsInstance(error, FileNotFoundError)
                self.assertEqual(error.path, path)
                self.assertEqual(str(error), f"{path} was not found")
            self.assertFalse(sdk.check_if_file_exists(path))

    def test_the_two_places_do_not_overlap(self) -> None:
        sdk.atomic_write_file("a", "own")
        sdk.atomic_write_file("a", "shared", False)
        self.assertEqual(sdk.read_file("a"), "own")
        self.assertEqual(sdk.read_file("a", in_ability_directory=False), "shared")
        sdk.delete_file("a")
        self.assertFalse(sdk.check_if_file_exists("a"))
        self.assertEqual(sdk.list_files("", False), ["a"])

    def test_deleting_what_is_absent_succeeds(self) -> None:
        sdk.atomic_write_file("dir/there", "x")
        for path in ("absent", "dir/absent", "no/such/dir", "dir", "dir/there/below"):
            sdk.delete_file(path)
        self.assertEqual(sdk.list_files(), ["dir/there"])

    def test_an_append_adds_to_the_end(self) -> None:
        whole = ""
        for line in ("one\n", "", "two\n", "three\n"):
            sdk.append_file("logs/log", line)
            whole += line
            self.assertEqual(sdk.read_file("logs/log"), whole)

    def test_a_replace_moves_and_replaces(self) -> None:
        sdk.atomic_write_file("there", "contents")
        for source, target in (("there", "a/b/c"), ("a/b/c", "a/d"), ("a/d", "e")):
            sdk.replace_file(source, target)
            self.assertEqual(sdk.list_files(), [target])
        sdk.atomic_write_file("f", "old")
        sdk.replace_file("e", "f")
        self.assertEqual(sdk.read_file("f"), "contents")
        error = self.refused(sdk.NotFoundError, sdk.replace_file, "absent", "f")
        self.assertEqual(error.path, "absent")

    def test_a_list_is_by_directory_and_sorted(self) -> None:
        self.assertEqual(sdk.list_files(), [])
        everything = ["b", "notes", "notes-old.md", "notes.d/a", "x/y/1", "x/y/2", "x/z", "ü"]
        for path in reversed(everything):
            sdk.atomic_write_file(path, "")
        self.assertEqual(sdk.list_files(), everything)
        for prefix, under in (
            ("x", ["x/y/1", "x/y/2", "x/z"]),
            ("x/", ["x/y/1", "x/y/2", "x/z"]),
            ("x/y/1", ["x/y/1"]),
            ("notes", ["notes"]),
            ("no", []),
            ("absent/dir", []),
        ):
            self.assertEqual(sdk.list_files(prefix), under)
        for prefix in ("/", "x//", "..", "/x"):
            self.refused(sdk.InvalidPathError, sdk.list_files, prefix)

    def test_a_path_is_a_file_or_a_directory(self) -> None:
        sdk.atomic_write_file("file", "file")
        sdk.atomic_write_file("dir/sub/file", "deep")
        for taken in ("file/below", "file/far/below", "dir", "dir/sub"):
            self.refused(sdk.InvalidPathError, sdk.atomic_write_file, taken, "x")
            self.refused(sdk.InvalidPathError, sdk.append_file, taken, "x")
            self.refused(sdk.InvalidPathError, sdk.replace_file, "file", taken)
        self.refused(sdk.InvalidPathError, sdk.replace_file, "dir/sub/file", "dir")

    def test_paths_keep_the_rules(self) -> None:
        for path in (
            "", "/", "/etc/passwd", "a/", "a//b", ".", "..", "./a", "../a", "a/../../b", "...",
            "C:\\Windows", "c:a", "a\\b", "a\0b", "a\nb", "a\x7f", "a\x85", "dot.", "space ",
            "dir /a", "con", "Con.txt", "nul.tar.gz", "aux .txt", "prn/a", "a/COM1", "com¹",
            "CONIN$", ".ability-storage", ".Ability-Storage/x", "a/.ABILITY-STORAGE/b",
            ".ability\u200c-storage", ".ability-\u017ftorage", ".ABILITY-\ufb06ORAGE/x",
            "ABILIT~1/x", "AB12EF~1", "x" * 256, "/".join(["x" * 255] * 4 + ["e"]),
            "lone \ud800", "/".join("d" * 33),
        ):  # fmt: skip
            for call in (sdk.atomic_write_file, sdk.append_file):
                error = self.refused(sdk.InvalidPathError, call, path, "x")
                self.assertIsInstance(error, ValueError)
        for path in (
            "a", ".hidden", "..twodots", "a b c", "Grüße/日本語.json", "-rf", "~", "*?\"<>|",
            "console.log", "com", "com10", "lpt", "nullable", "ability-storage", "x" * 255,
            ".ability-storage-notes", "abcafe~", "absent~1", "/".join("d" * 32),
        ):  # fmt: skip
            sdk.atomic_write_file(path, "x")
            self.assertEqual(sdk.list_files(), [path])
            sdk.delete_file(path)

    def test_an_argument_of_a_wrong_type_is_refused(self) -> None:
        for call in (
            lambda: sdk.atomic_write_file(b"a", "x"),  # type: ignore[arg-type]
            lambda: sdk.atomic_write_file("a", 1),  # type: ignore[arg-type]
            lambda: sdk.atomic_write_file("a", None),  # type: ignore[arg-type]
            lambda: sdk.atomic_write_file("a", "x", "yes"),  # type: ignore[arg-type]
            lambda: sdk.atomic_write_file_if("a", "x", version=1),  # type: ignore[arg-type]
            lambda: sdk.read_file(None),  # type: ignore[arg-type]
            lambda: sdk.Batch().write("a", ["x"]),  # type: ignore[arg-type]
            lambda: sdk.open_writer(1),  # type: ignore[arg-type]
        ):
            with self.assertRaises(TypeError):
                call()
        self.assertEqual(sdk.list_files(), [])


class Limits(Case):
    """What goes beyond a limit is refused and changes nothing."""

    def test_a_file_has_a_longest_length(self) -> None:
        large = bytes(MAX_FILE_BYTES + 1)
        error = self.refused(sdk.TooLargeError, sdk.atomic_write_file, "a", large)
        self.assertEqual(getattr(error, "limit", None), MAX_FILE_BYTES)
        sdk.atomic_write_file("a", large[1:])
        self.refused(sdk.TooLargeError, sdk.append_file, "a", "x")

    def test_all_files_have_limits(self) -> None:
        full = bytes(MAX_FILE_BYTES)
        for number in range(3):
            sdk.atomic_write_file(f"full{number}", full)
        rest = MAX_TOTAL_BYTES - 3 * MAX_FILE_BYTES
        self.refused(sdk.QuotaExceededError, sdk.atomic_write_file, "new", bytes(rest + 1))
        sdk.atomic_write_file("new", bytes(rest))
        self.refused(sdk.QuotaExceededError, sdk.append_file, "more", "x")
        sdk.atomic_write_file("full0", full[1:])
        remove_all()
        with sdk.Batch() as batch:
            for number in range(MAX_FILES):
                batch.write(f"many/{number}", "")
        self.refused(sdk.QuotaExceededError, sdk.atomic_write_file, "one more", "")


class Conditions(Case):
    """Conditional changes: made exactly when their precondition holds."""

    def test_a_write_keeps_its_precondition(self) -> None:
        write_if = sdk.atomic_write_file_if
        error = self.refused(sdk.ConflictError, write_if, "a", "x", version="v")
        self.assertIsNone(getattr(error, "found", "?"))
        first = write_if("a", "first", version=None)
        self.assertEqual(sdk.read_with_version("a"), sdk.Snapshot(b"first", first))
        error = self.refused(sdk.AlreadyExistsError, write_if, "a", "x", version=None)
        self.assertIsInstance(error, FileExistsError)
        self.assertIsInstance(error, sdk.ConflictError)
        self.assertEqual(getattr(error, "found", None), first)
        second = write_if("a", "second", version=first)
        self.assertNotEqual(first, second)
        self.refused(sdk.ConflictError, write_if, "a", "x", version=first)
        self.assertEqual(sdk.read_file("a"), "second")

    def test_equal_versions_are_equal_contents(self) -> None:
        first = sdk.atomic_write_file_if("one", "contents", version=None)
        self.assertEqual(sdk.atomic_write_file_if("two", "contents", version=None), first)
        self.assertEqual(sdk.read_with_version("one").version, first)

    def test_an_update_keeps_what_others_wrote(self) -> None:
        others = ["b", "c"]

        def change(old: bytes | None) -> bytes:
            if others:
                sdk.append_file("list", others.pop(0))
            return (old or b"") + b"x"

        self.assertEqual(sdk.update_file("list", change), b"bcx")
        self.assertEqual(sdk.read_file("list"), "bcx")

    def test_an_update_that_returns_no_contents_writes_nothing(self) -> None:
        sdk.atomic_write_file("count.txt", "41")
        for wrong in (42, 0, True, False, [42], (1, 2), {1}, 1.5, 10**10, {"a": 1}):
            with self.assertRaisesRegex(TypeError, "contents are str or bytes, not"):
                sdk.update_file("count.txt", lambda _, new=wrong: new)
        self.assertEqual(sdk.read_file("count.txt"), "41")
        for contents in ("é", bytearray(b"b"), memoryview(b"c")):
            written = sdk.update_file("count.txt", lambda _, new=contents: new)
            self.assertEqual(written, contents.encode() if contents == "é" else contents)
            self.assertEqual(sdk.read_file_bytes("count.txt"), written)

    def test_an_update_that_raises_writes_nothing(self) -> None:
        sdk.atomic_write_file("a", "old")
        with self.assertRaises(ZeroDivisionError):
            sdk.update_file("a", lambda _: bytes(1 // 0))
        with self.assertRaises(TypeError):
            sdk.update_file("a", lambda _: None)  # type: ignore[arg-type, return-value]
        self.assertEqual(sdk.read_file("a"), "old")


class Batches(Case):
    """All of it or nothing, in the order of the steps."""

    def test_a_batch_does_all_of_it(self) -> None:
        sdk.atomic_write_file("old", "old")
        sdk.atomic_write_file("moving", "moving")
        sdk.append_file("log", "1\n")
        batch = sdk.Batch().write_if("dir/new", "new", version=None).delete("old")
        batch.rename("moving", "dir/moved").append("log", "2\n").write("empty", b"")
        versions = batch.commit()
        self.assertEqual([version is not None for version in versions], [True, *[False] * 3, True])
        self.assertEqual(versions[0], sdk.read_with_version("dir/new").version)
        self.assertEqual(sdk.list_files(), ["dir/moved", "dir/new", "empty", "log"])
        self.assertEqual(sdk.read_file("log"), "1\n2\n")
        self.assertEqual(sdk.Batch().commit(), [])

    def test_a_batch_does_none_of_it(self) -> None:
        sdk.atomic_write_file("a", "a")
        sdk.atomic_write_file("c", "c")
        steps: list[tuple[type[sdk.StorageError], Callable[[sdk.Batch], sdk.Batch]]] = [
            (sdk.AlreadyExistsError, lambda batch: batch.write_if("a", "x", version=None)),
            (sdk.ConflictError, lambda batch: batch.append_if("new", "x", version="v")),
            (sdk.ConflictError, lambda batch: batch.delete_if("b", version="v")),
            (sdk.NotFoundError, lambda batch: batch.rename("absent", "b")),
            (sdk.InvalidPathError, lambda batch: batch.write("c/below", "x")),
            (sdk.InvalidPathError, lambda batch: batch.write("../a", "x")),
            (sdk.TooLargeError, lambda batch: batch.write("b", bytes(MAX_FILE_BYTES + 1))),
        ]
        for kind, add in steps:
            batch = add(sdk.Batch().write("a", "changed").write("dir/new", "new"))
            error = self.refused(kind, batch.commit)
            self.assertEqual(error.step, 2, str(error))
            self.assertTrue(str(error).startswith("no step of the batch was made: "), str(error))
            self.assertEqual(sdk.read_file("a"), "a")

    def test_a_batch_takes_its_steps_in_order(self) -> None:
        sdk.atomic_write_file("a", "A")
        sdk.atomic_write_file("b", "B")
        with sdk.Batch() as batch:
            batch.rename("a", "swap").rename("b", "a").rename("swap", "b").append("a", "+")
        self.assertEqual((sdk.read_file("a"), sdk.read_file("b")), ("B+", "A"))
        self.assertEqual(sdk.list_files(), ["a", "b"])

    def test_a_block_that_raises_commits_nothing(self) -> None:
        with self.assertRaises(ZeroDivisionError), sdk.Batch(False) as batch:
            batch.write("a", "x")
            _ = 1 // 0
        self.assertEqual(sdk.list_files("", False), [])

    def test_a_block_commits_once(self) -> None:
        with sdk.Batch() as batch:
            self.assertEqual(batch.append("log", "one line\n").commit(), [None])
        self.assertEqual(sdk.read_file("log"), "one line\n")
        with self.assertRaises(sdk.NotFoundError), sdk.Batch() as batch:
            batch.append("log", "two\n").rename("absent", "other").commit()
        with self.assertRaisesRegex(RuntimeError, "after its commit"), sdk.Batch() as batch:
            batch.append("log", "two\n").commit()
            batch.append("log", "three\n")
        self.assertEqual(sdk.read_file("log"), "one line\ntwo\n")

    def test_what_a_batch_has_read_is_a_condition(self) -> None:
        sdk.atomic_write_file("rate", "2")
        for change in (
            lambda: sdk.atomic_write_file("rate", "3"),
            lambda: sdk.delete_file("rate"),
            lambda: sdk.atomic_write_file("lock", "mine"),
        ):
            sdk.atomic_write_file("rate", "2")
            batch = sdk.Batch()
            self.assertEqual((batch.read("rate"), batch.read("lock")), (b"2", None))
            batch.append("sum", "x")
            batch.commit()
            change()
            error = self.refused(sdk.ConflictError, batch.commit)
            self.assertIsNone(error.step)
            self.assertEqual(sdk.read_file("sum"), "x")
            sdk.delete_file("sum")

    def test_what_belongs_together_is_made_again_together(self) -> None:
        tickets, sold = sdk.Counter("tickets"), sdk.State("sold.json", default={})
        log, other = sdk.AuditLog("log"), sdk.AuditLog("log")
        faster = [lambda: tickets.next(), lambda: other.append("theirs")]

        def sell(batch: sdk.Batch) -> int:
            number = tickets.next_in(batch)
            sold.update_in(batch, lambda old: {**old, str(number): "row 7"})
            sdk.update_json_in(batch, "list.json", lambda old: [*old, number], default=list)
            log.append_in(batch, f"ticket {number}")
            if faster:
                faster.pop()()
            return number

        self.assertEqual(sdk.update_batch(sell), 2)
        self.assertEqual(sold.value, {"2": "row 7"})
        self.assertEqual(sdk.update_json("list.json", lambda old: old), [2])
        self.assertEqual(sdk.AuditLog.verify("log"), log.head)
        self.assertEqual(log.count, 2)

    def test_a_backup_is_what_was_there_before(self) -> None:
        write = sdk.write_file_with_backup
        self.refused(sdk.NotFoundError, sdk.read_backup, "s.json")
        write("s.json", "1")
        self.assertEqual(sdk.list_files(), ["s.json"])
        write("s.json", b"2")
        write("s.json", "3")
        self.assertEqual(sdk.list_files(), ["s.backup.json", "s.json"])
        self.assertEqual((sdk.read_file("s.json"), sdk.read_backup("s.json")), ("3", "2"))
        write("s.json", "3")
        self.assertEqual(sdk.read_backup_bytes("s.json"), b"2", "repeated, it is still there")
        sdk.delete_file("s.json")
        write("s.json", "4")
        self.assertEqual((sdk.read_file("s.json"), sdk.read_backup("s.json")), ("4", "2"))
        write("dir.d/name", "1", False)
        write("dir.d/name", "2", False)
        self.assertEqual(sdk.list_files("", False), ["dir.d/name", "dir.d/name.backup"])


class Streams(Case):
    """Writing and reading piece by piece."""

    def test_a_writer_shows_nothing_before_its_commit(self) -> None:
        for size in (0, 1, 1000, 256 * 1024, 256 * 1024 + 1, MAX_FILE_BYTES):
            for piece in (1000, 300_000):
                with sdk.open_writer("dir/file") as writer:
                    for start in range(0, size, piece):
                        writer.write(pattern(size)[start : start + piece])
                    writer.flush()
                    self.assertFalse(sdk.check_if_file_exists("dir/file"))
                self.assertEqual(sdk.read_file_bytes("dir/file"), pattern(size))
                self.assertEqual(writer.version, sdk.read_with_version("dir/file").version)
                sdk.delete_file("dir/file")

    def test_what_is_not_committed_leaves_nothing(self) -> None:
        sdk.atomic_write_file("file", "old")
        with self.assertRaises(ZeroDivisionError), sdk.open_writer("file") as writer:
            writer.write("new")
            _ = 1 // 0
        closed = sdk.open_writer("file")
        closed.write("new")
        closed.close()
        for call in (closed.commit, lambda: closed.write("x")):
            with self.assertRaises(ValueError):
                call()
        wrapped = io.TextIOWrapper(sdk.open_writer("file"), "utf-8")  # type: ignore[type-var]
        wrapped.write("new")
        wrapped.close()
        self.assertEqual(sdk.read_file("file"), "old")
        self.assertEqual(sdk.list_files(), ["file"])

    def test_a_writer_keeps_its_precondition(self) -> None:
        late = sdk.open_writer_if("file", version=None)
        late.write("late")
        with sdk.open_writer_if("file", version=None) as first:
            first.write("first")
        self.refused(sdk.AlreadyExistsError, late.commit)
        with sdk.open_writer_if("file", version=first.version) as second:
            second.write("second")
        self.assertEqual(sdk.read_file("file"), "second")

    def test_a_writer_that_failed_cannot_be_committed(self) -> None:
        writer = sdk.open_writer("file")
        with self.assertRaises(sdk.TooLargeError):
            for _ in range(4):
                writer.write(bytes(100_000))
                writer.flush()
        for call in (writer.flush, writer.commit, lambda: writer.write("x")):
            self.refused(sdk.TooLargeError, call)
        with self.assertRaises(sdk.TooLargeError), writer:
            pass
        self.assertEqual(sdk.list_files(), [])

    def test_a_reader_stays_with_one_version(self) -> None:
        contents = pattern(MAX_FILE_BYTES)
        sdk.atomic_write_file("file", contents)
        with sdk.open_reader("file") as reader:
            self.assertEqual(reader.size, len(contents))
            seen = reader.read(1000)
            sdk.atomic_write_file("file", "other")
            seen += reader.read()
        self.assertEqual(seen, contents)
        self.assertTrue(reader.closed)

    def test_a_reader_gives_lines(self) -> None:
        sdk.atomic_write_file("file", "é\n2\n\nlast")
        with sdk.open_reader("file") as reader:
            self.assertEqual(list(reader), ["é\n".encode(), b"2\n", b"\n", b"last"])
        with io.TextIOWrapper(sdk.open_reader("file"), "utf-8") as text:
            self.assertEqual(text.read(), "é\n2\n\nlast")

    def test_streams_are_given_back(self) -> None:
        sdk.atomic_write_file("file", "x")
        for _ in range(100):
            with sdk.open_reader("file") as reader:
                reader.read()
            with sdk.open_writer("other") as writer:
                writer.write("y")
            sdk.open_writer("third").close()
        opened = []
        with self.assertRaises(sdk.QuotaExceededError):
            for _ in range(1000):
                opened.append(sdk.open_reader("file"))  # noqa: PERF401 - it ends with an error
        for reader in opened:
            reader.close()
        sdk.open_writer("third").close()


class Json(Case):
    """`update_json` and `State`."""

    def test_an_update_of_json_loses_nothing(self) -> None:
        others = [[1], [1, 2]]

        def add(numbers: list[int]) -> list[int]:
            if others:
                sdk.atomic_write_file("n.json", json.dumps(others.pop(0)))
            numbers.append(9)
            return numbers

        self.assertEqual(sdk.update_json("n.json", add, []), [1, 2, 9])
        self.assertEqual(sdk.read_file("n.json"), "[\n  1,\n  2,\n  9\n]")

    def test_a_default_is_not_shared(self) -> None:
        default: list[int] = []
        for path in ("a", "b"):
            sdk.update_json(path, lambda numbers: [*numbers, numbers.append(1) or 1], default)
        self.assertEqual(default, [])
        self.assertEqual(sdk.update_json("c", lambda value: {**value, "x": 1}, dict), {"x": 1})
        with self.assertRaises(TypeError):
            sdk.update_json("d", lambda value: value.clear(), {})
        self.assertFalse(sdk.check_if_file_exists("d"))

    def test_what_is_no_json_is_neither_read_nor_written(self) -> None:
        sdk.atomic_write_file("a", "1")
        for value in ({1: 2}, [float("nan")], float("inf"), {"a": {None: 1}}, b"", "\ud800", set()):
            self.refused(sdk.NotSerializableError, sdk.update_json, "a", lambda _, v=value: v)
        for text in ("", "{", "[1] [2]", "NaN", "[Infinity]", b"\xff", '"\\u', "[" * 99_999):
            sdk.atomic_write_file("a", text)
            error = self.refused(sdk.CorruptError, sdk.update_json, "a", lambda value: value)
            self.assertIn("is corrupt and was left as it is", str(error))
            sdk.delete_file("a")
        for text in ('"\\ud800"', '{"t": 1e999}', "[18446744073709551616]", '{"a": 1, "a": 1}'):
            sdk.atomic_write_file("a", text)
            self.refused(sdk.UnsupportedError, sdk.update_json, "a", lambda value: value)
            self.refused(sdk.UnsupportedError, sdk.State, "a")

    def test_nesting_has_a_limit(self) -> None:
        deep = json.loads("[" * 127 + "]" * 127)
        self.assertEqual(sdk.update_json("a", lambda _: deep), deep)
        self.assertEqual(sdk.update_json("a", lambda value: value), deep)
        self.refused(sdk.NotSerializableError, sdk.update_json, "a", lambda value: [value])
        for text, kind in (
            ("[" * 128 + "]" * 128, sdk.UnsupportedError),
            ('{"[":' * 128 + "1" + "}" * 128, sdk.UnsupportedError),
            ("[" * 99_999 + "]" * 99_999, sdk.UnsupportedError),
            ("[{" * 50_000, sdk.CorruptError),
        ):
            sdk.atomic_write_file("b", text)
            error = self.refused(kind, sdk.update_json, "b", lambda value: value)
            self.assertIn("nested more than 127 times", str(error))
        flat = json.loads('["[{", ' + "[], " * 300 + '"\\\\\\"[", {}]')
        self.assertEqual(sdk.update_json("a", lambda _: flat), flat)
        self.assertEqual(sdk.update_json("a", lambda value: value), flat)

    def test_a_state_keeps_its_value(self) -> None:
        state = sdk.State("s.json", default={"asked": 0, "city": "Ål", "list": [], "more": {}})
        self.assertEqual(sdk.list_files(), [], "loading writes nothing")
        state.save()
        expected = '{\n  "asked": 0,\n  "city": "Ål",\n  "list": [],\n  "more": {}\n}'
        self.assertEqual(sdk.read_file("s.json"), expected)
        state.value["asked"] = 1
        self.assertEqual(sdk.State("s.json").value["asked"], 0)
        state.save()
        self.assertEqual(sdk.State("s.json").value["asked"], 1)
        state.value["asked"] = 2
        state.reload()
        self.assertEqual(state.value["asked"], 1)

    def test_a_save_does_not_overwrite_what_it_has_not_seen(self) -> None:
        state = sdk.State("s.json")
        sdk.atomic_write_file("s.json", '{"new": 1}')
        self.refused(sdk.ConflictError, state.save)
        state.reload()
        state.save()
        self.assertEqual(state.value, {"new": 1})

    def test_an_update_of_a_state_loses_nothing(self) -> None:
        one, two = sdk.State("s.json", []), sdk.State("s.json", [])
        two.update(lambda numbers: [*numbers, 2])
        self.assertEqual(one.update(lambda numbers: [*numbers, 1]), [2, 1])
        one.value.append(7)
        self.assertEqual(one.update(lambda numbers: [*numbers, 8]), [2, 1, 7, 8])
        self.refused(sdk.ConflictError, lambda: (two.value.append(3), two.update(lambda v: v)))
        with self.assertRaises(TypeError):
            one.update(lambda numbers: numbers.append(9))
        one.reload()
        self.assertEqual(one.value, [2, 1, 7, 8])

    def test_a_corrupt_state_is_kept_aside(self) -> None:
        for number, corrupt in enumerate(("", "{", "[", "\xff", "NaN"), 1):
            sdk.atomic_write_file("d/s.json", corrupt)
            with self.assertLogs("ability_storage", "WARNING") as logged:
                state = sdk.State("d/s.json", {"new": 1})
            aside = f"d/s.corrupt-{number}.json"
            self.assertIn(f"it is kept as {aside}", logged.output[0])
            self.assertEqual((state.quarantined, state.value), (aside, {"new": 1}))
            self.assertEqual(sdk.read_file(aside), corrupt)
            self.assertFalse(sdk.check_if_file_exists("d/s.json"))
        sdk.atomic_write_file("d/s.json", "{")
        with self.assertLogs("ability_storage", "WARNING"):
            self.assertEqual(state.update(lambda value: {**value, "more": 1})["more"], 1)
        self.assertEqual(len(sdk.list_files()), 7)

    def test_a_state_is_migrated_step_by_step(self) -> None:
        sdk.atomic_write_file("s.json", '{"city": "Oslo"}')
        migrations = {
            0: lambda old: {"cities": [old["city"]]},
            1: lambda old: {"places": old["cities"]},
        }
        state = sdk.State("s.json", schema_version=2, migrations=migrations)
        self.assertEqual(state.value, {"places": ["Oslo"]})
        self.assertEqual(sdk.read_file("s.json"), '{"city": "Oslo"}', "loading writes nothing")
        state.save()
        text = '{\n  "schema_version": 2,\n  "places": [\n    "Oslo"\n  ]\n}'
        self.assertEqual(sdk.read_file("s.json"), text)
        again = sdk.State("s.json", schema_version=2)
        self.assertEqual(
            again.update(lambda value: {**value, "n": 1}), {"places": ["Oslo"], "n": 1}
        )

    def test_a_newer_schema_is_refused(self) -> None:
        sdk.atomic_write_file("s.json", '{"schema_version": 3}')
        error = self.refused(sdk.NewerSchemaError, sdk.State, "s.json", schema_version=2)
        expected = "s.json was left as it is: its schema version is 3, and this program knows only"
        self.assertIn(expected, str(error))
        self.refused(sdk.SchemaError, sdk.State, "s.json", schema_version=4)
        for wrong in ("[]", '{"schema_version": "1"}', '{"schema_version": true}'):
            sdk.atomic_write_file("s.json", wrong)
            with self.assertLogs("ability_storage", "WARNING"):
                sdk.State("s.json", schema_version=1)
        state = sdk.State("s.json", schema_version=1)
        for value in ([], {"schema_version": 1}):
            state.value = value
            self.refused(sdk.NotSerializableError, state.save)
        for schema, of in ((0, {}), (1, {1: dict}), (None, {1: dict})):
            with self.assertRaises(ValueError):
                sdk.State("s.json", schema_version=schema, migrations=of)


class Counters(Case):
    """Numbers that are each given once."""

    def test_counting_starts_with_one(self) -> None:
        counter = sdk.Counter("c")
        self.assertEqual(counter.value(), 0)
        self.assertEqual([counter.next() for _ in range(12)], list(range(1, 13)))
        self.assertEqual(counter.add(100), 112)
        self.assertEqual(counter.add(0), 112)
        self.assertEqual(sdk.read_file("c"), "112")
        self.assertEqual(sdk.Counter("c").value(), 112)
        self.assertEqual(sdk.Counter("c", False).next(), 1)
        for count, kind in ((-1, ValueError), (1.5, TypeError), (True, TypeError)):
            self.assertRaises(kind, counter.add, count)

    def test_a_file_that_is_no_number_is_left(self) -> None:
        for text, value in (("41\n", 41), ("007", 7)):
            sdk.atomic_write_file("c", text)
            self.assertEqual(sdk.Counter("c").value(), value)
        for corrupt in (
            "", "\n", "x", "+7", "-1", "1 ", "1\n\n", "1.0", "１", "1_0", str(2**64), "9" * 9999,
            b"\xff",
        ):  # fmt: skip
            sdk.atomic_write_file("c", corrupt)
            self.refused(sdk.CorruptError, sdk.Counter("c").next)
            self.refused(sdk.CorruptError, sdk.Counter("c").value)

    def test_it_ends_and_does_not_begin_again(self) -> None:
        sdk.atomic_write_file("c", str(2**64 - 1))
        error = self.refused(sdk.CounterExhaustedError, sdk.Counter("c").next)
        self.assertIsInstance(error, OverflowError)
        self.assertEqual(sdk.Counter("c").value(), 2**64 - 1)


class Audit(Case):
    """A log in which no record can be changed unseen."""

    def test_what_is_appended_verifies_and_continues(self) -> None:
        log = sdk.AuditLog("log")
        payloads = [b"a", b"", b"c\nd", b"\xff\x00\\", "é\u2028".encode(), bytes(range(256))]
        for payload in payloads:
            log.append(payload)
        self.assertEqual((log.count, sdk.AuditLog.verify("log")), (6, log.head))
        again = sdk.AuditLog("log")
        self.assertEqual(again.append("e").count, 7)
        records = list(sdk.AuditLog.records("log"))
        self.assertEqual([record.payload for record in records], [*payloads, b"e"])
        self.assertEqual(len(sdk.read_file("log").splitlines()), 7)
        self.refused(sdk.NotFoundError, sdk.AuditLog.verify, "absent")

    def test_a_change_of_any_byte_is_found(self) -> None:
        log = sdk.AuditLog("log")
        for payload in ("a", "é \\ \x01", "c"):
            log.append(payload)
        whole = sdk.read_file_bytes("log")
        for at in range(0, len(whole), 7):
            for flip in (1, 0x80):
                changed = bytearray(whole)
                changed[at] ^= flip
                sdk.atomic_write_file("log", bytes(changed))
                self.refused(sdk.BrokenChainError, sdk.AuditLog, "log")
        lines = whole.splitlines(keepends=True)
        for broken in (lines[1:], [lines[0], lines[2]], [*lines, lines[2]], [whole[:-1]]):
            sdk.atomic_write_file("log", b"".join(broken))
            self.refused(sdk.BrokenChainError, sdk.AuditLog, "log")

    def test_a_record_of_another_log_is_found(self) -> None:
        for path, first in (("log", "a"), ("other", "b")):
            log = sdk.AuditLog(path)
            log.append(first)
            log.append("same")
        lines = [sdk.read_file_bytes(path).splitlines(keepends=True) for path in ("log", "other")]
        sdk.atomic_write_file("log", lines[0][0] + lines[1][1])
        error = self.refused(sdk.BrokenChainError, sdk.AuditLog.verify, "log")
        expected = "log was left as it is, because its chain is broken at record 2: it follows "
        self.assertTrue(str(error).startswith(expected), str(error))

    def test_writers_that_take_turns_share_a_log(self) -> None:
        logs = [sdk.AuditLog("log") for _ in range(3)]
        # Longer than what is compared, and the same from there on.
        for payload in ("a", "b", "x" * 1000, "x" * 1000):
            heads = [log.append(payload) for log in logs]
        self.assertEqual([head.count for head in heads], [10, 11, 12])
        self.assertEqual(sdk.AuditLog.verify("log", head=logs[0].head), logs[2].head)

    def test_a_log_that_lost_records_is_not_added_to(self) -> None:
        log = sdk.AuditLog("log")
        log.append("a")
        short = sdk.read_file_bytes("log")
        log.append("b")
        for contents in (short, b"", sdk.read_file_bytes("log")[:-2] + b"c\n"):
            sdk.atomic_write_file("log", contents)
            self.refused(sdk.LogChangedError, log.append, "c")
            self.assertEqual(sdk.read_file_bytes("log"), contents)
        sdk.delete_file("log")
        self.refused(sdk.LogChangedError, log.append, "c")

    def test_a_kept_head_shows_what_is_missing(self) -> None:
        log = sdk.AuditLog("log")
        log.append("a")
        short = sdk.read_file_bytes("log")
        kept = log.append("b")
        log.append("c")
        self.assertEqual(sdk.AuditLog.verify("log", head=kept), log.head)
        sdk.atomic_write_file("log", short)
        self.assertEqual(sdk.AuditLog.verify("log").count, 1)
        error = self.refused(sdk.BrokenChainError, sdk.AuditLog.verify, "log", head=kept)
        self.assertIn("record 2: it is missing", str(error))
        sdk.AuditLog("log").append("B")
        error = self.refused(sdk.BrokenChainError, sdk.AuditLog.verify, "log", head=kept)
        self.assertIn("record 2: its hash is ", str(error))

    def test_a_broken_log_is_shown_and_continued(self) -> None:
        log = sdk.AuditLog("log")
        before = log.append("a")
        sdk.append_file("log", "2 nonsense\n3 more")
        self.refused(sdk.BrokenChainError, log.append, "b")
        text = sdk.read_file_bytes("log")
        found = sdk.AuditLog.inspect("log")
        self.assertEqual((found.head, found.broken_size, found.breaks), (before, 17, ()))
        log = sdk.AuditLog.continue_broken("log")
        kept = log.head
        self.assertTrue(sdk.read_file_bytes("log").startswith(text))
        end = log.append("b")
        self.assertEqual((kept.count, end.count), (2, 3))
        self.assertEqual(sdk.AuditLog.continue_broken("log").head, end)
        found = sdk.AuditLog.inspect("log")
        self.assertEqual((found.head, found.broken, len(found.breaks)), (end, None, 1))
        self.assertEqual((found.breaks[0].record, found.breaks[0].size), (2, 19))
        error = self.refused(sdk.BrokenChainError, sdk.AuditLog.verify, "log")
        self.assertIn("record 2: its line is not one of an audit log; record 2 says", str(error))
        self.refused(sdk.BrokenChainError, sdk.AuditLog.verify, "log", head=before)
        self.assertEqual(sdk.AuditLog.verify("log", head=kept), end)

    def test_an_append_can_ask_how_the_file_ends(self) -> None:
        end = sdk.append_file_if("log", "one", end=sdk.FileEnd())
        self.refused(sdk.OtherEndError, sdk.append_file_if, "log", "x", end=sdk.FileEnd())
        end = sdk.append_file_if("log", b"two" * 1000, end=end)
        self.assertEqual((end.size, len(end.last_bytes)), (3003, 256))
        wrong = sdk.FileEnd(end.size, b"one" + end.last_bytes[3:])
        self.refused(sdk.OtherEndError, sdk.append_file_if, "log", "x", end=wrong)
        sdk.append_file_if("log", "x", end=end)
        with sdk.open_reader("log") as reader:
            reader.skip(2)
            self.assertEqual(reader.read(4), b"etwo")
            reader.skip(2996)
            self.assertEqual(reader.read(), b"ox")
            reader.skip(9)

    def test_a_payload_has_a_longest_length(self) -> None:
        log = sdk.AuditLog("log")
        log.append(bytes(sdk.AuditLog.MAX_PAYLOAD))
        self.refused(sdk.RecordTooLongError, log.append, bytes(sdk.AuditLog.MAX_PAYLOAD + 1))
        self.assertEqual(sdk.AuditLog.verify("log").count, 1)
