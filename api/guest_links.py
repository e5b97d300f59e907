"""Guest links of a door."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, Field

import wiring
from api.models import Answer, Body, Line, Name, Page, Time
from api.routing import Routes
from auth import access
from auth.sessions import client_address
from clock import utcnow
from db.models import GuestLink, User
from devices import guests
from devices.guest_terms import Terms

routes = Routes("guest links")


class NewLink(Body):
    """What a link allows; `weekly` is in the time zone of the door."""

    label: Name
    not_before: AwareDatetime
    not_after: AwareDatetime
    timezone: Annotated[Line, Field(max_length=64)] = ""  # empty: the device's, or UTC
    weekly: Annotated[list[dict[str, Any]], Field(max_length=21)] = []
    max_uses: Annotated[int, Field(ge=1)] | None = None
    pin: Annotated[Line, Field(max_length=10)] = ""
    language: Annotated[Line, Field(max_length=8)] = ""
    email: Annotated[Line, Field(max_length=320)] = ""


class Link(Answer):
    """A link, without its address."""

    id: str
    label: str
    not_before: Time
    not_after: Time
    timezone: str
    weekly: list[dict[str, Any]]
    max_uses: int | None
    uses: int
    has_pin: bool
    email: str
    created_at: Time
    revoked_at: Time | None


class LinkOnce(Link):
    """A link with its address, which is shown this once."""

    url: str


@routes.get("/devices/<key:device_id>/guest-links")
def listing(device_id: str, by: User) -> Page[Link]:
    """List the links of a door, newest first."""
    found = guests.of(access.visible(by, device_id), by=by)
    return Page(items=[Link(**_fields(link)) for link in found])


@routes.post("/devices/<key:device_id>/guest-links")
def add(device_id: str, by: User, body: NewLink) -> LinkOnce:
    """Make a link with which somebody without an account opens the door."""
    parts = wiring.current()
    device = access.visible(by, device_id)
    terms = Terms(
        label=body.label,
        not_before=_utc(body.not_before),
        not_after=_utc(body.not_after),
        timezone=body.timezone or device.timezone or "UTC",
        weekly=body.weekly,
        max_uses=body.max_uses,
        pin=body.pin,
        language=body.language,
        email=body.email,
    )
    link, url = guests.create(
        device,
        terms,
        by=by,
        keys=parts.keys,
        url=parts.settings.url,
        now=utcnow(),
        address=client_address(),
    )
    return LinkOnce(**_fields(link), url=url)


@routes.delete("/devices/<key:device_id>/guest-links/<key:link_id>")
def revoke(device_id: str, link_id: str, by: User) -> None:
    """End a link at once."""
    device = access.visible(by, device_id)
    guests.revoke(device, link_id, by=by, now=utcnow(), address=client_address())


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(utcnow().tzinfo)


def _fields(link: GuestLink) -> dict[str, Any]:
    return {
        "id": link.public_id,
        "label": link.label,
        "not_before": link.not_before,
        "not_after": link.not_after,
        "timezone": link.timezone,
        "weekly": link.weekly,
        "max_uses": link.max_uses,
        "uses": link.uses,
        "has_pin": bool(link.pin_hash),
        "email": link.email,
        "created_at": link.created_at,
        "revoked_at": link.revoked_at,
    }
