"""Modules that are imported only when the ability runs.

componentize-py keeps what was imported while it built, and the files are gone
afterwards: an import inside a function, `importlib.import_module(name)` and what the
standard library itself imports late (`datetime.strptime` does) would fail when the
ability runs. So `remember()` keeps the sources of all that could be imported, and a
finder, asked after all others, imports from them.

It must never decide over what a module is: what Python finds by itself comes first.
"""

import importlib.abc
import importlib.util
import linecache
import os
import sys
import zlib

# Of no use in the sandbox: they are left out to keep components small.
LEFT_OUT = {
    "ensurepip", "idlelib", "lib2to3", "pydoc_data", "site-packages", "test", "tests",
    "tkinter", "turtledemo", "venv", "__pycache__", "node_modules",
}  # fmt: skip


class Later(importlib.abc.InspectLoader, importlib.abc.MetaPathFinder):
    """Finds and loads modules from the sources that it holds."""

    def __init__(self):
        # By the module's name: path, whether it is a package, compressed source.
        self.sources = {}

    def find_spec(self, name, path=None, target=None):
        if name not in self.sources:
            return None
        file, is_package, _ = self.sources[name]
        spec = importlib.util.spec_from_loader(
            name, self, origin=file, is_package=is_package
        )
        if is_package:
            spec.submodule_search_locations = [os.path.dirname(file)]
        spec.has_location = True
        return spec

    def is_package(self, name):
        return self._held(name)[1]

    def get_source(self, name):
        return importlib.util.decode_source(zlib.decompress(self._held(name)[2]))

    def get_code(self, name):
        file, _, source = self._held(name)
        return compile(zlib.decompress(source), file, "exec", dont_inherit=True)

    def _held(self, name):
        if name not in self.sources:
            raise ImportError(f"no source of {name} is held", name=name)
        return self.sources[name]

    def add(self, name, file, is_package):
        # What comes first on the path is what an import finds.
        if name in self.sources:
            return
        with open(file, "rb") as source:
            # Level 1: three times as fast as 6, for a tenth more bytes.
            packed = zlib.compress(source.read(), 1)
        self.sources[name] = (file, is_package, packed)


def _walk(later, directory, package):
    """Adds the modules in a directory; `package` is the name before theirs, with a dot."""
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        name = entry.name
        if name.startswith(".") or name in LEFT_OUT:
            continue
        if entry.is_dir():
            if not name.isidentifier():
                continue
            init = os.path.join(entry.path, "__init__.py")
            if os.path.exists(init):
                later.add(package + name, init, True)
            _walk(later, entry.path, f"{package}{name}.")
        elif name.endswith(".py") and name != "__init__.py" and name[:-3].isidentifier():
            later.add(package + name[:-3], entry.path, False)


def remember():
    """To be called once, when all else is imported."""
    later = Later()
    for directory in sys.path:
        _walk(later, directory, "")
    sys.meta_path.append(later)
    _show_lines()


def _show_lines():
    """Lets tracebacks show the lines of what was imported already, except Python's own."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and file.endswith(".py") and not file.startswith("/python"):
            lines = linecache.getlines(file)
            # Without a time, it is never compared with the file, which will be gone.
            linecache.cache[file] = (sum(map(len, lines)), None, lines, file)
