"""Devices: list, add, show, change, delete, and a new password for the broker."""

from typing import Annotated, Literal

from pydantic import Field

import wiring
from api import callers, shown
from api.models import Answer, Body, Line, Name, Page, Paging, Patch, Words
from api.paging import page
from api.routing import Routes
from api.shown import Credentials, DeviceShown, MqttAccess
from auth import access, circumstances
from auth.sessions import client_address
from clock import to_ms, utcnow
from db.models import Device, Level, User
from devices import registry

routes = Routes("devices")

ControllerId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
HardwareId = Annotated[Line, Field(min_length=1, max_length=64)]
KindName = Literal["lock", "gate", "sensor", "led", "gauge", "other"]


class NewDevice(Body):
    """A device to be added."""

    name: Name
    kind: KindName = "other"
    hardware_id: HardwareId | None = None
    controller_id: ControllerId | None = None


class DeviceChange(Patch):
    """What is to be different about a device.

    `retention_days` says for how many days single readings are kept; 0: for ever, null: as the
    server's default says.
    """

    name: Name | None = None
    kind: KindName | None = None
    controller_id: ControllerId | None = None
    notes: Annotated[Words, Field(max_length=4000)] | None = None
    timezone: Annotated[Line, Field(max_length=64)] | None = None
    expected_interval_s: Annotated[int, Field(ge=1, le=604_800)] | None = None
    hold_to_act: bool | None = None
    sealed: bool | None = None
    retention_days: Annotated[int, Field(ge=0, le=36_500)] | None = None


class ChangedDevice(DeviceShown):
    """A device after a change; `unchanged` when everything was so already."""

    unchanged: bool


class NewPassword(Answer):
    """How the device logs in to the broker from now on."""

    mqtt: MqttAccess


@routes.get("/devices")
def listing(by: User, query: Paging) -> Page[DeviceShown]:
    """List the devices that one may see, in the order they were made."""
    found, following = page(
        access.visible_devices(by), query, lambda one: (to_ms(one[0].created_at), one[0].public_id)
    )
    return Page(items=shown.devices(found), next=following)


@routes.post("/devices", refusals=(409,))
def add(by: User, body: NewDevice) -> Credentials:
    """Add a device that one will own; the answer has its secrets, this once."""
    parts = wiring.current()
    made = registry.create(
        **dict(body),
        by=by,
        broker=parts.broker,
        keys=parts.keys,
        namespace=parts.settings.mqtt_namespace,
        **circumstances.of_change(),
    )
    return shown.credentials(made.device, made.mqtt_password, made.command_key, made.token)


@routes.get("/devices/<key:device_id>")
def show(device_id: str, by: User | Device) -> DeviceShown:
    """Show one device."""
    device = callers.reach(by, device_id)
    return shown.device(device, access.level(by, device) if isinstance(by, User) else None)


@routes.patch("/devices/<key:device_id>", refusals=(409,))
def change(device_id: str, by: User, body: DeviceChange) -> ChangedDevice:
    """Rename a device or change its settings; what is left out stays."""
    device = access.visible(by, device_id, Level.MANAGER)
    broker = wiring.current().broker
    changed = registry.update(
        device, by=by, broker=broker, **circumstances.of_change(), **body.given
    )
    after = shown.device(device, access.level(by, device))
    return ChangedDevice(**dict(after), unchanged=not changed)


@routes.delete("/devices/<key:device_id>")
def delete(device_id: str, by: User) -> None:
    """Delete a device with all its readings; only its owner may."""
    parts = wiring.current()
    device = access.visible(by, device_id, Level.OWNER)
    registry.delete(
        device, by=by, broker=parts.broker, store=parts.store, **circumstances.of_change()
    )


@routes.post("/devices/<key:device_id>/credentials")
def rotate(device_id: str, by: User) -> NewPassword:
    """Give a device a new password for the broker; the old one stops, a live connection is cut."""
    parts = wiring.current()
    device = access.visible(by, device_id, Level.MANAGER)
    password = registry.rotate(
        device,
        by=by,
        broker=parts.broker,
        keys=parts.keys,
        now=utcnow(),
        address=client_address(),
    )
    return NewPassword(mqtt=shown.mqtt_access(device, password))
