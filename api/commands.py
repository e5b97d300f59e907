"""Commands: what is asked of a device, and what came of it."""

from typing import Annotated, Any

from pydantic import Field

import wiring
from api import idempotency
from api.models import Answer, Body, Line, Page, Paging, Time
from api.paging import decode, encode
from api.routing import Routes
from auth import access
from auth.sessions import client_address
from clock import utcnow
from db.models import Level, User
from devices import access_log, commands

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
    via: str  # the right: owner, manager, operator, share_token, guest_link, app_token
    channel: str  # page, api, guest, app, cli
    asked_at: Time
    expires_at: Time
    sent_at: Time | None
    delivered_at: Time | None
    answered_at: Time | None


class Logged(Asked):
    """A line of the access log: besides, from where, and what was handed out to whom asked."""

    via_id: str  # of the guest link, share token or paired app
    via_label: str
    address: str


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
        key=idempotency.wish(),
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
    found = commands.find(access.visible(by, device_id), command_id)
    return Asked(**_fields(access_log.entry(found)))


@routes.get("/devices/<key:device_id>/access-log")
def log(device_id: str, by: User, query: Paging) -> Page[Logged]:
    """List who asked what of a device, by what right, when, and what came of it; newest first."""
    device = access.visible(by, device_id, Level.MANAGER)
    before = decode(query.cursor)[0] if query.cursor else None
    found = access_log.newest(device, by=by, limit=query.limit + 1, before=before)
    shown = found[: query.limit]
    following = encode((shown[-1].command.id, "")) if len(found) > len(shown) else None
    return Page(items=[Logged(**_fields(one)) for one in shown], next=following)


def _fields(entry: access_log.Entry) -> dict[str, Any]:
    command = entry.command
    return {
        "id": command.public_id,
        "name": command.name,
        "params": command.params,
        "state": command.state,
        "detail": command.detail,
        "by": entry.by,
        "via": entry.via,
        "via_id": entry.via_id,
        "via_label": entry.via_label,
        "channel": entry.channel,
        "address": entry.address,
        "asked_at": command.asked_at,
        "expires_at": command.expires_at,
        "sent_at": command.sent_at,
        "delivered_at": command.delivered_at,
        "answered_at": command.answered_at,
    }
