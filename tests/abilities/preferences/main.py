"""Remembers a few preferences. Saves by deleting the file and writing it anew."""

import json

from src.agent.capability import MatchingCapability
from src.agent.capability_worker import CapabilityWorker
from src.main import AgentWorker

PREFS_FILE = "user_prefs.json"
DEFAULTS = {"name": "", "city": "London", "units": "metric", "visits": 0}
EXIT_WORDS = {"stop", "exit", "quit", "done", "bye"}


class PreferencesCapability(MatchingCapability):
    worker: AgentWorker = None
    capability_worker: CapabilityWorker = None
    prefs: dict = {}

    #{{register capability}}

    def call(self, worker: AgentWorker):
        self.worker = worker
        self.capability_worker = CapabilityWorker(self)
        self.worker.session_tasks.create(self.run())

    async def load_prefs(self) -> dict:
        try:
            if await self.capability_worker.check_if_file_exists(PREFS_FILE, False):
                raw = await self.capability_worker.read_file(PREFS_FILE, False)
                return {**DEFAULTS, **json.loads(raw)}
        except Exception as e:
            self.worker.editor_logging_handler.error(f"[Prefs] could not load: {e}")
        return dict(DEFAULTS)

    async def save_prefs(self):
        try:
            if await self.capability_worker.check_if_file_exists(PREFS_FILE, False):
                await self.capability_worker.delete_file(PREFS_FILE, False)
            await self.capability_worker.write_file(PREFS_FILE, json.dumps(self.prefs), False)
        except Exception as e:
            self.worker.editor_logging_handler.error(f"[Prefs] could not save: {e}")

    async def run(self):
        try:
            self.prefs = await self.load_prefs()
            self.prefs["visits"] += 1
            await self.save_prefs()
            if self.prefs["name"]:
                await self.capability_worker.speak(f"Welcome back, {self.prefs['name']}.")
            else:
                name = await self.capability_worker.run_io_loop("What should I call you?")
                self.prefs["name"] = name.strip() or "friend"
                await self.save_prefs()
            while True:
                said = await self.capability_worker.run_io_loop("What shall I change?")
                words = said.lower().split()
                if not words:
                    continue
                if EXIT_WORDS & set(words):
                    break
                if "forget" in words:
                    if await self.capability_worker.run_confirmation_loop("Forget everything?"):
                        await self.capability_worker.delete_file(PREFS_FILE, False)
                        await self.capability_worker.speak("All forgotten.")
                        return
                    continue
                if words[0] == "city" and len(words) > 1:
                    self.prefs["city"] = said.split(None, 1)[1]
                    await self.save_prefs()
                    await self.capability_worker.speak(f"Your city is {self.prefs['city']}.")
                else:
                    await self.capability_worker.speak("I can change your city.")
            await self.capability_worker.speak("Bye.")
        except Exception as e:
            self.worker.editor_logging_handler.error(f"[Prefs] {e}")
            await self.capability_worker.speak("Something went wrong.")
        finally:
            self.capability_worker.resume_normal_flow()
