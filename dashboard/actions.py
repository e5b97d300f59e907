"""POST /devices/<id>/commands: the only way from a button on a page to a device.

A route of its own, because a Dash callback can fire when a page is loaded.  Flask-WTF checks the
`X-CSRFToken` header, the gate checks where the request comes from, and the key that the page made
for this one press lets a repeated request change nothing.
"""

from typing import Annotated, Any

import msgspec
from flask import Blueprint, Response, request

import wiring
from auth import access, sessions
from clock import utcnow
from dashboard.answers import answer, refusal
from devices import commands
from errors import AppError, Invalid, Unauthenticated
from notify.mark import N_

bp = Blueprint("actions", __name__)
bp.register_error_handler(AppError, refusal)


class Press(msgspec.Struct, forbid_unknown_fields=True):
    """What a page sends when a button was pressed."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}\Z")]
    key: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{16,64}\Z")]
    params: dict[str, Any] = {}


@bp.post("/devices/<public_id>/commands")
def ask(public_id: str) -> Response:
    """Ask a device to do something; answers 202 at once, the stream tells what comes of it."""
    user = sessions.signed_in()
    if user is None:
        raise Unauthenticated
    try:
        press = msgspec.json.decode(request.get_data(), type=Press)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Invalid("bad_command", N_("This command cannot be understood.")) from error
    parts = wiring.current()
    command = commands.ask(
        access.find(public_id),
        press.name,
        press.params,
        by=user,
        via="page",
        key=press.key,
        address=sessions.client_address(),
        publisher=parts.publisher,
        keys=parts.keys,
        bus=parts.bus,
        namespace=parts.settings.mqtt_namespace,
        now=utcnow(),
    )
    return answer({"id": command.public_id, "state": command.state}, 202)
