"""One conversation: its tasks, its input and its files, from `call` to the end.

Must never end with a delete that is still held back.
"""

import asyncio
import gc
import os
import sys
import traceback
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from ability_facade.files import Files
from ability_facade.key_values import KeyValues
from ability_facade.log import Log
from ability_facade.loop import Loop
from ability_facade.terminal import Terminal

#: For how long tasks may tidy up after the user has hung up.
GRACE = 5.0

#: How often a task may ask on after it was told that nobody is there any more.
PATIENCE = 1000


class Session:
    """What the ability's objects share while it runs."""

    def __init__(
        self,
        arguments: Sequence[str] = (),
        descriptor: int = 0,
        log: Log | None = None,
        seeds: Mapping[str, bytes] | None = None,
    ):
        self.log = log or Log()
        self.files = Files(self.log, seeds)
        self.key_values = KeyValues(self.files)
        #: What was said so far, as the platform shows it.
        self.history: list[dict[str, str]] = []
        self._trigger = " ".join(arguments)
        self._terminal = Terminal(self._hang_up, descriptor)
        self._loop: Loop | None = None
        self._main: asyncio.Task | None = None
        self._tasks: set[asyncio.Task] = set()
        self._asked_in_vain = 0
        self._is_over = False
        self._failed = False

    def run(self, call: Callable[[], Any]) -> int:
        """Calls the ability and runs its tasks until they are done, or the user hangs
        up. Returns the exit code: 1 if a task failed, or the files could not be left
        as the ability was told that they are."""
        self._loop = Loop(self._terminal, self._settle_quietly, self._stuck)
        self._loop.set_exception_handler(self._task_failed)
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._converse(call))
        except SystemExit as exit:
            self._failed |= exit.code not in (None, 0)
        finally:
            self._settle_quietly()
            asyncio.set_event_loop(None)
        # A task that failed is reported when it is forgotten.
        gc.collect()
        sys.stdout.flush()
        return int(self._failed)

    async def _converse(self, call: Callable[[], Any]) -> None:
        self._main = asyncio.current_task()
        try:
            result = call()
            if asyncio.iscoroutine(result):
                self.create_task(result)
        except Exception:
            traceback.print_exc()
            self._failed = True
        hung_up_at = None
        while tasks := asyncio.all_tasks() - {self._main}:
            timeout = None
            if self._is_over:
                hung_up_at = hung_up_at or self._loop.time()
                timeout = hung_up_at + GRACE - self._loop.time()
                if timeout <= 0:
                    self.log.warning(f"{len(tasks)} task(s) did not end when they were cancelled")
                    return
            await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)

    def create_task(self, coroutine: Coroutine) -> asyncio.Task:
        task = asyncio.get_running_loop().create_task(coroutine)
        # The loop itself does not keep a task that waits.
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    def _task_done(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        # `_task_failed` is told of the error only when the task is forgotten.
        if not task.cancelled() and task._exception is not None:
            self.files.take_back()

    async def sleep(self, seconds: float) -> None:
        self.files.settle()
        await asyncio.sleep(seconds)

    async def listen(self) -> str:
        """The next line of the user."""
        self.files.settle()
        said = await self._terminal.line()
        self.history.append({"role": "user", "content": said})
        return said

    async def trigger(self) -> str:
        """The sentence with which the user called the ability: its arguments if it
        was given any, else the next line."""
        if self._trigger:
            said, self._trigger = self._trigger, ""
            self.history.append({"role": "user", "content": said})
            return said
        return await self.listen()

    def speak(self, text: object) -> None:
        print(text, flush=True)
        self.history.append({"role": "assistant", "content": str(text)})

    def resume(self) -> None:
        """The ability gives the conversation back. What tasks it left go on."""
        self.files.settle()

    async def let_others_run(self) -> None:
        if self._loop:
            await self._loop.let_others_run()

    def _hang_up(self) -> None:
        self._is_over = True
        self._asked_in_vain += 1
        if self._asked_in_vain > PATIENCE:
            # It catches its own cancellation and asks again, for ever.
            self._settle_quietly()
            sys.stdout.flush()
            os._exit(int(self._failed))
        for task in asyncio.all_tasks(self._loop) - {self._main}:
            task.cancel()

    def _stuck(self) -> None:
        self.log.warning("every task waits for something that can no longer happen: ending")
        self._hang_up()

    def _settle_quietly(self) -> None:
        """For where no caller can be told. The log is, and the exit code."""
        try:
            self.files.settle()
        except Exception as error:
            self._failed = True
            self.log.error(error)

    def _task_failed(self, loop: asyncio.AbstractEventLoop, context: dict) -> None:
        error = context.get("exception")
        if isinstance(error, asyncio.CancelledError):
            return
        self._failed = True
        if error:
            traceback.print_exception(error)
        else:
            self.log.error(context.get("message", "a task failed"))
