"""Tests of the facade, under an ordinary Python and on storage in memory.

`python3 -m unittest discover -s sdk/python/tests/facade -t sdk/python/tests`
"""

import sys
from pathlib import Path

SDK = Path(__file__).resolve().parents[2]
ABILITIES = SDK.parents[1] / "tests" / "abilities"

for place in (SDK, SDK / "facade"):
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))
