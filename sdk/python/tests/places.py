"""Where the package is, so that its tests run without its being installed.

To be imported first by every test module.
"""

import sys
from pathlib import Path

SDK = Path(__file__).resolve().parents[1]
PROBE = SDK.parents[1] / "tests" / "guests" / "python-probe"

for place in (SDK, PROBE):
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))
