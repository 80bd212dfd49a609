"""The agent that an ability is called by."""

from ability_facade.agent_worker import AgentWorker

__all__ = ["AgentWorker"]
