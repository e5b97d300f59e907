"""`Idempotency-Key`: a writing request that comes again gets the first answer again."""

import hashlib
import re
import uuid
from collections.abc import Callable

from flask import Response, g, request

import wiring
from auth import repeats
from clock import utcnow
from errors import Invalid
from notify.mark import N_

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
FORM = re.compile(r"[\x21-\x7e]{1,64}")


def once(caller: str, carry_out: Callable[[], Response]) -> Response:
    """Carry a request out, or repeat what came of it when it has been carried out before.

    An error changes nothing, so it is not kept: the same request may be tried again.

    Raises:
        Invalid: the key has a wrong form, or came with another request.
        Conflict: the first request with this key is still running.
    """
    key = request.headers.get(HEADER)
    g.pop("wish", None)
    if key is None:
        return carry_out()
    if not FORM.fullmatch(key):
        raise Invalid(
            "bad_idempotency_key",
            N_("An idempotency key has 1 to 64 printable characters."),
            field=HEADER,
        )
    keys, fingerprint = wiring.current().keys, _fingerprint()
    before = repeats.begin(caller, key, fingerprint, keys=keys, now=utcnow())
    if before is not None:
        return Response(before.body, before.status, {REPLAYED: "true"}, mimetype="application/json")
    g.wish = hashlib.sha256(f"{caller}\n{key}\n{fingerprint}".encode()).hexdigest()[:40]
    try:
        response = carry_out()
    except BaseException:
        repeats.forget(caller, key)
        raise
    repeats.finish(caller, key, response.status_code, response.get_data(), keys=keys)
    return response


def wish() -> str:
    """Return the key of a command that this request asks for, in the row that it is written in.

    A request that comes again has the same one: its command goes out once, even if the first
    answer could not be kept, because the server failed or ended after it was sent.
    """
    return str(g.get("wish") or uuid.uuid4().hex)


def _fingerprint() -> str:
    asked = "\n".join([request.method, request.full_path]).encode()
    return hashlib.sha256(asked + b"\n" + request.get_data()).hexdigest()
