"""Shows what the daemon has noted."""

from src.agent.capability import MatchingCapability
from src.agent.capability_worker import CapabilityWorker
from src.main import AgentWorker


class AmbientCapability(MatchingCapability):
    worker: AgentWorker = None
    capability_worker: CapabilityWorker = None

    #{{register capability}}

    def call(self, worker: AgentWorker):
        self.worker = worker
        self.capability_worker = CapabilityWorker(self)
        self.worker.session_tasks.create(self.run())

    async def run(self):
        names = await self.capability_worker.get_user_data_file_names()
        for name in [n for n in names if n.endswith(".md")]:
            await self.capability_worker.speak(name)
            text = await self.capability_worker.read_file(name, False)
            await self.capability_worker.speak(text.strip())
        if not names:
            await self.capability_worker.speak("Nothing yet.")
        self.capability_worker.resume_normal_flow()
