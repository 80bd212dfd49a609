"""The language model of the host, if it has one linked."""

from typing import Any

from ability_facade.log import Log

try:
    from wit_world.imports import model as _host
except ImportError:
    # Built for a world without a model, or run outside a component.
    _host = None


class Model:
    """Answers prompts. An answer that cannot be had is an empty string and a line in
    the log, as abilities expect: nearly all parse what comes and have a default."""

    def __init__(self, log: Log, host: Any = None):
        self._log = log
        self._host = host or _host
        self._has_said_so = False

    def answer(self, prompt: object, history: list | None, system_prompt: object) -> str:
        if self._host is None:
            return self._no_model()
        messages = [self._message(item) for item in history or []]
        try:
            answer = self._host.answer(str(prompt), messages, str(system_prompt or ""))
        except Exception as error:
            # The bindings raise what the host answered; its reason is in `value`.
            reason = getattr(error, "value", error)
            self._log.error(f"the language model failed; the answer is empty: {reason}")
            return ""
        return self._no_model() if answer is None else answer

    def _message(self, item: Any) -> Any:
        if not isinstance(item, dict):
            item = {"role": "user", "content": item}
        role, content = item.get("role") or "user", item.get("content")
        return self._host.Message(role=str(role), content="" if content is None else str(content))

    def _no_model(self) -> str:
        if not self._has_said_so:
            self._has_said_so = True
            self._log.warning("no language model is linked: its answers are empty")
        return ""
