"""Standard input, line by line, without blocking the other tasks.

Reads the file descriptor itself: `sys.stdin` has a buffer of its own, and what is in
there, `select` does not see.
"""

import asyncio
import os
import select
from collections import deque
from collections.abc import Callable


class Terminal:
    """The lines that the user says."""

    def __init__(self, hang_up: Callable[[], None], descriptor: int = 0):
        self._hang_up = hang_up
        self._descriptor = descriptor
        self._lines: deque[str] = deque()
        self._waiting: deque[asyncio.Future[str]] = deque()
        self._rest = b""
        self._ended = False

    @property
    def is_wanted(self) -> bool:
        """Whether some task waits for a line."""
        self._drop_done()
        return bool(self._waiting)

    async def line(self) -> str:
        """The next line, without its line feed. At the end of the input the user has
        hung up: every task is cancelled, and so is this call."""
        if self._lines:
            return self._lines.popleft()
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        if self._ended:
            self._hang_up()
        return await answer

    def wait(self, timeout: float | None) -> None:
        """Waits for input, at most `timeout` seconds, and hands on what came."""
        ready, _, _ = select.select([self._descriptor], [], [], timeout)
        if ready:
            self._take(os.read(self._descriptor, 65536))

    def _take(self, data: bytes) -> None:
        if data:
            *lines, self._rest = (self._rest + data).split(b"\n")
        else:
            self._ended = True
            lines = [self._rest] if self._rest else []
            self._rest = b""
        self._lines.extend(line.decode(errors="replace").removesuffix("\r") for line in lines)
        while self._lines and self.is_wanted:
            self._waiting.popleft().set_result(self._lines.popleft())
        if self._ended and self.is_wanted:
            self._hang_up()

    def _drop_done(self) -> None:
        # A task that waits with a time-out leaves a future behind that is done.
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft()
