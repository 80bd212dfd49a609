"""A common mistake: `write_file` adds to the end unless it is told otherwise, so that
each save puts another document behind the last one."""

import json

from src.agent.capability import MatchingCapability
from src.agent.capability_worker import CapabilityWorker
from src.main import AgentWorker

FILE = "moods.json"


class MoodCapability(MatchingCapability):
    worker: AgentWorker = None
    capability_worker: CapabilityWorker = None

    #{{register capability}}

    def call(self, worker: AgentWorker):
        self.worker = worker
        self.capability_worker = CapabilityWorker(self)
        self.worker.session_tasks.create(self.run())

    async def run(self):
        moods = {"moods": []}
        if await self.capability_worker.check_if_file_exists(FILE, False):
            raw = await self.capability_worker.read_file(FILE, False)
            try:
                moods = json.loads(raw)
            except json.JSONDecodeError:
                await self.capability_worker.speak("I could not read your moods.")
        said = await self.capability_worker.run_io_loop("How are you?")
        while said and said != "bye":
            moods["moods"].append(said)
            await self.capability_worker.write_file(FILE, json.dumps(moods), False)
            said = await self.capability_worker.run_io_loop(f"{len(moods['moods'])} moods. And now?")
        self.capability_worker.resume_normal_flow()
