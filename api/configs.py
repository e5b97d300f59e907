"""The configuration of a device."""

from typing import Annotated, Any

from pydantic import Field

import wiring
from api.models import Answer, Body, Page, Time
from api.routing import Routes
from auth import access, circumstances
from db.models import Device, User
from devices import config_reports, configs
from errors import NotFound
from notify.mark import N_

routes = Routes("configuration")


class NewConfig(Body):
    """A configuration; what is in it is between you and the device."""

    config: Annotated[dict[str, Any], Field(max_length=1000)]


class VersionShown(Answer):
    """A version, and how far it is: waiting, sent, received, applied, failed, replaced."""

    version: int
    config: dict[str, Any]
    author: str
    created_at: Time
    state: str
    result: str  # the device's words about it


class ConfigShown(VersionShown):
    """The newest configuration, and what the device says of the one that it has."""

    reported_version: int | None
    reported_result: str


class ConfigPushed(ConfigShown):
    """The same, with whether the broker was there."""

    sent: bool


@routes.get("/devices/<key:device_id>/config")
def show(device_id: str, by: User) -> ConfigShown:
    """Show the newest configuration of a device."""
    return ConfigShown(**_newest(access.visible(by, device_id), by))


@routes.get("/devices/<key:device_id>/config/versions")
def versions(device_id: str, by: User) -> Page[VersionShown]:
    """List the versions that are kept, newest first."""
    found = configs.history(access.visible(by, device_id), by=by, store=wiring.current().store)
    return Page(items=[VersionShown(**_fields(one)) for one in found])


@routes.put("/devices/<key:device_id>/config")
def push(device_id: str, by: User, body: NewConfig) -> ConfigPushed:
    """Push a configuration as the next version; the same one again is sent again."""
    device = access.visible(by, device_id)
    pushed = configs.push(device, body.config, by=by, **circumstances.of_push())
    return ConfigPushed(**_newest(device, by), sent=pushed.sent)


@routes.post("/devices/<key:device_id>/config/<key:version>/push", status=200)
def push_again(device_id: str, version: str, by: User) -> ConfigPushed:
    """Push what an earlier version said as the next version."""
    device = access.visible(by, device_id)
    number = int(version) if version.isascii() and version.isdigit() else 0  # there is no 0
    pushed = configs.push_again(device, number, by=by, **circumstances.of_push())
    return ConfigPushed(**_newest(device, by), sent=pushed.sent)


def _newest(device: Device, by: User) -> dict[str, Any]:
    store = wiring.current().store
    found = configs.history(device, by=by, store=store)
    if not found:
        raise NotFound("config_not_found", N_("This device has no configuration yet."))
    said = config_reports.last(device, store)
    return _fields(found[0]) | {
        "reported_version": said.version if said else None,
        "reported_result": said.result if said else "",
    }


def _fields(version: configs.Version) -> dict[str, Any]:
    config = version.config
    return {
        "version": config.version,
        "config": config.body,
        "author": config.author,
        "created_at": config.created_at,
        "state": str(version.state),
        "result": version.words,
    }
