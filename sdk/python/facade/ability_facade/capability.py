"""What an ability derives its class from."""

import copy
import json
import os
import sys
from typing import Any


class MatchingCapability:
    """An ability. Its annotated class attributes are its fields; each instance has
    its own copy of their defaults."""

    unique_name: str = ""
    matching_hotwords: list = []

    def __init__(self, **fields: Any):
        for kind in reversed(type(self).__mro__):
            for name in kind.__dict__.get("__annotations__", None) or _annotated(kind):
                if name in kind.__dict__:
                    setattr(self, name, _copy(kind.__dict__[name]))
        for name, value in fields.items():
            setattr(self, name, value)

    @classmethod
    def register_capability(cls) -> "MatchingCapability":
        """What the platform generates in the place of the comment
        `#{{register capability}}`: the ability with the name and the words that are
        in `config.json` beside its module."""
        folder = os.path.dirname(os.path.abspath(sys.modules[cls.__module__].__file__))
        try:
            with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
                # Some editors begin a file with a byte order mark.
                config = json.loads(file.read().removeprefix("\ufeff"))
        except FileNotFoundError:
            config = {}
        return cls(
            unique_name=config.get("unique_name", os.path.basename(folder)),
            matching_hotwords=config.get("matching_hotwords", []),
        )

    def call(self, worker: Any, *_: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no method `call`")


def _copy(default: Any) -> Any:
    try:
        return copy.deepcopy(default)
    except Exception:
        # A lock and the like cannot be copied; the ability has one instance anyway.
        return default


def _annotated(kind: type) -> list[str]:
    """The annotated names of a class. From Python 3.14 on they are computed when they
    are asked for, and may name what exists only for type checkers."""
    try:
        import annotationlib
    except ImportError:
        return []
    return list(annotationlib.get_annotations(kind, format=annotationlib.Format.FORWARDREF))
