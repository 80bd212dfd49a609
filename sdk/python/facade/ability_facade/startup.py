"""What the two entries share: finding the ability while the component is built, and
running it each time that the component is started.

The top level of an ability's modules, and `register_capability`, run at build time:
only then can its folder be read. What they make is in the component.
"""

import importlib
import os
import sys
import time
from typing import Any

from ability_facade import time_zones
from ability_facade.agent_worker import AgentWorker
from ability_facade.bundled import BundledFiles
from ability_facade.capability import MatchingCapability
from ability_facade.session import Session
from ability_storage import _entry


class Ability:
    """An ability as it is registered, with the files that lie beside it."""

    def __init__(self, module_name: str):
        time_zones.keep()
        with _entry.building():
            module = importlib.import_module(module_name)
            self._capability = _find(module).register_capability()
        _entry.prepare()
        if not isinstance(self._capability, MatchingCapability):
            raise TypeError(f"register_capability in {module.__file__} must return the ability")
        self._bundled = BundledFiles(os.path.dirname(os.path.abspath(module.__file__)))

    def run(self, *more: Any) -> int:
        """Holds the conversation. `more` is what `call` gets after the worker.
        Returns the exit code."""
        _entry.start()
        self._bundled.install()
        session = Session(sys.argv[1:], seeds=self._bundled.by_relative_path())
        _settle_before_sleeping(session)
        worker = AgentWorker(session)
        return session.run(lambda: self._capability.call(worker, *more))


def _find(module: Any) -> type[MatchingCapability]:
    """The class of the ability: of several, the one that no other derives from."""
    found = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, MatchingCapability)
        and kind.__module__ == module.__name__
    ]
    found = [
        kind for kind in found if not any(k is not kind and issubclass(k, kind) for k in found)
    ]
    if len(found) != 1:
        names = ", ".join(kind.__name__ for kind in found) or "none"
        raise TypeError(
            f"{module.__file__} must have one class that derives from MatchingCapability;"
            f" it has {names}"
        )
    return found[0]


def _settle_before_sleeping(session: Session) -> None:
    """`time.sleep` blocks all tasks, and the loop does not see it coming. Modules that
    said `from time import sleep` hold the function itself."""
    sleep = time.sleep

    def settle_and_sleep(seconds: float) -> None:
        session.files.settle()
        sleep(seconds)

    time.sleep = settle_and_sleep
    for module in list(sys.modules.values()):
        # A module may have given it another name: `from time import sleep as wait`.
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if value is sleep:
                setattr(module, name, settle_and_sleep)
