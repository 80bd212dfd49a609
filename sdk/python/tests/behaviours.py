"""Runs the cases of `sdk/cases/behaviours.json` with this SDK."""

import json
from collections.abc import Callable
from typing import Any

from ability_storage import sdk
from ability_storage.testing import MemoryStorage

Step = dict[str, Any]

CODES = {
    sdk.ConflictError: "conflict",
    sdk.CorruptError: "corrupt",
    sdk.LogChangedError: "log-changed",
    sdk.NoSpaceError: "no-space",
    sdk.UnconfirmedError: "unconfirmed",
    TypeError: "type",
    ValueError: "type",
    RuntimeError: "misuse",
    ZeroDivisionError: "thrown",
}


class Play:
    """One case, with the objects that its steps have made."""

    def __init__(self, case: Step) -> None:
        self.case = case
        self.states: dict[str, sdk.State] = {}
        self.logs: dict[str, sdk.AuditLog] = {}

    def run(self) -> None:
        with MemoryStorage(self.case.get("files")) as self.storage:
            self.all(self.case["steps"])
            logs = self.case.get("logs", {})
            files = {
                path: contents.decode()
                for path, contents in self.storage.files().items()
                if path not in logs
            }
            equal(files, self.case.get("then", {}))
            for path, payloads in logs.items():
                records = [record.payload.decode() for record in sdk.AuditLog.records(path)]
                equal(records, payloads)

    def all(self, steps: list[Step]) -> None:
        for step in steps:
            self.checked(step)

    def checked(self, step: Step) -> None:
        """Makes a step, and compares what comes of it."""
        if "meanwhile" in step:
            self.storage.interfere(lambda: self.all(step["meanwhile"]))
        if "failure" in step:
            self.storage.fail_call(step.get("call", 1), step["failure"])
        try:
            given = self.make(step)
        except (OSError, TypeError, ValueError, RuntimeError, ZeroDivisionError) as error:
            code = next((code for kind, code in CODES.items() if isinstance(error, kind)), error)
            equal(code, step.get("fails"), error)
            self.check_error(step, error)
            return
        equal(step.get("fails"), None)
        if "gives" in step:
            equal(given, step["gives"])

    def check_error(self, step: Step, error: Exception) -> None:
        if "outcome" in step:
            equal(error.outcome, step["outcome"])  # type: ignore[attr-defined]
            equal(error.is_applied, step["outcome"] == "unconfirmed")  # type: ignore[attr-defined]
        if "step" in step:
            equal(error.step, step["step"])  # type: ignore[attr-defined]
        if "says" in step:
            assert step["says"] in str(error), str(error)

    def make(self, step: Step) -> object:  # noqa: PLR0912 - one for each step
        """Makes a step on its own."""
        path, name = step.get("path", ""), step.get("as", "")
        match step["do"]:
            case "read":
                return sdk.read_file(path)
            case "write":
                return sdk.atomic_write_file(path, step["text"])
            case "append":
                return sdk.append_file(path, step["text"])
            case "delete":
                return sdk.delete_file(path)
            case "backup":
                return sdk.write_file_with_backup(path, step["text"])
            case "file-add":
                return sdk.update_file(path, lambda old: (old or b"") + step["text"].encode())
            case "file-return":
                return sdk.update_file(path, lambda _: step["value"])
            case "json-push":
                return sdk.update_json(path, pushed(step), default=list)
            case "counter-next":
                return sdk.Counter(path).next()
            case "state":
                is_own = step.get("place") != "user"
                self.states[name] = sdk.State(path, in_ability_directory=is_own)
            case "state-set":
                self.states[name].value[step["key"]] = step["value"]
            case "state-save":
                self.states[name].save()
            case "state-update":
                return self.states[name].update(with_member(step))
            case "log":
                self.logs[name] = sdk.AuditLog(path)
            case "log-append":
                return self.logs[name].append(step["text"]).count
            case "batch":
                batch = sdk.Batch()
                self.all_in(batch, step["steps"])
                return batch.commit()
            case "update-batch":
                return self.update_batch(step)
            case _:
                return self.look(step)
        return None

    def look(self, step: Step) -> object:
        match step["do"]:
            case "state-value":
                return json.loads(json.dumps(self.states[step["as"]].value))
            case "log-count":
                return self.logs[step["as"]].count
        raise AssertionError(step)

    def update_batch(self, step: Step) -> None:
        tries = 0

        def change(batch: sdk.Batch) -> None:
            nonlocal tries
            tries += 1
            self.all_in(batch, step["steps"], is_first=tries == 1)

        try:
            sdk.update_batch(change)
        finally:
            equal(tries, step.get("tries", tries))

    def all_in(self, batch: sdk.Batch, steps: list[Step], *, is_first: bool = True) -> None:
        for step in steps:
            if step["do"] == "others":
                if is_first:
                    self.all(step["steps"])
                continue
            given = self.make_in(batch, step)
            if "gives" in step:
                equal(given, step["gives"])

    def make_in(self, batch: sdk.Batch, step: Step) -> object:  # noqa: PLR0912
        """Makes a step as a part of a batch."""
        path, name = step.get("path", ""), step.get("as", "")
        match step["do"]:
            case "read":
                contents = batch.read(path)
                return None if contents is None else contents.decode()
            case "write":
                batch.write(path, step["text"])
            case "create":
                batch.write_if(path, step["text"], version=None)
            case "append":
                batch.append(path, step["text"])
            case "rename":
                batch.rename(path, step["target"])
            case "delete":
                batch.delete(path)
            case "take":
                batch.write(path, str(int(batch.read(path) or 0) - step["count"]))
            case "counter-next":
                return sdk.Counter(path).next_in(batch)
            case "json-push":
                return sdk.update_json_in(batch, path, pushed(step), default=list)
            case "state-update":
                return self.states[name].update_in(batch, with_member(step))
            case "log-append":
                return self.logs[name].append_in(batch, step["text"]).count
            case "commit":
                batch.commit()
            case "throw":
                raise ZeroDivisionError
            case _:
                return self.look(step)
        return None


def pushed(step: Step) -> Callable[[list[Any]], list[Any]]:
    """Adds the value of the step to a list."""
    return lambda values: [*values, step["value"]]


def with_member(step: Step) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Sets the member that the step names."""
    return lambda value: {**value, step["key"]: step["value"]}


def equal(found: object, expected: object, why: object = None) -> None:
    """That something is what the case expects."""
    assert found == expected, f"{found!r} instead of {expected!r}: {why}"
