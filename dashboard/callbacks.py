"""Looks at a callback request before Dash does: who may call it, and is it one at all.

Dash itself answers a body that it does not understand with an internal error, and runs any
callback for anybody; its own checks cover neither.
"""

from typing import Any

import dash
from flask import Response, jsonify, request

from auth import circumstances, refusals
from dashboard import access
from db.models import User
from devices.parsing import storable
from errors import Forbidden

PATH = "/_dash-update-component"
ROUTER = ".._pages_content.children..._pages_store.data.."


class Malformed(Exception):
    """The body is not a call of a callback that exists."""


def refusal(app: dash.Dash, user: User) -> Response | None:
    """Return the answer to a call that must not reach Dash, or None."""
    try:
        body = _body()
        entry = _entry(app, body)
        _check_shape(body, entry)
        level = _page_level(app, body) if body["output"] == ROUTER else _level(entry)
    except Malformed as error:
        answer = jsonify(error={"code": "bad_request", "message": str(error)})
        answer.status_code = 400
        return answer
    if access.allows(level, user):
        return None
    asked = circumstances.of_refusal()
    if body["output"] == ROUTER:
        asked["path"] = body["inputs"][0]["value"]
    refusals.forbidden(Forbidden(), user=user, **asked)
    answer = jsonify(error={"code": "forbidden", "message": "You may not do that."})
    answer.status_code = 403
    return answer


def _body() -> dict[str, Any]:
    try:
        body = request.get_json(silent=True)
    except RecursionError:
        raise Malformed("nested too deeply") from None
    if not isinstance(body, dict) or not isinstance(body.get("output"), str):
        raise Malformed("not a callback request")
    if not _is_storable(body):
        raise Malformed("a text holds what no text may")
    return body


def _is_storable(value: Any) -> bool:
    """Return whether a database can take all texts in a value; JSON can hold others."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str) and not storable(one):
            return False
    return True


def _entry(app: dash.Dash, body: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] | None = app.callback_map.get(body["output"])
    if entry is None or "callback" not in entry:
        raise Malformed("no such callback")
    return entry


def _level(entry: dict[str, Any]) -> access.Level | None:
    return access.declared(entry["callback"])


def _page_level(app: dash.Dash, body: dict[str, Any]) -> access.Level | None:
    """Return what the page asks for whose content is called for; an unknown page says so."""
    pathname, search = (item.get("value") for item in body["inputs"])
    if not isinstance(pathname, str) or not isinstance(search, str | None):
        raise Malformed("not a path")
    if not pathname.startswith("/"):
        raise Malformed("not a path")
    page = page_at(app, pathname)
    return access.declared(page["layout"]) if page else "user"


def page_at(app: dash.Dash, pathname: str) -> dict[str, Any] | None:
    """Return the registered page at a path, found as Dash's own router finds it."""
    page, _variables = dash._pages._path_to_page(app.strip_relative_path(pathname))
    return page or None


def _check_shape(body: dict[str, Any], entry: dict[str, Any]) -> None:
    """Compare what came with what the callback declares, as far as Dash relies on it.

    Raises:
        Malformed: they differ.
    """
    changed = body.get("changedPropIds", [])
    if not isinstance(changed, list) or not all(isinstance(name, str) for name in changed):
        raise Malformed("changedPropIds is not a list of names")
    for name, key in (("inputs", "inputs"), ("state", "state")):
        given, wanted = body.get(name, []), entry[key]
        if not isinstance(given, list) or len(given) != len(wanted):
            raise Malformed(f"{name} do not fit the callback")
        if not all(_fits(item, spec) for item, spec in zip(given, wanted, strict=True)):
            raise Malformed(f"{name} do not fit the callback")
    if not entry["no_output"] and not _outputs_fit(body.get("outputs"), entry["output"]):
        raise Malformed("outputs do not fit the callback")


def _outputs_fit(given: Any, wanted: Any) -> bool:
    if not isinstance(wanted, list | tuple):
        return _fits(given, wanted.to_dict())
    if not isinstance(given, list) or len(given) != len(wanted):
        return False
    return all(_fits(item, spec.to_dict()) for item, spec in zip(given, wanted, strict=True))


def _fits(item: Any, spec: dict[str, Any]) -> bool:
    """Return whether an item names the declared component; a wildcard takes a list of them."""
    if isinstance(item, list):
        return "{" in spec["id"] and all(_fits(part, spec) for part in item)
    if not isinstance(item, dict) or _plain(item.get("property")) != _plain(spec["property"]):
        return False
    if "{" in spec["id"]:
        return isinstance(item.get("id"), dict)
    return bool(item.get("id") == spec["id"])


def _plain(name: Any) -> Any:
    """Return the name of a property without the mark that Dash puts on a second output."""
    return name.partition("@")[0] if isinstance(name, str) else None
