"""Entry of the daemon of an ability that was written for the platform: its
`background.py`, which runs until it is stopped or its tasks end.

`ability build` makes a second component of this module, for the world `conversation`.
"""

from componentize_py_types import Err
from wit_world import exports

from ability_facade.startup import Ability

ABILITY = Ability("background")


class Run(exports.Run):
    def run(self) -> None:
        if ABILITY.run(True):
            raise Err(None)
