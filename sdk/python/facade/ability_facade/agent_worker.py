"""The agent that an ability is called by: tasks, log and the user's connection."""

from collections.abc import Coroutine
from typing import Any

from ability_facade.harmless import not_provided
from ability_facade.session import Session


class SessionTasks:
    """Tasks that end with the session."""

    def __init__(self, session: Session):
        self._session = session

    def create(self, coroutine: Coroutine) -> Any:
        """Starts a task."""
        return self._session.create_task(coroutine)

    async def sleep(self, seconds: float) -> None:
        """Lets the other tasks run for so long."""
        await self._session.sleep(seconds)

    def __getattr__(self, name: str) -> Any:
        raise not_provided("session_tasks", name)


class _Event:
    """Remembers that it was set; nothing waits for it here."""

    def __init__(self):
        self._is_set = False

    def set(self) -> None:
        self._is_set = True

    def clear(self) -> None:
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set


class _Client:
    #: There is no connection, and no address that says where the user is.
    host = "127.0.0.1"
    port = 0


class _Socket:
    client = _Client()


class _Memory:
    """What the agent remembers of the conversation."""

    def __init__(self, session: Session):
        #: As `get_full_message_history`, which took its place.
        self.full_message_history = session.history


class AgentWorker:
    """What `call` gets as `worker`."""

    def __init__(self, session: Session):
        self.session = session
        self.session_tasks = SessionTasks(session)
        self.editor_logging_handler = session.log
        self.music_mode_event = _Event()
        self.user_socket = _Socket()
        self.agent_memory = _Memory(session)

    def __getattr__(self, name: str) -> Any:
        raise not_provided("AgentWorker", name)
