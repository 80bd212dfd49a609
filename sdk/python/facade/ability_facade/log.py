"""The log of an ability: lines on standard error.

Must never write to standard output, which belongs to the conversation.
"""

import sys
import traceback


class Log:
    """What the platform calls `editor_logging_handler`. Takes messages in both
    styles, `info("x")` and `info("%s", x)`."""

    def _line(self, level: str, message: object, args: tuple) -> None:
        text = str(message)
        if args:
            try:
                text = text % args
            except (TypeError, ValueError):
                text = " ".join([text, *map(str, args)])
        print(f"[{level}] {text}", file=sys.stderr, flush=True)

    def debug(self, message: object, *args: object, **_: object) -> None:
        self._line("debug", message, args)

    def info(self, message: object, *args: object, **_: object) -> None:
        self._line("info", message, args)

    def warning(self, message: object, *args: object, **_: object) -> None:
        self._line("warning", message, args)

    warn = warning

    def error(self, message: object, *args: object, exc_info: object = None, **_: object) -> None:
        self._line("error", message, args)
        if exc_info:
            traceback.print_exc()

    critical = error

    def exception(self, message: object, *args: object, **_: object) -> None:
        self.error(message, *args, exc_info=True)
