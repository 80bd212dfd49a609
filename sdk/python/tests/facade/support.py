"""What the tests share: a log that remembers, a storage that dies, and a session that is
talked to through a pipe."""

import contextlib
import io
import os
from collections.abc import Callable
from typing import Any

from ability_facade.agent_worker import AgentWorker
from ability_facade.capability_worker import CapabilityWorker
from ability_facade.files import Files
from ability_facade.log import Log
from ability_facade.names import is_hidden
from ability_facade.session import Session
from ability_storage import _host
from ability_storage.testing import MemoryStorage


class Remembered(Log):
    """A log that is kept instead of printed."""

    def __init__(self):
        self.lines: list[str] = []

    def _line(self, level: str, message: object, args: tuple) -> None:
        text = str(message) % args if args else str(message)
        self.lines.append(f"[{level}] {text}")

    def __str__(self) -> str:
        return "\n".join(self.lines)


class Killed(BaseException):
    """The process is killed: nothing after this happens."""


class Mortal:
    """A storage whose user is killed at its `n`-th call: before the call has any effect,
    or after it."""

    def __init__(self, storage: MemoryStorage, n: int, after: bool):
        self._storage = storage
        self._left = n
        self._after = after

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._storage, name)

        def counted(*arguments: Any) -> Any:
            self._left -= 1
            if self._left < 0 or (self._left == 0 and not self._after):
                raise Killed
            result = call(*arguments)
            if self._left == 0:
                raise Killed
            return result

        return counted


@contextlib.contextmanager
def kill_at(storage: MemoryStorage, n: int, after: bool):
    """For the block, the user of the storage dies at the `n`-th call."""
    before = _host.install(Mortal(storage, n, after))
    try:
        yield
    finally:
        _host.install(before)


def new_files() -> Files:
    """The files of a new session."""
    return Files(Remembered())


def user_files(storage: MemoryStorage) -> dict[str, str]:
    """What the user has, without what is the facade's own."""
    files = storage.files(in_ability_directory=False)
    return {path: data.decode() for path, data in files.items() if not is_hidden(path)}


class Conversation:
    """A session that ran, and what came of it."""

    def __init__(self, run: Callable[[CapabilityWorker, AgentWorker], Any], said: str = "",
                 arguments: list[str] = (), keep_open: bool = False, prepare: Callable = None):
        read_end, write_end = os.pipe()
        os.write(write_end, said.encode())
        if not keep_open:
            os.close(write_end)
        self.log = Remembered()
        self.session = Session(arguments, read_end, self.log)
        self.worker = AgentWorker(self.session)
        self.capability_worker = CapabilityWorker(self.worker)
        if prepare:
            prepare(self)
        out, err = io.StringIO(), io.StringIO()
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                self.exit_code = self.session.run(lambda: self._call(run))
        finally:
            os.close(read_end)
            if keep_open:
                os.close(write_end)
        self.said = out.getvalue().splitlines()
        self.errors = err.getvalue()

    def _call(self, run: Callable) -> None:
        self.worker.session_tasks.create(run(self.capability_worker, self.worker))
