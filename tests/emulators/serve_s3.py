"""moto, one request at a time.

It looks whether a condition holds and writes later, so of two requests at once both may
find that it does, and the probe refuses such a store.
"""

import sys
from collections.abc import Iterable
from threading import Lock
from typing import Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    create_backend_app,
)
from werkzeug.serving import run_simple

moto = DomainDispatcherApplication(create_backend_app)
turn = Lock()


def in_turn(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    with turn:
        return list(moto(environ, start_response))


if __name__ == "__main__":
    run_simple("127.0.0.1", int(sys.argv[1]), in_turn, threaded=True)
