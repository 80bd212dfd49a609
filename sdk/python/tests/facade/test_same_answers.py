"""An ability cannot tell that its deletes are held back: over random calls, the answers
and the files are those of an implementation that holds nothing back."""

import os
import random
import unittest

from ability_storage import errors, sdk
from ability_storage.testing import MemoryStorage
from facade.support import new_files, user_files

RUNS = int(os.environ.get("FACADE_RUNS", "400"))
CALLS = 60


class Direct:
    """The platform's calls, each done at once."""

    def exists(self, path):
        return sdk.check_if_file_exists(path, False)

    def read(self, path):
        return sdk.read_file(path, False)

    def names(self):
        return sdk.list_files("", False)

    def write(self, path, content, mode):
        if mode == "w":
            sdk.atomic_write_file(path, content, False)
        else:
            sdk.append_file(path, content, False)

    def delete(self, path):
        sdk.delete_file(path, False)

    def settle(self):
        pass


def answer(files, call, *arguments):
    """What the call returns or raises."""
    try:
        if call == "write":
            path, content, mode = arguments
            return files.write(path, content, mode=mode)
        return getattr(files, call)(*arguments)
    except errors.StorageError as error:
        return type(error), error.path


def random_call(chance, paths):
    call = chance.choices(
        ["exists", "read", "names", "write", "delete", "settle"], [3, 3, 1, 6, 5, 1]
    )[0]
    if call in ("names", "settle"):
        return (call,)
    path = chance.choice(paths)
    if call != "write":
        return call, path
    mode = chance.choice(["w", "a+"])
    # Documents in a row are shown as the last one, which is another promise.
    content = str(chance.randrange(10)) if path.endswith(".json") else chance.choice("abc\n")
    return call, path, content, mode


class SameAnswers(unittest.TestCase):
    def play(self, seed, paths, sessions):
        chance = random.Random(seed)
        held, direct = MemoryStorage(), MemoryStorage()
        files, plain, played = new_files(), Direct(), []
        for _ in range(CALLS):
            if sessions and chance.random() < 0.05:
                with held:
                    files.settle()
                files = new_files()
                played.append("-- new session")
            call = random_call(chance, paths)
            played.append(call)
            with direct:
                expected = answer(plain, *call)
            with held:
                found = answer(files, *call)
            self.assertEqual(found, expected, f"seed {seed}: {played}")
        with held:
            files.settle()
        self.assertEqual(user_files(held), user_files(direct), f"seed {seed}: {played}")

    def test_in_one_session(self):
        paths = ["x.json", "x_tmp.json", "y.txt", "y.txt.tmp", "y.txt.backup", "no/../path"]
        for seed in range(RUNS):
            self.play(seed, paths, sessions=False)

    def test_over_several_sessions(self):
        for seed in range(RUNS):
            self.play(seed, ["x.json", "y.txt", "z.log"], sessions=True)


if __name__ == "__main__":
    unittest.main()
