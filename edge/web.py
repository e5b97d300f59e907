"""HTTP from a device to the server: short errors in words, no redirects, nothing endless."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from http.client import HTTPException, HTTPResponse
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

TIMEOUT_S = 20.0  # without a byte
WAITS_S = (0.5, 1.0, 2.0, 5.0, 10.0)  # between tries; the last one stays
MOST_ERROR = 4096  # bytes read of an answer that says what is wrong
T = TypeVar("T")


class Failed(Exception):
    """A transfer that came to nothing; the text says why."""


class Status(Exception):
    """The server answered with something else than what was asked for."""

    def __init__(self, status: int, code: str, text: str, details: Mapping[str, Any]) -> None:
        super().__init__(text or f"the server answered {status}")
        self.passes = status == 429 or status >= 500  # whether trying again later may help
        self.error = code  # such as wrong_offset
        self.details = details


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Go nowhere else: an address that was not announced is not to be trusted."""


class Web:
    """The way to the server."""

    def __init__(self, ca: str = "") -> None:
        """Prepare; `ca` names a file with the authority's certificate, empty: the system's."""
        context = ssl.create_default_context(cafile=ca or None)
        self._opener = build_opener(_NoRedirect, HTTPSHandler(context=context))

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> AbstractContextManager[HTTPResponse]:
        """Return the answer to a request.

        Raises:
            Status: the server refuses.
            OSError, HTTPException: it could not be reached, or fell silent.
        """
        request = Request(url, body, dict(headers), method=method)  # noqa: S310  http or https, checked
        try:
            answer: AbstractContextManager[HTTPResponse] = self._opener.open(
                request, timeout=TIMEOUT_S
            )
        except HTTPError as error:
            with error:
                raise _status(error.code, error.read(MOST_ERROR)) from None
        return answer


def insist(attempt: Callable[[], T], *, until_s: float, ending: threading.Event | None = None) -> T:
    """Try until it works.

    Args:
        attempt: goes on where the last one was cut.
        until_s: the monotonic time at which trying ends.
        ending: set when the program ends.

    Raises:
        Failed: the server refuses for good, or the time is over.
    """
    tries, ending = 0, ending or threading.Event()
    while True:
        try:
            return attempt()
        except Status as error:
            if not error.passes:
                raise Failed(str(error)) from None
            why: Exception = error
        except (OSError, HTTPException) as error:
            why = error
        wait_s = WAITS_S[min(tries, len(WAITS_S) - 1)]
        tries += 1
        if time.monotonic() + wait_s >= until_s or ending.wait(wait_s):
            raise Failed(f"the server cannot be reached: {why}") from None


def _status(code: int, body: bytes) -> Status:
    try:
        error = json.loads(body)["error"]
        return Status(code, str(error["code"]), str(error["message"]), dict(error["details"]))
    except (ValueError, KeyError, TypeError):
        return Status(code, "", "", {})
