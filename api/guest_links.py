"""Guest links of a door."""

from typing import Annotated, Any

from flask import request
from pydantic import Field

import wiring
from api.models import Answer, Body, Line, Moment, Name, Page, Query, Time
from api.routing import Routes
from auth import access
from auth.sessions import client_address
from clock import utcnow
from db.models import GuestLink, User
from devices import guest_list, guests
from devices.guest_terms import Terms
from errors import Invalid
from notify.mark import N_

routes = Routes("guest links")


class NewLink(Body):
    """What a link allows; `weekly` is in the time zone of the door."""

    label: Name
    not_before: Moment
    not_after: Moment
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


class How(Query):
    """What to do with a list."""

    dry_run: bool = False


class Listed(Answer):
    """One line of a list: its link with its address, or what is wrong with it."""

    line: int
    device: str
    error: str
    message: str
    link: LinkOnce | None


class ListAnswer(Answer):
    """What became of each line, or would."""

    dry_run: bool
    lines: list[Listed]


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
        not_before=body.not_before,
        not_after=body.not_after,
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


@routes.post("/guest-links", status=(200, 201), takes=("text/csv", "text/plain"))
def add_all(by: User, query: How) -> tuple[ListAnswer, int]:
    """Make links for many guests from a CSV list, all of them or none; at most 200.

    Columns: device, guest, from, until, and if you like email, hours, uses, pin, language. With
    `dry_run` nothing is made, and every line is told what is wrong with it.
    """
    parts, now, data = wiring.current(), utcnow(), request.get_data()
    if query.dry_run:
        return _listed(guest_list.look_over(data, by=by, now=now), dry_run=True), 200
    lines = guest_list.create(
        data,
        by=by,
        keys=parts.keys,
        url=parts.settings.url,
        now=now,
        address=client_address(),
    )
    if guest_list.has_errors(lines):
        wrong = [line for line in _listed(lines, dry_run=False).lines if line.error]
        raise Invalid(
            "guest_list_refused",
            N_("No link was made: %(count)s lines cannot be used."),
            count=len(wrong),
            lines=[line.model_dump(include={"line", "device", "error"}) for line in wrong],
        )
    return _listed(lines, dry_run=False), 201


def _listed(lines: list[guest_list.Line], *, dry_run: bool) -> ListAnswer:
    return ListAnswer(
        dry_run=dry_run,
        lines=[
            Listed(
                line=one.number,
                device=one.name,
                error=one.error.code if one.error else "",
                message=one.error.message if one.error else "",
                link=LinkOnce(**_fields(one.link), url=one.url) if one.link else None,
            )
            for one in lines
        ],
    )


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
