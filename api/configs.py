"""The configuration of a device."""

from typing import Annotated, Any

from pydantic import Field

import wiring
from api.models import Answer, Body, Time
from api.routing import Routes
from auth import access
from auth.sessions import client_address
from clock import utcnow
from db.models import Device, DeviceConfig, User
from devices import configs
from errors import NotFound
from mqtt import topics
from notify.mark import N_

routes = Routes("configuration")


class NewConfig(Body):
    """A configuration; what is in it is between you and the device."""

    config: Annotated[dict[str, Any], Field(max_length=1000)]


class ConfigShown(Answer):
    """The newest configuration, and what the device says of the one that it has."""

    version: int
    config: dict[str, Any]
    author: str
    created_at: Time
    reported_version: int | None
    reported_result: str


class ConfigPushed(ConfigShown):
    """The same, with whether the broker took it."""

    sent: bool


@routes.get("/devices/<key:device_id>/config")
def show(device_id: str, by: User) -> ConfigShown:
    """Show the newest configuration of a device."""
    device = access.visible(by, device_id)
    config = configs.newest(device, by=by)
    if config is None:
        raise NotFound("config_not_found", N_("This device has no configuration yet."))
    return ConfigShown(**_fields(device, config))


@routes.put("/devices/<key:device_id>/config")
def push(device_id: str, by: User, body: NewConfig) -> ConfigPushed:
    """Push a configuration as the next version; the same one again is sent again."""
    device = access.visible(by, device_id)
    parts = wiring.current()
    pushed = configs.push(
        device,
        body.config,
        by=by,
        reported=_report(device),
        publisher=parts.publisher,
        topic=topics.of(parts.settings.mqtt_namespace, device.controller_id, "config"),
        now=utcnow(),
        address=client_address(),
    )
    return ConfigPushed(**_fields(device, pushed.config), sent=pushed.sent)


def _fields(device: Device, config: DeviceConfig) -> dict[str, Any]:
    reported = _report(device)
    return {
        "version": config.version,
        "config": config.body,
        "author": config.author,
        "created_at": config.created_at,
        "reported_version": reported.version if reported else None,
        "reported_result": reported.result if reported else "",
    }


def _report(device: Device) -> configs.Report | None:
    row = wiring.current().store.presence([device.id]).get(device.id)
    return configs.report(row.attributes) if row else None
