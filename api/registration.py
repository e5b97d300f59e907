"""Devices that register themselves at boot, and the people who claim them."""

from typing import Annotated

from pydantic import Field

import wiring
from api import shown
from api.devices import ControllerId, HardwareId
from api.models import Answer, Body, Line, Time
from api.routing import Routes
from api.shown import Credentials, DeviceShown
from auth import access, circumstances
from auth.sessions import client_address
from clock import utcnow
from db.models import User
from devices import claiming, registration

routes = Routes("registration")


class Boot(Body):
    """What a device says of itself when it starts."""

    hardware_id: HardwareId
    controller_id: ControllerId
    firmware: Annotated[Line, Field(max_length=64)] = ""
    claim_secret: Annotated[Line, Field(min_length=8, max_length=128)]


class Waiting(Answer):
    """How a person claims a device, and until when."""

    code: str
    url: str  # for a QR code
    expires_at: Time


class RegisteredDevice(Credentials):
    """A registered device with its secrets; `claim` until somebody has claimed it."""

    claim: Waiting | None


class Code(Body):
    """The code of a device that waits to be claimed."""

    code: Annotated[Line, Field(min_length=1, max_length=128)]


@routes.post("/devices/register", status=(201, 200), refusals=(403, 409))
def register(body: Boot) -> tuple[RegisteredDevice, int]:
    """Register a device at boot: 201 the first time, 200 ever after.

    Registering again updates firmware and controller id; readings stay. Where CLAIM_SECRET is not
    set, the credentials begin to work when somebody has claimed the device.
    """
    parts = wiring.current()
    required = parts.settings.claim_secret.get_secret_value()
    made = registration.register(
        **dict(body),
        required=required,
        broker=parts.broker,
        keys=parts.keys,
        now=utcnow(),
        address=client_address(),
    )
    return _answer(made, parts.settings.url), 201 if made.is_new else 200


@routes.post("/devices/claim", status=200, refusals=(404,))
def claim(by: User, body: Code) -> DeviceShown:
    """Become the owner of a device that registered itself, with the code that it shows."""
    parts = wiring.current()
    required = parts.settings.claim_secret.get_secret_value()
    device = claiming.claim(
        body.code,
        by=by,
        required=required,
        broker=parts.broker,
        keys=parts.keys,
        **circumstances.of_change(),
    )
    return shown.device(device, access.level(by, device))


def _answer(made: registration.Registered, url: str) -> RegisteredDevice:
    secrets = shown.credentials(made.device, made.mqtt_password, made.command_key, made.token)
    waiting = made.claim_code and Waiting(
        code=made.claim_code,
        url=f"{url}/devices/new?claim={made.claim_code}",
        expires_at=made.claim_until,
    )
    return RegisteredDevice(**dict(secrets), claim=waiting or None)
