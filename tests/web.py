"""A web server in the test process, for real browsers."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

ANSWER = "gatehouse.answer"


class Closing(WSGIRequestHandler):
    """Closes each answer.

    Werkzeug's own leaves the one open whose reader resets the connection just after the last part
    was sent: a file stays open, a download keeps its place.
    """

    def run_wsgi(self) -> None:
        try:
            super().run_wsgi()
        finally:
            answer = self.environ.pop(ANSWER, None)
            if close := getattr(answer, "close", None):
                close()


@contextlib.contextmanager
def serve(app: Flask, host: str = "localhost", port: int = 0) -> Iterator[int]:
    """Serve an application until the block ends; gives the port, any free one if none is asked."""

    def kept(environ: dict[str, Any], start_response: Any) -> Any:
        environ[ANSWER] = answer = app(environ, start_response)
        return answer

    web = make_server(host, port, kept, threaded=True, request_handler=Closing)
    thread = threading.Thread(target=web.serve_forever)
    thread.start()
    try:
        yield web.server_port
    finally:
        web.shutdown()
        thread.join()
        web.server_close()
