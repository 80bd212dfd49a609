"""What an ability calls to talk, to listen and to keep files.

Every name of the platform's reference is here, or raises `NotImplementedError` with
its name. No logic belongs here: it is in `session`, `files` and `key_values`.
"""

import os
import re
from typing import Any

from ability_facade.harmless import Data, Messages, Nothing, Number, not_provided
from ability_facade.model import Model

YES = {"yes", "yeah", "yep", "yup", "sure", "ok", "okay", "confirm", "confirmed", "correct",
       "absolutely", "definitely"}
NO = {"no", "nope", "nah", "cancel", "never", "don't", "not", "negative"}


def yes_or_no(said: str) -> bool | None:
    """Whether it is a clear yes or a clear no; None if it is neither."""
    words = set(re.findall(r"[\w']+", said.lower().replace("’", "'")))
    is_yes, is_no = bool(words & YES), bool(words & NO)
    return is_yes if is_yes != is_no else None


class CapabilityWorker:
    """Made of the ability, `CapabilityWorker(self)`, or of its worker,
    `CapabilityWorker(self.worker)`."""

    def __init__(self, owner: Any):
        self.worker = getattr(owner, "worker", None) or owner
        self._session = self.worker.session
        self._model = Model(self._session.log)

    # Talking and listening.

    async def speak(self, text: object, *_: Any, **__: Any) -> None:
        """Prints the text."""
        self._session.speak(text)

    async def text_to_speech(self, text: object, voice_id: str = "", *_: Any, **__: Any) -> None:
        """As `speak`: there is one voice."""
        self._session.speak(text)

    async def user_response(self, *_: Any, **__: Any) -> str:
        """The next line of standard input."""
        return await self._session.listen()

    async def wait_for_complete_transcription(self, *_: Any, **__: Any) -> str:
        """The sentence that called the ability, when first called: its arguments, or
        else the next line. After that, the next line."""
        return await self._session.trigger()

    async def run_io_loop(self, text: object, *_: Any, **__: Any) -> str:
        """Says the text and returns the answer."""
        self._session.speak(text)
        return await self._session.listen()

    async def run_confirmation_loop(self, text: object, *_: Any, **__: Any) -> bool:
        """Asks until the answer is clear."""
        while True:
            self._session.speak(f"{text} Please respond with 'yes' or 'no'")
            answer = yes_or_no(await self._session.listen())
            if answer is not None:
                return answer

    def text_to_text_response(
        self, prompt_text: object, history: list | None = None, system_prompt: object = "",
        *_: Any, **__: Any,
    ) -> str:
        """The answer of the language model; empty, with a line in the log, if none is
        linked or it failed."""
        # An answer takes its time, and what the ability was told is done is done before.
        self._session.files.settle()
        return self._model.answer(prompt_text, history, system_prompt)

    def get_full_message_history(self) -> Messages:
        """What was said since the ability was started."""
        return Messages(dict(message) for message in self._session.history)

    # Files. `temp` is what the platform's reference calls the third parameter.

    async def check_if_file_exists(
        self, filename: str, in_ability_directory: bool = False, *, temp: bool = False
    ) -> bool:
        await self._session.let_others_run()
        return self._session.files.exists(filename, in_ability_directory or temp)

    async def read_file(
        self, filename: str, in_ability_directory: bool = False, *, temp: bool = False
    ) -> str:
        """All text of the file. Raises `NotFound`, a `FileNotFoundError`, if there
        is none."""
        await self._session.let_others_run()
        return self._session.files.read(filename, in_ability_directory or temp)

    async def write_file(
        self, filename: str, content: str, in_ability_directory: bool = False,
        mode: str = "a+", *, temp: bool = False,
    ) -> bool:
        """Adds to the end (`a+`, the default) or replaces (`w`): all of it or none."""
        self._session.files.write(filename, content, in_ability_directory or temp, mode)
        await self._session.let_others_run()
        return True

    async def atomic_write_file(
        self, filename: str, content: str, in_ability_directory: bool = False,
        *, temp: bool = False,
    ) -> bool:
        """Replaces the file, whole and durably, or not at all."""
        return await self.write_file(filename, content, in_ability_directory, "w", temp=temp)

    async def delete_file(
        self, filename: str, in_ability_directory: bool = False, *, temp: bool = False
    ) -> bool:
        """Removes the file; with the write that follows, as one commit. What is not
        there counts as removed."""
        # Others get no turn here: what follows is mostly the write of this file.
        self._session.files.delete(filename, in_ability_directory or temp)
        return True

    async def get_user_data_file_names(self) -> list[str]:
        """The names of the user's files."""
        await self._session.let_others_run()
        return self._session.files.names()

    # Keys and values.

    def create_key(self, key: str, value: dict) -> dict:
        return self._session.key_values.create(key, value)

    def update_key(self, key: str, value: dict) -> dict:
        return self._session.key_values.update(key, value)

    def delete_key(self, key: str) -> dict:
        return self._session.key_values.delete(key)

    def get_all_keys(self) -> dict:
        return self._session.key_values.all()

    def get_single_key(self, key: str) -> dict:
        return self._session.key_values.get(key)

    # The session.

    def resume_normal_flow(self, *_: Any, **__: Any) -> Nothing:
        """Gives the conversation back."""
        self._session.resume()
        return Nothing()

    def get_timezone(self) -> str:
        """The name in the environment variable `TZ`, else `UTC`, which is the zone of
        the sandbox's clock."""
        return os.environ.get("TZ") or "UTC"

    def get_api_keys(self, name: str = "", *_: Any, **__: Any) -> str:
        """The environment variable of that name; empty if it is not given, as for a key
        that the user has not set."""
        return os.environ.get(name, "")

    def get_token(self, provider: str = "", *_: Any, **__: Any) -> str:
        """Empty, as for an account that the user has not linked: there are none here."""
        return ""

    # There is no such thing here, and no harm in that.

    def _nothing(self, *_: Any, **__: Any) -> Nothing:
        return Nothing()

    play_audio = _nothing
    play_from_audio_file = _nothing
    start_audio_recording = _nothing
    stop_audio_recording = _nothing
    flush_audio_recording = _nothing
    stream_init = _nothing
    send_audio_data_in_stream = _nothing
    stream_end = _nothing
    send_data_over_websocket = _nothing
    send_devkit_action = _nothing
    send_interrupt_signal = _nothing
    update_personality_agent_prompt = _nothing

    def get_audio_recording(self, *_: Any, **__: Any) -> Data:
        return Data()

    def get_audio_recording_length(self, *_: Any, **__: Any) -> Number:
        return Number(0)

    def __getattr__(self, name: str) -> Any:
        raise not_provided("CapabilityWorker", name)
