"""An event loop for the sandbox, in which there are no sockets and no threads.

Waits with `select` on standard input alone, so that session tasks and sleeps go on
while another task waits for the user.
"""

import asyncio
import select
import time
from collections.abc import Callable
from typing import Any

from ability_facade.terminal import Terminal

#: For how long a task may keep the others from running before a file call lets them.
FAIR_SHARE = 0.05


class Loop(asyncio.base_events.BaseEventLoop):
    """Call `before_waiting` each time that nothing is left to do but to wait, and
    `stuck` when no task can ever go on."""

    def __init__(
        self,
        terminal: Terminal,
        before_waiting: Callable[[], None],
        stuck: Callable[[], None],
    ):
        super().__init__()
        self._terminal = terminal
        self._before_waiting = before_waiting
        self._stuck = stuck
        self._last_turn = time.monotonic()
        # The base class waits with `self._selector.select`.
        self._selector = self

    def select(self, timeout: float | None) -> list:
        """One wait of the loop. Answers no events: who waits is told directly."""
        waits = timeout is None or timeout > 0
        if waits:
            self._before_waiting()
        if self._terminal.is_wanted:
            self._terminal.wait(timeout)
        elif timeout is None:
            self._stuck()
        elif waits:
            select.select([], [], [], timeout)
        self._last_turn = time.monotonic()
        return []

    async def let_others_run(self) -> None:
        """Gives the other tasks a turn, if they have waited for one for long: file
        calls do not wait for anything here, so that a loop around them would not."""
        if time.monotonic() - self._last_turn > FAIR_SHARE:
            await asyncio.sleep(0)

    def run_in_executor(self, executor: Any, func: Callable, *args: Any) -> asyncio.Future:
        """Runs it at once, for there are no threads. `asyncio.to_thread` ends here."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def _process_events(self, event_list: list) -> None:
        pass

    def _write_to_self(self) -> None:
        pass
