"""Reminders that a daemon watches: both rewrite the same file."""

import json
import time

from src.agent.capability import MatchingCapability
from src.agent.capability_worker import CapabilityWorker
from src.main import AgentWorker

FILE = "reminders.json"


class ReminderCapability(MatchingCapability):
    worker: AgentWorker = None
    capability_worker: CapabilityWorker = None

    #{{register capability}}

    def call(self, worker: AgentWorker):
        self.worker = worker
        self.capability_worker = CapabilityWorker(self)
        self.worker.session_tasks.create(self.run())

    async def load(self):
        if await self.capability_worker.check_if_file_exists(FILE, False):
            try:
                return json.loads(await self.capability_worker.read_file(FILE, False))
            except Exception:
                pass
        return []

    async def save(self, reminders):
        if await self.capability_worker.check_if_file_exists(FILE, False):
            await self.capability_worker.delete_file(FILE, False)
        await self.capability_worker.write_file(FILE, json.dumps(reminders), False)

    async def run(self):
        try:
            await self.capability_worker.speak("What shall I remind you of?")
            while True:
                said = await self.capability_worker.user_response()
                if said.lower().strip() in ("", "stop", "no", "that is all"):
                    break
                reminders = await self.load()
                reminders.append({"text": said, "due": time.time(), "done": False})
                await self.save(reminders)
                await self.capability_worker.speak(f"Noted: {said}.")
        finally:
            await self.capability_worker.speak("All set.")
            self.capability_worker.resume_normal_flow()
