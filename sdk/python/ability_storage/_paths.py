"""What a file may be called: the rules of the engine, for storage in memory.

The same rules in the same order and words as the engine's, with one difference: what
a file system that ignores case could take for the engine's own directory is told by
Python's tables of Unicode, which may be of another version.
"""

from __future__ import annotations

import re

MAX_BYTES = 1024
MAX_COMPONENT_BYTES = 255
PRIVATE_DIR = ".ability-storage"

_DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$"}
_PORT = re.compile(r"(?:com|lpt)[0-9¹²³]")
_SHORT_NAME = re.compile(r"(?:abilit~.*|ab[0-9a-f]{4}~[0-9].*)", re.DOTALL)
# Default_Ignorable_Code_Point of Unicode 16.
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def broken_rule(path: str) -> str | None:
    """The first rule that `path` breaks, in words for a person."""
    if not path:
        return "it is empty"
    if len(path.encode()) > MAX_BYTES:
        return "it is longer than 1,024 bytes"
    if path.startswith("/"):
        return "it starts with a slash; paths are relative to the volume"
    if path.endswith("/"):
        return "it ends with a slash"
    if "\\" in path:
        return "it contains a backslash; components are separated by /"
    if ":" in path:
        return "it contains a colon"
    if _CONTROL.search(path):
        return "it contains a control character"
    return next(filter(None, map(_broken_component_rule, path.split("/"))), None)


def is_under(path: str, directory: str) -> bool:
    """Whether `path` is `directory` or lies beneath it."""
    return path == directory or path.startswith(directory + "/")


def _broken_component_rule(component: str) -> str | None:
    if not component:
        return "it has an empty component"
    if component in {".", ".."}:
        return "it has a component . or .."
    if len(component.encode()) > MAX_COMPONENT_BYTES:
        return "a component is longer than 255 bytes"
    if component.endswith((".", " ")):
        return "a component ends in a dot or a space"
    if _is_windows_device(component):
        return "a component is a device name of Windows"
    if _names_private_dir(component):
        return ".ability-storage belongs to the storage itself"
    return None


def _is_windows_device(component: str) -> bool:
    stem = component.split(".", 1)[0].rstrip(" ")
    # As the engine does: letters that are not ASCII stay as they are.
    stem = "".join(c.lower() if c.isascii() else c for c in stem)
    return stem in _DEVICES or _PORT.fullmatch(stem) is not None


def _names_private_dir(component: str) -> bool:
    folded = _IGNORABLE.sub("", component).upper().lower()
    return folded == PRIVATE_DIR or _SHORT_NAME.fullmatch(folded) is not None
