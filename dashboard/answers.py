"""How the routes behind the pages' scripts answer: JSON, never kept by a cache."""

from typing import Any

import orjson
from flask import Response

from auth import circumstances, refusals, sessions
from errors import AppError, TooMany
from notify.language import translate


def answer(data: dict[str, Any], status: int = 200) -> Response:
    """Return data as JSON; numpy arrays become lists, NaN becomes null."""
    return Response(
        orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY),
        status=status,
        mimetype="application/json",
        headers={"Cache-Control": "no-store"},
    )


def refusal(error: AppError) -> Response:
    """Return what went wrong, in the language of the person who sees it."""
    refusals.forbidden(error, user=sessions.signed_in(), **circumstances.of_refusal())
    response = answer({"error": {"code": error.code, "message": translate(error)}}, error.status)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response
