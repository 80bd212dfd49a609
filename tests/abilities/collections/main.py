"""A journal with a cap and a list of people: each change reads, changes and rewrites."""

import json
from datetime import datetime

from src.agent.capability import MatchingCapability
from src.agent.capability_worker import CapabilityWorker
from src.main import AgentWorker

JOURNAL = "journal.json"
PEOPLE = "people.json"
MAX_ENTRIES = 5
MAX_PEOPLE = 3


class JournalCapability(MatchingCapability):
    worker: AgentWorker = None
    capability_worker: CapabilityWorker = None

    # {{register_capability}}

    def call(self, worker: AgentWorker):
        self.worker = worker
        self.capability_worker = CapabilityWorker(self.worker)
        self.worker.session_tasks.create(self.run())

    async def _load(self, name, default):
        if not await self.capability_worker.check_if_file_exists(name, False):
            return default
        try:
            return json.loads(await self.capability_worker.read_file(name, False))
        except (json.JSONDecodeError, TypeError):
            self.worker.editor_logging_handler.warning(f"{name} is corrupt, starting over")
            return default

    async def _save(self, name, data):
        await self.capability_worker.write_file(name, json.dumps(data, indent=2), False, mode="w")

    async def add_entry(self, text):
        journal = await self._load(JOURNAL, {"entries": []})
        journal["entries"].append({"at": datetime.now().isoformat(), "text": text})
        journal["entries"] = journal["entries"][-MAX_ENTRIES:]
        await self._save(JOURNAL, journal)
        return len(journal["entries"])

    async def add_person(self, name):
        people = await self._load(PEOPLE, [])
        people = [p for p in people if p["name"].lower() != name.lower()]
        people.append({"name": name})
        if len(people) > MAX_PEOPLE:
            people = people[-MAX_PEOPLE:]
        await self._save(PEOPLE, people)
        return [p["name"] for p in people]

    async def run(self):
        said = await self.capability_worker.wait_for_complete_transcription()
        while "stop" not in said.lower():
            if said.lower().startswith("met "):
                names = await self.add_person(said[4:].strip())
                await self.capability_worker.speak("You know " + ", ".join(names) + ".")
            elif said.strip():
                count = await self.add_entry(said.strip())
                await self.capability_worker.speak(f"{count} entries.")
            said = await self.capability_worker.user_response()
        self.capability_worker.resume_normal_flow()
