"""What entry modules do while a component is built, for what it will find when it runs.

Where it runs there are no files of modules: what was not imported by then cannot be
imported, and the lines of a module cannot be shown. Must never run the author's
functions.
"""

from __future__ import annotations

import ast
import importlib
import linecache
import os
import sys
from collections.abc import Iterator
from types import ModuleType

# `os` itself may be frozen, and say that it is elsewhere.
_LIBRARY = os.path.dirname(linecache.__file__) + os.sep
_GENERATED = ("wit_world", "componentize_py")

# What the standard library itself imports late, and an author cannot see: by the module
# that does so. All of it costs little; to follow every late import there would make a
# component more than twice as large.
_LATE = {
    "argparse": ("_colorize", "gettext", "shutil"),
    "calendar": ("locale",),
    "datetime": ("_strptime",),
    "email": ("email.feedparser", "email.parser", "email.message"),
    "encodings": (
        "encodings.ascii",
        "encodings.cp1252",
        "encodings.idna",
        "encodings.latin_1",
        "encodings.punycode",
        "encodings.utf_16",
        "encodings.utf_8_sig",
    ),
    "fractions": ("decimal",),
    "time": ("_strptime",),
    "unittest": ("unittest._log",),
    "urllib.parse": ("unicodedata",),
    "warnings": ("linecache",),
}


def prepare() -> None:
    """Imports what functions will import, and keeps the lines of all modules.

    To be called after the import of the author's modules.
    """
    seen: set[str] = set()
    while new := {name: module for name, module in _modules().items() if name not in seen}:
        seen |= set(new)
        for module in new.values():
            for name in _imports_in_functions(module):
                _import_if_there(name)
    for name in [name for module in _LATE if module in sys.modules for name in _LATE[module]]:
        _import_if_there(name)
    for module in _modules().values():
        _keep_lines(str(module.__file__))


def _modules() -> dict[str, ModuleType]:
    """The modules imported so far that an author or this package brought along."""
    return {
        name: module
        for name, module in sys.modules.items()
        if (path := getattr(module, "__file__", None))
        and not path.startswith(_LIBRARY)
        and not name.startswith(_GENERATED)
    }


def _imports_in_functions(module: ModuleType) -> Iterator[str]:
    """The names of modules that the code of `module` names in imports.

    Of `from a import b`, both `a` and `a.b`: the latter may be a module.
    """
    try:
        tree = ast.parse("".join(linecache.getlines(str(module.__file__))))
    except SyntaxError:
        # Not Python, or of another version: it was imported all the same.
        return
    package = module.__package__ or ""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1])
            prefix = parent if node.level else ""
            base = ".".join(filter(None, (prefix, node.module)))
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _import_if_there(name: str) -> None:
    if name in sys.modules:
        return
    try:
        importlib.import_module(name)
    except Exception:  # noqa: BLE001 - it fails when it is used, if it is
        sys.modules.pop(name, None)


def _keep_lines(path: str) -> None:
    lines = linecache.getlines(path)
    # Without a time of change, nobody looks whether the file has changed.
    linecache.cache[path] = (sum(map(len, lines)), None, lines, path)
