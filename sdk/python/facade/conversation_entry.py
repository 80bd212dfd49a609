"""Entry of an ability that was written for the platform: its `main.py`.

`ability build` makes a component of this module for the world `conversation`.
"""

from componentize_py_types import Err
from wit_world import exports

from ability_facade.startup import Ability

ABILITY = Ability("main")


class Run(exports.Run):
    def run(self) -> None:
        if ABILITY.run():
            raise Err(None)
