"""Reads and plays `conversation.txt`, as tests/abilities/README.md describes it."""

import fnmatch
import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass
class Line:
    number: int
    word: str
    rest: str
    contents: str = ""


@dataclass
class Run:
    """What came of a session."""

    exit_code: int
    said: list[str]
    log: str


@dataclass
class Expected:
    """What a session is given, and what is to come of it."""

    arguments: list[str]
    said_to_it: list[str] = field(default_factory=list)
    says: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    exit_code: int = 0


class Host(Protocol):
    """Where an ability runs."""

    def run(self, arguments: list[str], said: str) -> Run: ...
    def start_background(self) -> None: ...
    def wait(self, seconds: float) -> None: ...
    def stop_background(self) -> list[str]: ...
    def files(self) -> dict[str, bytes]: ...
    def put(self, path: str, contents: bytes) -> None: ...
    def remove(self, path: str) -> None: ...


def parse(text: str) -> list[Line]:
    lines: list[Line] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("|"):
            lines[-1].contents += line[2:] + "\n"
        elif line.strip() and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            lines.append(Line(number, word, rest))
    for line in lines:
        line.contents = line.contents.removesuffix("\n")
    return lines


def play(path: Path, host: Host) -> None:
    """Raises `AssertionError`, with the line, if something is not as it is to be."""
    lines = parse(path.read_text(encoding="utf-8"))
    said_by_daemon: list[str] = []
    while lines:
        line = lines.pop(0)
        try:
            if line.word == "run":
                _session(host, line, lines)
            elif line.word == "stop":
                said_by_daemon = host.stop_background()
            elif line.word == "said":
                assert line.rest in said_by_daemon, f"the daemon said {said_by_daemon}"
            else:
                _step(host, line)
        except AssertionError as error:
            raise AssertionError(f"{path}:{line.number}: {error}") from None


def _session(host: Host, first: Line, lines: list[Line]) -> None:
    module, *arguments = shlex.split(first.rest)
    assert module == "main", f"cannot run {module}"
    expected = Expected(arguments)
    while (line := lines.pop(0)).word != "exit":
        {">": expected.said_to_it, "<": expected.says, "log": expected.log}[line.word].append(
            line.rest)
    expected.exit_code = int(line.rest)
    run = host.run(arguments, "".join(said + "\n" for said in expected.said_to_it))
    assert run.said == expected.says, f"said {run.said}\nlog:\n{run.log}"
    assert run.exit_code == expected.exit_code, f"exit code {run.exit_code}\nlog:\n{run.log}"
    for text in expected.log:
        assert text in run.log, f"no {text!r} in the log:\n{run.log}"


def _step(host: Host, line: Line) -> None:
    path, _, rest = line.rest.partition(" ")
    files = host.files()
    matching = fnmatch.filter(files, path)
    match line.word:
        case "put":
            host.put(path, line.contents.encode())
        case "remove":
            host.remove(path)
        case "start":
            host.start_background()
        case "wait":
            host.wait(float(path))
        case "only":
            assert sorted(files) == sorted(line.rest.split()), f"files: {sorted(files)}"
        case "absent":
            assert not matching, f"{matching} is there"
        case _:
            assert len(matching) == 1, f"files: {sorted(files)}"
            _contents(line, rest, files[matching[0]].decode())


def _contents(line: Line, rest: str, found: str) -> None:
    match line.word:
        case "file":
            assert found == line.contents, f"it is {found!r}"
        case "json":
            assert json.loads(found) == json.loads(rest), f"it is {found!r}"
        case "lines":
            assert len(found.splitlines()) == int(rest), f"it is {found!r}"
        case "matches":
            assert re.search(rest, found), f"it is {found!r}"
        case _:
            raise AssertionError(f"there is no step {line.word!r}")
