"""What an ability derives its class from."""

from ability_facade.capability import MatchingCapability

__all__ = ["MatchingCapability"]
