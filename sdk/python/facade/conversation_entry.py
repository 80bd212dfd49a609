"""Entry of an ability that was written for the platform: its `main.py`.

`ability build` makes a component of this module for the world `conversation`.
"""

from ability_facade.startup import Ability
from componentize_py_types import Err
from wit_world import exports

ABILITY = Ability("main")


class Run(exports.Run):
    def run(self) -> None:
        if ABILITY.run():
            raise Err(None)
