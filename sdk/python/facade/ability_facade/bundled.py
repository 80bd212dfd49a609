"""The files that an ability brings with it: data beside `main.py`.

They are kept with the component when it is built, and `open` finds them there when it
runs, because the sandbox has no such directory. They can only be read.
"""

import builtins
import errno
import io
import os
from typing import Any

#: Together; more makes a component that is slow to load.
LIMIT = 16 * 1024 * 1024

_LEFT_OUT = (".py", ".pyc", ".wasm")

#: In each directory that holds a user's files. An author may have run the ability with a
#: root beside it.
_STORAGE = ".ability-storage"


class BundledFiles:
    """The files of one directory, by their absolute paths."""

    def __init__(self, directory: str):
        self._directory = os.path.abspath(directory)
        self._files: dict[str, bytes] = {}
        self._directories: set[str] = {self._directory}
        size = 0
        for folder, folders, names in os.walk(self._directory):
            if _STORAGE in folders:
                folders.clear()
                continue
            folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
            self._directories.update(os.path.join(folder, name) for name in folders)
            for name in names:
                if name.startswith(".") or name.endswith(_LEFT_OUT):
                    continue
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    self._files[path] = file.read()
                size += len(self._files[path])
                if size > LIMIT:
                    raise ValueError(
                        f"the files beside main.py are longer than {LIMIT} bytes together,"
                        f" the last of them {path}: move out what the ability does not read"
                    )

    def by_relative_path(self) -> dict[str, bytes]:
        """For the calls on files: what is in the ability's directory from the start."""
        return {
            os.path.relpath(path, self._directory).replace(os.sep, "/"): contents
            for path, contents in self._files.items()
        }

    def install(self) -> None:
        """From now on, `open` and `os.path` see them."""
        plain_open, exists, is_file, is_dir = (
            builtins.open, os.path.exists, os.path.isfile, os.path.isdir)

        def open_bundled(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
            path = self._path(file)
            if path in self._files and mode.replace("t", "") in ("r", "rb"):
                data = io.BytesIO(self._files[path])
                return data if "b" in mode else _text(data, *args, **options)
            try:
                return plain_open(file, mode, *args, **options)
            except OSError as error:
                if error.errno == errno.ENOENT and not set("wax+") & set(mode):
                    raise
                raise OSError(
                    error.errno,
                    "the sandbox has no plain files to write: use write_file of the capability"
                    " worker, or ability_storage",
                    file,
                ) from None

        builtins.open = io.open = open_bundled
        os.path.exists = lambda path: self._knows(path) or exists(path)
        os.path.isfile = lambda path: self._path(path) in self._files or is_file(path)
        os.path.isdir = lambda path: self._path(path) in self._directories or is_dir(path)

    def _knows(self, path: Any) -> bool:
        return self._path(path) in self._files or self._path(path) in self._directories

    @staticmethod
    def _path(file: Any) -> str | None:
        if isinstance(file, int):
            return None
        try:
            return os.path.abspath(os.fsdecode(file))
        except (TypeError, ValueError):
            return None


def _text(
    data: io.BytesIO, buffering: int = -1, encoding: str | None = None,
    errors: str | None = None, newline: str | None = None, *_: Any, **__: Any,
) -> io.TextIOWrapper:
    return io.TextIOWrapper(data, encoding=encoding or "utf-8", errors=errors, newline=newline)
