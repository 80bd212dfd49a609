"""Writes what is going on into a Markdown file, ten times a second, mostly the same."""

from src.agent.capability import MatchingCapability
from src.agent.capability_worker import CapabilityWorker
from src.main import AgentWorker

FILE = "ambient_context.md"


class AmbientWatch(MatchingCapability):
    worker: AgentWorker = None
    capability_worker: CapabilityWorker = None
    background_daemon_mode: bool = False
    turn: int = 0

    #{{register capability}}

    def call(self, worker: AgentWorker, background_daemon_mode: bool):
        self.worker = worker
        self.background_daemon_mode = background_daemon_mode
        self.capability_worker = CapabilityWorker(self)
        self.worker.session_tasks.create(self.loop())

    async def loop(self):
        while True:
            try:
                self.turn += 1
                mood = "calm" if self.turn < 5 else "focused"
                text = "## Emotional State\n- Current: " + mood + "\n" + "- Still listening.\n" * 20
                if await self.capability_worker.check_if_file_exists(FILE, False):
                    await self.capability_worker.delete_file(FILE, False)
                await self.capability_worker.write_file(FILE, text, False)
            except Exception as e:
                self.worker.editor_logging_handler.error(f"[Ambient] {e}")
            await self.worker.session_tasks.sleep(0.1)
