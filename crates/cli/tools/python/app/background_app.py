"""What componentize-py makes a component of: the background.py of an ability for the old API."""

from background_entry import Run

import ability_later

__all__ = ["Run"]

ability_later.remember()
