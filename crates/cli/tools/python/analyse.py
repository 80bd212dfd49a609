"""Reads an ability's sources without running them: for which API it is written, and
which modules it needs that nobody provides. Prints JSON.

    analyse.py FOLDER --provides DIR ... --stand-ins DIR

It must never import what it reads.
"""

import argparse
import ast
import json
import re
import sys
from pathlib import Path

from standard_library import MODULES

# What componentize-py makes for the component, and what the command adds.
GIVEN = {
    "ability_entry", "ability_later", "background_entry", "componentize_py_async_support",
    "componentize_py_runtime", "componentize_py_types", "conversation_entry", "wit_world",
}  # fmt: skip

# The old API is this module and its neighbours.
OLD_API = re.compile(r"src\.(agent|main)(\.|$)")
OLD_API_IN_TEXT = re.compile(r"^\s*(from|import)\s+src\.(agent|main)\b", re.MULTILINE)

# Who catches one of these around an import can do without the module.
CAUGHT = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


class Imports(ast.NodeVisitor):
    """The imports of one module: name, line, whether it can do without."""

    def __init__(self):
        self.found = []
        self.guards = 0

    def visit_Import(self, node):
        for alias in node.names:
            self.found.append((0, alias.name, (), node.lineno, self.guards > 0))

    def visit_ImportFrom(self, node):
        names = tuple(alias.name for alias in node.names)
        self.found.append(
            (node.level, node.module or "", names, node.lineno, self.guards > 0)
        )

    def visit_Try(self, node):
        guarded = any(catches(handler.type) for handler in node.handlers)
        self.guards += guarded
        for statement in node.body:
            self.visit(statement)
        self.guards -= guarded
        for statement in [*node.handlers, *node.orelse, *node.finalbody]:
            self.visit(statement)

    visit_TryStar = visit_Try

    def visit_If(self, node):
        # Only for type checkers: it never runs.
        typing = ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        self.guards += typing
        for statement in node.body:
            self.visit(statement)
        self.guards -= typing
        for statement in node.orelse:
            self.visit(statement)


def catches(exception):
    if exception is None:
        return True
    if isinstance(exception, ast.Tuple):
        return any(catches(one) for one in exception.elts)
    return isinstance(exception, ast.Name) and exception.id in CAUGHT


class Analysis:
    def __init__(self, folder, provided, stand_ins):
        self.folder = folder
        self.provided = provided
        self.stand_ins = stand_ins
        self.old_api = False
        self.seen = set()
        # By module: the first place that imports it, for the others to be short.
        self.needed = {}

    def file(self, path):
        """Reads a file and those of the folder that it imports."""
        if path in self.seen:
            return None
        self.seen.add(path)
        source = path.read_bytes()
        try:
            tree = ast.parse(source, path)
        except (SyntaxError, ValueError):
            # This Python may be older than the component's, which will say what is
            # wrong with it, if anything is.
            text = source.decode("utf-8", "replace")
            self.old_api |= OLD_API_IN_TEXT.search(text) is not None
            return None
        imports = Imports()
        imports.visit(tree)
        for level, module, names, line, guarded in imports.found:
            if level:
                self.relative(path, level, module, names)
            else:
                self.absolute(path, module, names, line, guarded)
        return tree

    def relative(self, path, level, module, names):
        base = path.parent
        for _ in range(level - 1):
            base = base.parent
        if base.is_relative_to(self.folder):
            self.local(base, [*filter(None, module.split("."))], names)

    def absolute(self, path, module, names, line, guarded):
        top = module.split(".")[0]
        if self.local(self.folder, module.split("."), names):
            return
        # `from src import main` is rare, `from src.main import ...` is not.
        full = [module, *(f"{module}.{name}" for name in names)]
        if any(OLD_API.match(name) for name in full):
            self.old_api = True
        elif top not in MODULES and not top.startswith("_") and top not in GIVEN:
            place = {"file": str(path.relative_to(self.folder)), "line": line}
            if not guarded:
                self.needed.setdefault(top, place)
            elif (self.stand_ins / top).exists():
                # It would do without, but need not.
                self.needed.setdefault(top, place)

    def local(self, base, parts, names):
        """Follows an import into the folder; False if it leads elsewhere."""
        found = False
        for part in parts:
            found |= self.module(base / part)
            base = base / part
        # A name may be a module of the package too.
        for name in names:
            found |= self.module(base / name)
        return found

    def module(self, path):
        """Reads `path.py` or the package `path`, if it is there."""
        if not path.is_relative_to(self.folder) or path.name.startswith("."):
            return False
        file = path.with_name(path.name + ".py")
        package = path / "__init__.py"
        for candidate in (package, file):
            if candidate.is_file():
                self.file(candidate)
                return True
        return path.is_dir() and any(path.glob("*.py"))

    def result(self):
        missing = []
        stand_ins = []
        for module, place in sorted(self.needed.items()):
            if any(provides(directory, module) for directory in self.provided):
                continue
            if self.old_api and provides(self.stand_ins, module):
                stand_ins.append(module)
            else:
                missing.append({"module": module, **place})
        return {"missing": missing, "stand_ins": stand_ins}


def provides(directory, module):
    if (directory / f"{module}.py").is_file():
        return True
    return (directory / module).is_dir()


def defines_main(tree):
    """Whether a module has a name `main`, as far as can be told without running it."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if node.name == "main":
                return True
        elif not isinstance(node, (ast.Expr, ast.Pass)):
            # Defined in a condition, imported, assigned; or imported with a star.
            for inner in ast.walk(node):
                names = (
                    getattr(inner, "name", None),
                    getattr(inner, "asname", None),
                    getattr(inner, "id", None),
                )
                if "main" in names or names[0] == "*":
                    # Not the call at the end of a script.
                    if not isinstance(inner, ast.Name) or isinstance(inner.ctx, ast.Store):
                        return True
    return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--provides", type=Path, action="append", default=[])
    parser.add_argument("--stand-ins", type=Path, required=True)
    arguments = parser.parse_args()
    folder = arguments.folder
    analysis = Analysis(folder, arguments.provides, arguments.stand_ins)
    tree = analysis.file(folder / "main.py")
    background = folder / "background.py"
    if analysis.old_api and background.is_file():
        analysis.file(background)
    result = {
        "api": "old" if analysis.old_api else "new",
        "background": analysis.old_api and background.is_file(),
        # If it cannot be read, the component's Python will say why.
        "has_main": tree is None or defines_main(tree),
        **analysis.result(),
    }
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
