"""Commands: what is asked of a device, and what came of it."""

import uuid
from typing import Annotated, Any

from pydantic import Field

import wiring
from api.models import Answer, Body, Line, Page, Paging, Time
from api.paging import decode, encode
from api.routing import Routes
from auth import access
from auth.sessions import client_address
from clock import utcnow
from db.models import Command, Level, User
from devices import commands

routes = Routes("commands")


class Ask(Body):
    """A command: unlock, lock, open, close, stop, on, off, set, restart, or one of your own."""

    name: Annotated[Line, Field(min_length=1, max_length=64)]
    params: dict[str, Any] = {}
    expires_in: Annotated[float, Field(gt=0, le=10)] | None = None  # seconds


class Sent(Answer):
    """A command that is on its way."""

    id: str
    state: str


class Asked(Answer):
    """A command and what came of it."""

    id: str
    name: str
    params: dict[str, Any]
    state: str
    detail: str
    by: str
    via: str
    asked_at: Time
    expires_at: Time
    sent_at: Time | None
    delivered_at: Time | None
    answered_at: Time | None


@routes.post("/devices/<key:device_id>/commands", status=202, refusals=(409,))
def ask(device_id: str, by: User, body: Ask) -> Sent:
    """Ask something of a device.

    The command is written down, signed and sent; it expires in seconds and is carried out at most
    once.  With an Idempotency-Key the same request sent twice asks once.
    """
    parts = wiring.current()
    command = commands.ask(
        access.visible(by, device_id, Level.OPERATOR),
        body.name,
        body.params,
        by=by,
        via="api",
        key=uuid.uuid4().hex,  # the same request again is answered before it comes here
        address=client_address(),
        publisher=parts.publisher,
        keys=parts.keys,
        bus=parts.bus,
        namespace=parts.settings.mqtt_namespace,
        now=utcnow(),
        expires_in_s=body.expires_in,
    )
    return Sent(id=command.public_id, state=command.state)


@routes.get("/devices/<key:device_id>/commands/<key:command_id>")
def show(device_id: str, command_id: str, by: User) -> Asked:
    """Show what came of a command.

    States: queued, sent, delivered, done, refused, failed, expired, no_answer.
    """
    return _asked(commands.find(access.visible(by, device_id), command_id))


@routes.get("/devices/<key:device_id>/access-log")
def log(device_id: str, by: User, query: Paging) -> Page[Asked]:
    """List who asked what of a device, by what right, when, and what came of it; newest first."""
    device = access.visible(by, device_id, Level.MANAGER)
    before = decode(query.cursor)[0] if query.cursor else None
    found = commands.recent(device, limit=query.limit + 1, before=before)
    shown = found[: query.limit]
    following = encode((shown[-1].id, "")) if len(found) > len(shown) else None
    return Page(items=list(map(_asked, shown)), next=following)


def _asked(command: Command) -> Asked:
    return Asked(
        id=command.public_id,
        name=command.name,
        params=command.params,
        state=command.state,
        detail=command.detail,
        by=command.actor,
        via=command.via,
        asked_at=command.asked_at,
        expires_at=command.expires_at,
        sent_at=command.sent_at,
        delivered_at=command.delivered_at,
        answered_at=command.answered_at,
    )
