"""What the host runs of an ability: `run` calls the `main()` of its `main.py`.

This module is imported while the ability is built, and `main` with it. What the top
level of a module leaves is kept in the component; nothing of it runs at a start.
"""

from componentize_py_types import Err
from wit_world import exports

from ability_storage import _entry

with _entry.building():
    import main

    _entry.prepare()


class Run(exports.Run):
    """The export `wasi:cli/run`."""

    def run(self) -> None:
        """Runs the ability once, from start to end."""
        if _entry.run(lambda: main.main) != 0:
            raise Err(None)
