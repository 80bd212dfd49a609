"""A session: input, tasks, waiting and the end."""

import asyncio
import functools
import json
import sys
import time
import types
import unittest
from types import SimpleNamespace
from unittest import mock

from ability_facade import startup
from ability_facade.capability_worker import yes_or_no
from ability_facade.model import Model
from ability_storage.testing import MemoryStorage
from facade.support import Conversation, Remembered, user_files


class WithStorage(unittest.TestCase):
    def setUp(self):
        self.storage = self.enterContext(MemoryStorage(user_files={"x.json": '"old"'}))

    def is_there(self):
        return "x.json" in user_files(self.storage)


class Talking(WithStorage):
    def test_lines_are_answers_in_turn(self):
        async def run(cw, worker):
            first = await cw.user_response()
            second = await cw.run_io_loop("And?")
            await cw.speak(f"{first}, {second}")
            await cw.text_to_speech("bye", "some-voice")
            worker.history = cw.get_full_message_history()
            assert await cw.get_full_message_history() == worker.history
            assert worker.agent_memory.full_message_history == worker.history

        talk = Conversation(run, "one\r\ntwo é\n")
        self.assertEqual(talk.said, ["And?", "one, two é", "bye"])
        self.assertEqual(talk.exit_code, 0)
        self.assertEqual(
            [(m["role"], m["content"]) for m in talk.worker.history],
            [("user", "one"), ("assistant", "And?"), ("user", "two é"),
             ("assistant", "one, two é"), ("assistant", "bye")])

    def test_a_last_line_without_a_line_feed_counts(self):
        async def run(cw, worker):
            await cw.speak(await cw.user_response() + "|" + await cw.user_response())

        self.assertEqual(Conversation(run, "a\nb").said, ["a|b"])

    def test_an_empty_line_is_an_empty_answer(self):
        async def run(cw, worker):
            await cw.speak(repr(await cw.user_response()))

        self.assertEqual(Conversation(run, "\nb\n").said, ["''"])

    def test_the_sentence_that_called_it(self):
        async def run(cw, worker):
            await cw.speak(await cw.wait_for_complete_transcription())
            await cw.speak(await cw.wait_for_complete_transcription())

        self.assertEqual(Conversation(run, "a\nb\n").said, ["a", "b"])
        self.assertEqual(Conversation(run, "a\nb\n", ["remind", "me"]).said, ["remind me", "a"])

    def test_a_confirmation_is_asked_for_until_it_is_clear(self):
        async def run(cw, worker):
            await cw.speak(str(await cw.run_confirmation_loop("Sure?")))

        question = "Sure? Please respond with 'yes' or 'no'"
        self.assertEqual(Conversation(run, "hm\nyes and no\nYes, please!\n").said,
                         [question] * 3 + ["True"])
        self.assertEqual(Conversation(run, "Nope.\n").said, [question, "False"])

    def test_yes_and_no(self):
        for said, expected in (("Yeah", True), ("ok", True), ("don’t", False), ("no no", False),
                               ("yesterday", None), ("", None), ("not sure", None)):
            self.assertIs(yes_or_no(said), expected, said)

    def test_others_go_on_while_one_waits_for_input(self):
        ticks = []

        async def tick(worker):
            for _ in range(3):
                await worker.session_tasks.sleep(0.01)
                ticks.append(1)
            worker.session._hang_up()

        async def run(cw, worker):
            worker.session_tasks.create(tick(worker))
            await cw.user_response()

        Conversation(run, keep_open=True)
        self.assertEqual(len(ticks), 3)

    def test_an_answer_that_is_waited_for_with_a_time_out(self):
        async def run(cw, worker):
            try:
                await asyncio.wait_for(cw.user_response(), 0.02)
            except TimeoutError:
                await cw.speak("too late")

        self.assertEqual(Conversation(run, keep_open=True).said, ["too late"])

    def test_a_line_that_comes_after_a_time_out_goes_to_the_next_who_asks(self):
        async def run(cw, worker):
            waiting = asyncio.ensure_future(cw.user_response())
            await asyncio.sleep(0)
            waiting.cancel()
            await cw.speak(await cw.user_response())

        self.assertEqual(Conversation(run, "a\n").said, ["a"])


class TheEnd(WithStorage):
    def test_end_of_input_cancels_all_tasks_and_is_no_failure(self):
        ended = []

        async def other():
            try:
                await asyncio.sleep(3600)
            finally:
                ended.append("other")

        async def run(cw, worker):
            worker.session_tasks.create(other())
            asyncio.ensure_future(other())
            try:
                while True:
                    try:
                        await cw.user_response()
                    except Exception:
                        continue
            finally:
                await cw.delete_file("x.json")
                ended.append("main")

        talk = Conversation(run, "a\n")
        self.assertEqual(talk.exit_code, 0)
        self.assertEqual(sorted(ended), ["main", "other", "other"])
        self.assertFalse(self.is_there())

    def test_all_tasks_are_waited_for(self):
        async def late(cw):
            await asyncio.sleep(0.05)
            await cw.speak("late")

        async def run(cw, worker):
            worker.session_tasks.create(late(cw))
            cw.resume_normal_flow()

        self.assertEqual(Conversation(run).said, ["late"])

    def test_an_exception_is_shown_and_is_a_failure(self):
        async def good(cw):
            await asyncio.sleep(0.02)
            await cw.speak("still here")

        async def run(cw, worker):
            worker.session_tasks.create(good(cw))
            raise KeyError("oh no")

        talk = Conversation(run)
        self.assertEqual(talk.exit_code, 1)
        self.assertIn("KeyError: 'oh no'", talk.errors)
        self.assertIn("Traceback", talk.errors)
        self.assertEqual(talk.said, ["still here"])

    def test_an_exception_that_another_task_has_taken_is_none(self):
        async def bad():
            raise KeyError("oh no")

        async def run(cw, worker):
            try:
                await worker.session_tasks.create(bad())
            except KeyError:
                await cw.speak("taken")

        talk = Conversation(run)
        self.assertEqual((talk.exit_code, talk.said, talk.errors), (0, ["taken"], ""))

    def test_an_exception_in_call(self):
        talk = Conversation(None)
        self.assertEqual(talk.exit_code, 1)
        self.assertIn("TypeError", talk.errors)

    def test_when_nothing_can_happen_any_more_it_ends(self):
        async def run(cw, worker):
            await cw.delete_file("x.json")
            await asyncio.Event().wait()

        talk = Conversation(run, keep_open=True)
        self.assertIn("can no longer happen", str(talk.log))
        self.assertFalse(self.is_there())

    def test_a_failure_between_delete_and_write_takes_the_delete_back(self):
        async def run(cw, worker):
            await cw.delete_file("x.json")
            await cw.write_file("x.json", json.dumps({"a": object()}))

        talk = Conversation(run)
        self.assertEqual(talk.exit_code, 1)
        self.assertIn("not JSON serializable", talk.errors)
        self.assertIn("x.json was not deleted, because the ability failed", str(talk.log))
        self.assertTrue(self.is_there())

    def test_a_failure_after_a_committed_delete_changes_nothing(self):
        async def run(cw, worker):
            await cw.delete_file("x.json")
            await worker.session_tasks.sleep(0)
            raise KeyError("oh no")

        talk = Conversation(run)
        self.assertEqual(talk.exit_code, 1)
        self.assertFalse(self.is_there())

    def test_a_delete_that_cannot_be_made_at_the_end_is_a_failure(self):
        async def run(cw, worker):
            await cw.delete_file("x.json")
            self.storage.read_only = True

        talk = Conversation(run)
        self.assertEqual(talk.exit_code, 1)
        self.assertIn("x.json was not changed", str(talk.log))

    def test_system_exit(self):
        async def run(cw, worker):
            await cw.delete_file("x.json")
            raise SystemExit(3)

        self.assertEqual(Conversation(run).exit_code, 1)
        self.assertFalse(self.is_there())


class WhatSettlesADelete(WithStorage):
    def test_waiting_and_the_end(self):
        for name, wait in (
            ("sleep", lambda cw, worker: worker.session_tasks.sleep(0)),
            ("asyncio.sleep", lambda cw, worker: asyncio.sleep(0.001)),
            ("user_response", lambda cw, worker: cw.user_response()),
            ("transcription", lambda cw, worker: cw.wait_for_complete_transcription()),
            ("run_io_loop", lambda cw, worker: cw.run_io_loop("?")),
            ("run_confirmation_loop", lambda cw, worker: cw.run_confirmation_loop("?")),
            ("resume", lambda cw, worker: cw.resume_normal_flow()),
        ):
            seen = []

            async def run(cw, worker):
                # From here on all input is there, and no call has to wait for it.
                await cw.user_response()
                await cw.delete_file("x.json")
                seen.append(self.is_there())
                result = wait(cw, worker)
                if asyncio.iscoroutine(result):
                    await result
                # Before anything else can have settled it.
                seen.append(self.is_there())

            with MemoryStorage(user_files={"x.json": "1"}) as self.storage:
                Conversation(run, "a\nyes\n")
            self.assertEqual(seen, [True, False], name)

    def test_waiting_for_input_that_does_not_come(self):
        async def watch(worker):
            await asyncio.sleep(0.01)
            await worker.session_tasks.create(self.saw())
            worker.session._hang_up()

        async def run(cw, worker):
            worker.session_tasks.create(watch(worker))
            await asyncio.sleep(0)
            await cw.delete_file("x.json")
            await cw.user_response()

        self.seen = []
        Conversation(run, keep_open=True)
        self.assertEqual(self.seen, [False])

    async def saw(self):
        self.seen.append(self.is_there())

    def test_a_sleep_that_blocks(self):
        sleep = time.sleep
        holder = types.ModuleType("with_from_time_import_sleep")
        holder.sleep = sleep
        holder.wait = sleep
        self.enterContext(mock.patch.dict(sys.modules, {holder.__name__: holder}))

        def prepare(conversation):
            startup._settle_before_sleeping(conversation.session)

        async def run(cw, worker):
            await cw.delete_file("x.json")
            time.sleep(0)
            await cw.speak(str(self.is_there()))
            await cw.write_file("x.json", "1")
            await cw.delete_file("x.json")
            holder.sleep(0)
            await cw.speak(str(self.is_there()))
            await cw.write_file("x.json", "1")
            await cw.delete_file("x.json")
            holder.wait(0)
            await cw.speak(str(self.is_there()))

        with mock.patch.object(time, "sleep", sleep):
            talk = Conversation(run, prepare=prepare)
        self.assertEqual(talk.said, ["False", "False", "False"])

    def test_speaking_does_not(self):
        async def run(cw, worker):
            await cw.delete_file("x.json")
            await cw.speak(str(self.is_there()))

        self.assertEqual(Conversation(run).said, ["True"])

    def test_asking_the_model(self):
        async def run(cw, worker):
            cw._model = mock.Mock()
            cw._model.answer = lambda *_: str(self.is_there())
            await cw.delete_file("x.json")
            await cw.speak(cw.text_to_text_response("?"))

        self.assertEqual(Conversation(run).said, ["False"])


class TheRest(WithStorage):
    def test_a_loop_of_file_calls_lets_the_others_run(self):
        async def stop(cw):
            await cw.write_file("stop.txt", "1")

        async def run(cw, worker):
            worker.session_tasks.create(stop(cw))
            while not await cw.check_if_file_exists("stop.txt"):
                pass
            await cw.speak("stopped")

        self.assertEqual(Conversation(run).said, ["stopped"])

    def test_threads_are_done_at_once(self):
        async def run(cw, worker):
            await cw.speak(await asyncio.to_thread(lambda: 6 * 7))
            loop = asyncio.get_running_loop()
            await cw.speak(await loop.run_in_executor(None, functools.partial(pow, 2, 3)))
            try:
                await asyncio.to_thread(lambda: 1 / 0)
            except ZeroDivisionError:
                await cw.speak("caught")

        self.assertEqual(Conversation(run).said, ["42", "8", "caught"])

    def test_what_is_harmless(self):
        async def run(cw, worker):
            await cw.play_audio(b"x")
            await cw.play_from_audio_file("x.mp3")
            cw.start_audio_recording()
            cw.stop_audio_recording()
            cw.flush_audio_recording()
            await cw.stream_init()
            await cw.send_audio_data_in_stream(b"x", chunk_size=1)
            await cw.stream_end()
            await cw.send_data_over_websocket("music-mode", {"mode": "on"})
            await cw.send_devkit_action("led_on")
            await cw.send_interrupt_signal()
            cw.update_personality_agent_prompt("be brief")
            assert cw.get_audio_recording() == b"" and await cw.get_audio_recording() == b""
            assert f"{cw.get_audio_recording_length():.1f}" == "0.0"
            worker.music_mode_event.set()
            assert worker.music_mode_event.is_set()
            worker.music_mode_event.clear()
            assert worker.user_socket.client.host
            assert cw.get_timezone() == "UTC"
            assert cw.get_api_keys("weather_api_key") == ""
            with mock.patch.dict("os.environ", {"weather_api_key": "k", "TZ": "Europe/Oslo"}):
                assert cw.get_api_keys("weather_api_key") == "k"
                assert cw.get_timezone() == "Europe/Oslo"
            assert not cw.get_token("google")
            assert cw.resume_normal_flow() or True
            worker.editor_logging_handler.info("%s is %d", "x", 3)

        talk = Conversation(run)
        self.assertEqual((talk.exit_code, talk.errors), (0, ""))
        self.assertIn("[info] x is 3", str(talk.log))

    def test_what_is_not_there_says_its_name(self):
        async def run(cw, worker):
            for owner, name in ((cw, "exec_local_command"), (worker, "leave"),
                                (worker.session_tasks, "cancel_everything")):
                assert not hasattr(owner, name)
                try:
                    getattr(owner, name)
                    raise AssertionError
                except NotImplementedError as error:
                    assert name in str(error)
            await cw.speak("fine")

        talk = Conversation(run)
        self.assertEqual((talk.said, talk.errors), (["fine"], ""))

    def test_files_in_all_spellings(self):
        async def run(cw, worker):
            await cw.write_file("a.txt", "1", False, mode="w")
            await cw.write_file("a.txt", "2", temp=True)
            await cw.write_file("a.txt", "3", in_ability_directory=True)
            await cw.atomic_write_file("b.txt", "4", True)
            assert await cw.read_file("a.txt", False) == "1"
            assert await cw.read_file("a.txt", temp=True) == "23"
            assert await cw.check_if_file_exists("b.txt", temp=True)
            assert not await cw.check_if_file_exists("b.txt")
            await cw.delete_file("b.txt", True)
            assert await cw.get_user_data_file_names() == ["a.txt", "x.json"]

        talk = Conversation(run)
        self.assertEqual((talk.exit_code, talk.errors), (0, ""))
        self.assertEqual(self.storage.files(), {"a.txt": b"23"})


class AModel(unittest.TestCase):
    class Host:
        Message = SimpleNamespace

        def answer(self, prompt, history, system):
            if prompt == "fail":
                error = Exception()
                error.value = "out of tokens"
                raise error
            if prompt == "none":
                return None
            said = [f"{m.role}:{m.content}" for m in history]
            return f"{prompt}|{','.join(said)}|{system}"

    def setUp(self):
        self.log = Remembered()
        self.model = Model(self.log, self.Host())

    def test_an_answer(self):
        history = [{"role": "user", "content": "a"}, {"role": "assistant", "content": None}, "b"]
        self.assertEqual(self.model.answer("p", history, "s"), "p|user:a,assistant:,user:b|s")
        self.assertEqual(self.model.answer("p", None, None), "p||")

    def test_no_model_is_said_once(self):
        for model in (self.model, Model(self.log)):
            self.log.lines.clear()
            self.assertEqual([model.answer("none", [], "")] * 2, ["", ""])
            model.answer("none", [], "")
            self.assertEqual(len(self.log.lines), 1)
            self.assertIn("no language model is linked", str(self.log))

    def test_a_failure_is_said(self):
        self.assertEqual(self.model.answer("fail", [], ""), "")
        self.assertIn("out of tokens", str(self.log))


if __name__ == "__main__":
    unittest.main()
