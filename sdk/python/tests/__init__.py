"""Tests of the Python SDK under an ordinary Python."""

import sys
from pathlib import Path

# Without being installed.
sys.path.insert(0, str(Path(__file__).parent.parent))
