"""Announces the reminders of `main.py` when they are due, once each."""

import json
import time

from src.agent.capability import MatchingCapability
from src.agent.capability_worker import CapabilityWorker
from src.main import AgentWorker

FILE = "reminders.json"
EVERY_SECONDS = 0.2


class ReminderWatch(MatchingCapability):
    worker: AgentWorker = None
    capability_worker: CapabilityWorker = None
    background_daemon_mode: bool = False

    # {{register capability}}

    def call(self, worker: AgentWorker, background_daemon_mode: bool):
        self.worker = worker
        self.background_daemon_mode = background_daemon_mode
        self.capability_worker = CapabilityWorker(self.worker)
        self.worker.session_tasks.create(self.watch())

    async def check(self):
        if not await self.capability_worker.check_if_file_exists(FILE, False):
            return
        reminders = json.loads(await self.capability_worker.read_file(FILE, False))
        due = [r for r in reminders if not r["done"] and r["due"] <= time.time()]
        if not due:
            return
        for reminder in due:
            reminder["done"] = True
        await self.capability_worker.delete_file(FILE, False)
        await self.capability_worker.write_file(FILE, json.dumps(reminders), False)
        await self.capability_worker.send_interrupt_signal()
        for reminder in due:
            await self.capability_worker.speak(f"Reminder: {reminder['text']}")

    async def watch(self):
        while True:
            try:
                await self.check()
            except Exception as e:
                self.worker.editor_logging_handler.error(f"[Watch] {e}")
            await self.worker.session_tasks.sleep(EVERY_SECONDS)
