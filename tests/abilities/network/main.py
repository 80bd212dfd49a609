"""Asks two services, and says so if they cannot be reached."""

import asyncio

import httpx
import requests
from requests.exceptions import ConnectionError, RequestException

from src.agent.capability import MatchingCapability
from src.agent.capability_worker import CapabilityWorker
from src.main import AgentWorker

CACHE = "weather_cache.json"


class WeatherCapability(MatchingCapability):
    worker: AgentWorker = None
    capability_worker: CapabilityWorker = None

    #{{register capability}}

    def call(self, worker: AgentWorker):
        self.worker = worker
        self.capability_worker = CapabilityWorker(self)
        self.worker.session_tasks.create(self.run())

    def weather(self, city):
        try:
            response = requests.get(f"https://weather.example/{city}", timeout=5)
            response.raise_for_status()
            return response.json()["text"]
        except ConnectionError as e:
            self.worker.editor_logging_handler.error(f"[Weather] {e}")
            return None
        except RequestException:
            return "confusing"

    async def news(self):
        async with httpx.AsyncClient(timeout=5.0) as client:
            try:
                return (await client.get("https://news.example")).text
            except httpx.HTTPError as e:
                return f"no news ({type(e).__name__})"

    async def run(self):
        city = await self.capability_worker.run_io_loop("Which city?")
        found = await asyncio.to_thread(self.weather, city)
        await self.capability_worker.speak(f"The weather in {city} is {found or 'unknown'}.")
        await self.capability_worker.speak(await self.news())
        advice = self.capability_worker.text_to_text_response(f"What to wear in {city}?")
        await self.capability_worker.speak(advice or "Wear what you like.")
        self.capability_worker.resume_normal_flow()
