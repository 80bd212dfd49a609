"""What an ability calls to talk, to listen and to keep files."""

from ability_facade.capability_worker import CapabilityWorker

__all__ = ["CapabilityWorker"]
