"""Keeps a log of what was done, a line each, and reads the last ones out."""

from datetime import datetime

from src.agent.capability import MatchingCapability
from src.agent.capability_worker import CapabilityWorker
from src.main import AgentWorker

LOG = "activity.log"


class ActivityCapability(MatchingCapability):
    worker: AgentWorker = None
    capability_worker: CapabilityWorker = None

    #{{register capability}}

    def call(self, worker: AgentWorker):
        self.worker = worker
        self.capability_worker = CapabilityWorker(self)
        self.worker.session_tasks.create(self.run())

    async def log(self, event):
        line = f"{datetime.now().strftime('%Y-%m-%d %H:%M')} {event}\n"
        await self.capability_worker.write_file(LOG, line, False)

    async def run(self):
        await self.log("session started")
        while True:
            said = await self.capability_worker.user_response()
            if "exit" in said.lower():
                break
            if "recent" in said.lower():
                lines = (await self.capability_worker.read_file(LOG, False)).splitlines()
                for line in lines[-3:]:
                    await self.capability_worker.speak(line.split(" ", 2)[2])
            else:
                await self.log(said)
        await self.log("session ended")
        self.capability_worker.resume_normal_flow()
