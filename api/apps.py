"""Phone apps: the device vouches for a token, the app finds and operates its devices with it."""

from typing import Annotated

from flask import Response, request
from pydantic import Field

import wiring
from api import idempotency, sensors, shown
from api.callers import reach
from api.commands import Ask, Sent
from api.models import Answer, Body, Line, Page, Time
from api.routing import Routes, answer
from auth import access, circumstances, throttle
from auth.sessions import client_address
from clock import utcnow
from db.models import AppToken, Device, Level, User
from devices import app_tokens, commands, rights, sharing
from errors import Forbidden, NotFound, Unauthenticated
from notify.mark import N_

routes = Routes("apps")

APP_LIMIT = "600/minute"  # from one network


class Vouch(Body):
    """The token that an app handed to the device nearby."""

    app_token: Annotated[Line, Field(max_length=512)]
    level: Annotated[Line, Field(max_length=16)] = "operator"


class Paired(Answer):
    """An app that may reach a device."""

    id: str
    level: str
    created_at: Time
    used_at: Time | None
    revoked_at: Time | None
    revoked_by: str  # person: for ever; device: until it vouches for the app again


class Outcome(Sent):
    """What came of a command, in the device's words where it has any."""

    detail: str


@routes.post("/devices/<key:device_id>/app-tokens", refusals=(409,))
def vouch(device_id: str, by: Device, body: Vouch) -> Paired:
    """Let an app reach the calling device; 409 for a token that a person has revoked."""
    level = sharing.parse_level(body.level)
    return _paired(app_tokens.vouch(reach(by, device_id), body.app_token, level, now=utcnow()))


@routes.get("/devices/<key:device_id>/app-tokens")
def listing(device_id: str, by: User) -> Page[Paired]:
    """List the apps paired with a device."""
    found = app_tokens.of(access.visible(by, device_id), by=by)
    return Page(items=[_paired(row) for row in found])


@routes.delete("/devices/<key:device_id>/app-tokens/<key:app_id>")
def revoke(device_id: str, app_id: str, by: User | Device) -> None:
    """Refuse an app from its next request on; said by a manager or by the device itself."""
    person = by if isinstance(by, User) else None
    app_tokens.revoke(reach(by, device_id), app_id, by=person, **circumstances.of_change())


@routes.get("/discover", refusals=(401,))
def discover() -> Page[shown.DeviceShown]:
    """List the devices that the app with this `X-App-Token` may reach."""
    return Page(items=shown.devices(app_tokens.discover(_app_token(), now=utcnow())))


@routes.get("/discover/<key:device_id>/sensors", refusals=(401,))
def read(device_id: str) -> Page[sensors.Sensor]:
    """List the sensors of a device with their newest values, for the app with this token."""
    app, _owner = app_tokens.require(_app_token(), device_id, Level.VIEWER)
    return Page(items=sensors.shown(app.device))


@routes.post("/discover/<key:device_id>/commands", status=202, refusals=(401,), once=True)
def ask(device_id: str, body: Ask) -> Sent | Response:
    """Ask something of a device, as the app with this `X-App-Token`."""
    app, owner = app_tokens.require(_app_token(), device_id, Level.OPERATOR)
    return idempotency.once(
        f"app:{app.public_id}", lambda: answer(_sent(app, owner, body), status=202)
    )


def _sent(app: AppToken, owner: User, body: Ask) -> Sent:
    parts = wiring.current()
    if body.name not in commands.KNOWN:
        raise Forbidden("level_too_low", N_("An app may not ask this."))
    command = commands.ask(
        app.device,
        body.name,
        body.params,
        by=owner,
        actor=f"app {app.public_id}",
        right=rights.of_app(app),
        via="app",
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


@routes.get("/discover/<key:device_id>/commands/<key:command_id>", refusals=(401,))
def outcome(device_id: str, command_id: str) -> Outcome:
    """Show what came of a command that this app asked.

    States: queued, sent, delivered, done, refused, failed, expired, no_answer.
    """
    app, _owner = app_tokens.require(_app_token(), device_id, Level.OPERATOR)
    command = commands.find(app.device, command_id)
    if command.actor != f"app {app.public_id}":
        raise NotFound("command_not_found", N_("There is no such command."))
    return Outcome(id=command.public_id, state=command.state, detail=command.detail)


def _app_token() -> str:
    throttle.hit(f"app:{throttle.network(client_address())}", APP_LIMIT, now=utcnow())
    token = request.headers.get("X-App-Token", "")
    if not token:
        raise Unauthenticated("token_missing", N_("Send the app's token: X-App-Token: ..."))
    return token


def _paired(row: AppToken) -> Paired:
    return Paired(
        id=row.public_id,
        level=Level(row.level).name.lower(),
        created_at=row.created_at,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
        revoked_by=row.revoked_by,
    )
