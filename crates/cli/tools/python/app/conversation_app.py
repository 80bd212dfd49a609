"""What componentize-py makes a component of: an ability for the old API."""

from conversation_entry import Run

import ability_later

__all__ = ["Run"]

ability_later.remember()
