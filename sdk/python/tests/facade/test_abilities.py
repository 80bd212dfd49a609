"""The abilities of tests/abilities hold their conversations, in memory.

Those with a daemon need two processes, and are left to the end-to-end tests; here their
daemons run alone.
"""

import builtins
import contextlib
import io
import os
import shutil
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

from ability_facade.files import Files
from ability_facade.session import Session
from ability_facade.startup import Ability
from ability_storage import sdk
from ability_storage.testing import MemoryStorage
from facade import ABILITIES, SDK
from facade.conversation import Run, parse, play
from facade.support import Remembered


class InMemory:
    """Runs an ability in this process. Each run is a session of its own."""

    def __init__(self, directory: Path, storage: MemoryStorage):
        self._storage = storage
        self._directory = directory

    def run(self, arguments, said, module="main", seconds=None):
        with contextlib.ExitStack() as stack:
            stack.enter_context(surroundings(self._directory))
            ability = Ability(module)
            read_end, write_end = os.pipe()
            os.write(write_end, said.encode())
            if seconds is None:
                os.close(write_end)
            out, err = io.StringIO(), io.StringIO()
            stack.enter_context(contextlib.redirect_stdout(out))
            stack.enter_context(contextlib.redirect_stderr(err))
            stack.enter_context(mock.patch.object(sys, "argv", ["ability", *arguments]))

            def session(arguments, seeds):
                session = Session(arguments, read_end, seeds=seeds)
                if seconds is not None:
                    converse = session._converse

                    async def and_hang_up(call):
                        session._loop.call_later(seconds, session._hang_up)
                        await converse(call)

                    session._converse = and_hang_up
                return session

            with mock.patch("ability_facade.startup.Session", session):
                code = ability.run(*([True] if module == "background" else []))
            os.close(read_end)
        return Run(code, out.getvalue().splitlines(), err.getvalue())

    def files(self):
        return self._storage.files(in_ability_directory=False)

    def put(self, path, contents):
        sdk.atomic_write_file(path, contents, False)

    def remove(self, path):
        sdk.delete_file(path, False)


@contextlib.contextmanager
def surroundings(directory: Path):
    """As in a component of its own: no module of another ability, and what the start
    of an ability changes is put back."""
    modules = dict(sys.modules)
    before = (builtins.open, io.open, os.path.exists, os.path.isfile, os.path.isdir, time.sleep)
    places = [str(directory), str(SDK / "facade" / "stand_ins")]
    for name in ("main", "background", "requests", "httpx"):
        sys.modules.pop(name, None)
    sys.path[:0] = places
    sys.dont_write_bytecode, bytecode = True, sys.dont_write_bytecode
    try:
        # What it imports beforehand is there at run time in any case.
        with mock.patch("ability_storage._entry.prepare"):
            yield
    finally:
        sys.dont_write_bytecode = bytecode
        del sys.path[:2]
        (builtins.open, io.open, os.path.exists, os.path.isfile, os.path.isdir, sleep) = before
        for module in list(sys.modules.values()):
            if getattr(getattr(module, "sleep", None), "__name__", "") == "settle_and_sleep":
                module.sleep = sleep
        for name in set(sys.modules) - set(modules):
            if name.split(".")[0] in ("main", "background", "requests", "httpx"):
                del sys.modules[name]


class Abilities(unittest.TestCase):
    def test_conversations(self):
        played = 0
        for directory in sorted(path for path in ABILITIES.iterdir() if path.is_dir()):
            conversation = directory / "conversation.txt"
            if not conversation.exists():
                continue
            if any(line.word == "start" for line in parse(conversation.read_text())):
                continue
            with self.subTest(directory.name), MemoryStorage() as storage:
                play(conversation, InMemory(directory, storage))
            played += 1
        self.assertGreaterEqual(played, 7)

    def test_each_ability_has_a_conversation(self):
        for main in ABILITIES.glob("*/main.py"):
            self.assertTrue(parse(main.with_name("conversation.txt").read_text()), main)

    def test_a_wrong_answer_is_found_out(self):
        with tempfile.TemporaryDirectory() as place, MemoryStorage() as storage:
            directory = shutil.copytree(ABILITIES / "collections", Path(place) / "collections")
            conversation = directory / "conversation.txt"
            text = conversation.read_text()
            for wrong in (text.replace("2 entries", "3 entries"), text.replace("exit 0", "exit 1"),
                          text.replace("only journal", "only"), text.replace("Grace\"}", "G\"}")):
                self.assertNotEqual(wrong, text)
                conversation.write_text(wrong)
                with self.assertRaises(AssertionError), MemoryStorage() as storage:
                    play(conversation, InMemory(directory, storage))

    def test_daemons_run_until_they_are_stopped(self):
        for name, expected in (("ambient-markdown", "ambient_context.md"), ("shared", None)):
            with MemoryStorage() as storage:
                run = InMemory(ABILITIES / name, storage).run([], "", "background", seconds=0.3)
                self.assertEqual((run.exit_code, run.said, run.log), (0, [], ""))
                files = storage.files(in_ability_directory=False)
                self.assertEqual(list(files), [expected] if expected else [])


class Registration(unittest.TestCase):
    def ability(self, text: str, **files: str):
        place = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (place / "main.py").write_text(
            "from src.agent.capability import MatchingCapability\n" + text)
        for name, contents in files.items():
            (place / f"{name}.json").write_text(contents)
        self.enterContext(surroundings(place))
        return Ability("main")

    def test_fields(self):
        ability = self.ability(
            "class A(MatchingCapability):\n"
            "    words: list = []\n"
            "    count: int = 3\n"
            "    lock: object = __import__('threading').Lock()\n"
            "    note: 'Undefined' = None\n"
            "class B(A):\n"
            "    more: dict = {}\n",
            config='\ufeff{"unique_name": "b", "matching_hotwords": ["x"]}\n',
        )
        made = ability._capability
        self.assertEqual((made.unique_name, made.matching_hotwords), ("b", ["x"]))
        self.assertEqual((made.words, made.count, made.more, made.note), ([], 3, {}, None))
        self.assertIsNot(made.words, type(made).words)

    def test_without_a_config(self):
        self.assertTrue(self.ability("class A(MatchingCapability): pass")._capability.unique_name)

    def test_an_imported_base_is_not_the_ability(self):
        with self.assertRaisesRegex(TypeError, "it has none"):
            self.ability("")

    def test_two_classes_are_one_too_many(self):
        with self.assertRaisesRegex(TypeError, "it has A, B"):
            self.ability("class A(MatchingCapability): pass\nclass B(MatchingCapability): pass")

    def test_storage_at_the_top_level_is_refused(self):
        with MemoryStorage(), self.assertRaisesRegex(RuntimeError, "while the ability is built"):
            self.ability("from ability_storage import sdk\nsdk.read_file('x')")

    def test_no_call(self):
        ability = self.ability("class A(MatchingCapability): pass")
        err = io.StringIO()
        with MemoryStorage(), contextlib.redirect_stderr(err):
            self.assertEqual(ability.run(), 1)
        self.assertIn("A has no method `call`", err.getvalue())


class Bundled(unittest.TestCase):
    def setUp(self):
        self.place = Path(self.enterContext(tempfile.TemporaryDirectory())).resolve() / "ability"
        (self.place / "data").mkdir(parents=True)
        (self.place / "data" / "words.txt").write_text("eins\nzwei\n", encoding="utf-8")
        (self.place / "main.py").write_text("")
        (self.place / ".hidden").write_text("secret")
        # What `ability run --root` has put there.
        (self.place / "root" / "user" / ".ability-storage").mkdir(parents=True)
        (self.place / "root" / "user" / "diary.txt").write_text("secret")
        from ability_facade.bundled import BundledFiles

        self.files = BundledFiles(str(self.place))
        shutil.rmtree(self.place)
        self.enterContext(surroundings(self.place))
        self.files.install()

    def test_they_can_be_read(self):
        path = self.place / "data" / "words.txt"
        with open(path) as file:
            self.assertEqual(file.read(), "eins\nzwei\n")
        with open(str(path), "rb") as file:
            self.assertEqual(file.readline(), b"eins\n")
        with open(os.path.join(self.place, "data", "..", "data", "words.txt"),
                  encoding="utf-8") as file:
            self.assertEqual(file.readlines(), ["eins\n", "zwei\n"])
        self.assertEqual(path.read_text(), "eins\nzwei\n")
        self.assertTrue(os.path.exists(path) and os.path.isfile(path))
        self.assertTrue(os.path.isdir(self.place / "data"))

    def test_what_is_not_data_is_not_there(self):
        for name in ("main.py", ".hidden", "absent.txt", "root/user/diary.txt"):
            self.assertFalse(os.path.exists(self.place / name))
            with self.assertRaises(FileNotFoundError):
                open(self.place / name)

    def test_they_cannot_be_written(self):
        for mode in ("w", "a", "r+"):
            with self.assertRaisesRegex(OSError, "use write_file"):
                open(self.place / "data" / "words.txt", mode)

    def test_they_are_in_the_directory_of_the_ability(self):
        seeds = self.files.by_relative_path()
        self.assertEqual(seeds, {"data/words.txt": b"eins\nzwei\n"})
        with MemoryStorage() as storage:
            path = "data/words.txt"
            files = Files(Remembered(), seeds)
            self.assertEqual(files.read(path, True), "eins\nzwei\n")
            self.assertFalse(files.exists(path))
            files.delete(path, True)
            self.assertFalse(files.exists(path, True))

            files = Files(Remembered(), seeds)
            files.write(path, "drei\n", True)
            self.assertEqual(files.read(path, True), "eins\nzwei\ndrei\n")
            files.write(path, "vier\n", True)
            self.assertEqual(storage.files(), {path: b"eins\nzwei\ndrei\nvier\n"})
            files.delete(path, True)
            self.assertFalse(files.exists(path, True))
            files.write(path, "neu", True)
            files = Files(Remembered(), seeds)
            self.assertEqual(files.read(path, True), "neu")

    def test_too_much_is_refused(self):
        from ability_facade import bundled

        (self.place).mkdir()
        (self.place / "big.bin").write_bytes(b"12345")
        with mock.patch.object(bundled, "LIMIT", 4), self.assertRaisesRegex(ValueError, "big.bin"):
            bundled.BundledFiles(str(self.place))


if __name__ == "__main__":
    unittest.main()
