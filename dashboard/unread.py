"""Reads away what a refused request still sends, so that its answer arrives.

The web server ends a connection that holds much unread body: a program that has not finished
sending then sees a broken connection instead of the 401 or 413, and so does its next request.
"""

import time

from flask import Response, request

LITTLE = 65_536  # bytes that the web server itself reads away
MOST = 8 * 1024 * 1024  # bytes; whoever sends more has to connect again
PATIENCE_S = 2.0


def read_away(response: Response) -> Response:
    """Discard the rest of a request's body; an `after_request` function."""
    source = request.environ.get("wsgi.input")
    ends = request.environ.get("wsgi.input_terminated")  # else reading on would wait for ever
    if source is None or not ends or (request.content_length or 0) <= LITTLE:
        return response
    deadline, left = time.monotonic() + PATIENCE_S, MOST
    try:
        while left > 0 and time.monotonic() < deadline and (part := source.read(LITTLE)):
            left -= len(part)
    except OSError:
        pass  # it hung up; nobody waits for the answer
    return response
