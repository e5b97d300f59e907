"""The connection that a request came over, to break it while its answer is being sent."""

import contextlib
import socket
import struct
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from flask import current_app, request

AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: what is not sent yet is thrown away, with a reset


def breaker() -> Callable[[], None]:
    """Return what breaks the connection of this request, from any thread.

    A thread that waits there for a slow reader gets an error.  Where the web server does not show
    its connections, it does nothing.
    """
    connection = request.environ.get("gunicorn.socket")
    return partial(_break, connection) if isinstance(connection, socket.socket) else _leave


def apart() -> Callable[[], AbstractContextManager[object]]:
    """Return what gives a context of this application once the request is over."""
    context: Callable[[], AbstractContextManager[object]] = current_app.app_context
    return context


def _break(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it is gone already
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        # that of TLS would forget the key first, and a thread that sends just then sends in clear
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _leave() -> None:
    pass
