"""Registers itself, as abilities had to: with what is in `config.json`. Reads a file of
its own folder, and keeps a count under a key."""

import json
import os

from src.agent.capability import MatchingCapability
from src.agent.capability_worker import CapabilityWorker
from src.main import AgentWorker

SCORE_KEY = "quiz_score"


class QuizCapability(MatchingCapability):
    worker: AgentWorker = None
    capability_worker: CapabilityWorker = None
    asked: list = []

    @classmethod
    def register_capability(cls) -> "MatchingCapability":
        with open(
            os.path.join(os.path.dirname(os.path.abspath(__file__)), "config.json")
        ) as file:
            data = json.load(file)
        return cls(
            unique_name=data["unique_name"],
            matching_hotwords=data["matching_hotwords"],
        )

    def call(self, worker: AgentWorker):
        self.worker = worker
        self.capability_worker = CapabilityWorker(self.worker)
        self.worker.session_tasks.create(self.run())

    def save_score(self, score):
        try:
            result = self.capability_worker.create_key(SCORE_KEY, score)
            if not result.get("success"):
                self.capability_worker.update_key(SCORE_KEY, score)
        except Exception as e:
            self.worker.editor_logging_handler.error(f"[Quiz] {e}")

    async def run(self):
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "questions.json")
        with open(path) as file:
            questions = json.load(file)
        if await self.capability_worker.check_if_file_exists("greeting.txt", True):
            greeting = await self.capability_worker.read_file("greeting.txt", True)
            await self.capability_worker.speak(greeting.strip())
        score = self.capability_worker.get_single_key(SCORE_KEY) or {"right": 0, "asked": 0}
        await self.capability_worker.speak(f"{self.unique_name}: {score['right']} right so far.")
        for question in questions:
            answer = await self.capability_worker.run_io_loop(question["question"])
            score["asked"] += 1
            score["right"] += question["answer"] in answer.lower()
            self.save_score(score)
            await self.worker.session_tasks.sleep(0.05)
        await self.capability_worker.speak(f"{score['right']} of {score['asked']}.")
        self.capability_worker.resume_normal_flow()
