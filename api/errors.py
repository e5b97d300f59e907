"""Errors as programs see them: one shape, `{"error": {"code", "message", "details"}}`."""

import logging
import secrets
from typing import Any

import orjson
from flask import Blueprint, Response, g
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

import wiring
from auth import circumstances, refusals, sessions
from db.models import User
from errors import AppError, Invalid, NotFound, TooMany, Unauthenticated, Unavailable
from notify.language import translate
from notify.mark import N_

REST = N_("%(field)s: this value cannot be used.")
OURS = {  # what `api.models` says of times and numbers, as the routes of the pages say it too
    "bad_time": N_("%(field)s is not a time with its offset, such as 2026-01-31T12:00:00Z."),
    "bad_range": N_("The range must end after it begins."),
    "bad_number": N_("%(field)s is a whole number from 1 to %(most)s."),
}

log = logging.getLogger("gatehouse.api")


class BadJson(AppError):
    """The body is no JSON document."""

    status, code, text = 400, "bad_json", N_("The body is not JSON.")


class NotAllowed(AppError):
    """The address is right and the method is not."""

    status, code, text = 405, "method_not_allowed", N_("This method is not possible here.")


class TooLarge(AppError):
    """The body is longer than this route takes."""

    status, code, text = 413, "too_large", N_("The body is too large.")


class WrongMedia(AppError):
    """The body is said to be something that this route does not take."""

    status, code, text = (
        415,
        "unsupported_media_type",
        N_("This content type is not accepted; send %(accepted)s."),
    )


class Broken(AppError):
    """Something of ours went wrong; the log has more under the trace."""

    status, code, text = 500, "internal", N_("Something went wrong here. Trace: %(trace)s")


def install(blueprint: Blueprint) -> None:
    """Answer every error of a blueprint in the one shape."""
    blueprint.register_error_handler(AppError, refuse)
    blueprint.register_error_handler(HTTPException, lambda error: answer(_from_http(error)))
    blueprint.register_error_handler(Exception, _unexpected)
    for kind in wiring.DATABASE_AWAY:
        blueprint.register_error_handler(kind, _away)


def refuse(error: AppError) -> Response:
    """Answer an error, and write down that somebody asked for what only others may."""
    found = g.get("caller")
    user = found if isinstance(found, User) else None
    refusals.forbidden(error, user=user, **circumstances.of_refusal())
    return answer(error)


def answer(error: AppError) -> Response:
    """Return an error as an answer."""
    details = {name: value for name, value in error.details.items() if _is_plain(value)}
    shape = {"error": {"code": error.code, "message": translate(error), "details": details}}
    response = Response(orjson.dumps(shape), error.status, mimetype="application/json")
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer realm="gatehouse"'
    if isinstance(error, NotAllowed):
        response.headers["Allow"] = ", ".join(error.details["allowed"])  # type: ignore[arg-type]
    return response


def from_validation(error: ValidationError) -> AppError:
    """Return what pydantic found wrong: no JSON at all, or which fields."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return BadJson()
    fields = [
        {"field": _name(item["loc"]), "code": item["type"], "message": item["msg"]}
        for item in found[:20]
    ]
    first = fields[0]
    code = first["code"] if first["code"] in OURS else "invalid"
    given = error.errors(include_url=False, include_input=False)[0].get("ctx", {})
    more = {name: value for name, value in given.items() if isinstance(value, int)}
    return Invalid(code, OURS.get(code, REST), field=first["field"], **more, fields=fields)


def _name(place: tuple[int | str, ...]) -> str:
    return ".".join(map(str, place)) or "body"


def _from_http(error: HTTPException) -> AppError:
    if isinstance(error, MethodNotAllowed):
        return NotAllowed(allowed=sorted(error.valid_methods or []))
    if isinstance(error, RequestEntityTooLarge):
        return TooLarge()
    if error.code == 404:
        return NotFound()
    if error.code is not None and 400 <= error.code < 500:
        return _with_status(AppError(), error.code)
    return _unknown(error)


def _with_status(error: AppError, status: int) -> AppError:
    error.status = status
    return error


def _unexpected(error: Exception) -> Response:
    return answer(_unknown(error))


def _away(error: Exception) -> Response:
    log.warning("the database does not answer: %s", getattr(error, "orig", error))
    sessions.ask_no_more()  # for the language: who it is stands in the database too
    return answer(Unavailable())


def _unknown(error: Exception) -> AppError:
    trace = secrets.token_hex(8)
    log.error("trace %s", trace, exc_info=error)
    return Broken(trace=trace)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool | list | dict)
