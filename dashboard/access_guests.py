"""The part of the access page that is about guests: the links of a door, as list and calendar."""

from typing import Any
from zoneinfo import ZoneInfo

from dash import Input, Output, State, callback, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask_babel import gettext as _

import wiring
from auth import access as rights
from auth import sessions
from clock import utcnow
from dashboard import (
    access_sections,
    errors_shown,
    guest_calendar,
    guest_form,
    guest_links,
    ids,
    rows,
)
from dashboard.access import access
from db.models import Device, Level, User
from devices import guests, link_calendar
from errors import NotFound

MADE, FORM, COPIED = "access-made", "access-link-form", "access-copied"


def register() -> None:
    """Let the buttons of this part answer; each Dash application asks for it anew."""
    callback(
        Output(ids.ACCESS_LINKS, "children", allow_duplicate=True),
        Output(ids.ACCESS_WEEKS, "data"),
        rows.presses(guest_calendar.GO),
        State(ids.ACCESS_DEVICE, "data"),
        prevent_initial_call=True,
    )(turn)
    callback(
        Output(MADE, "children"),
        Output(ids.ACCESS_LINKS, "children"),
        Output(guest_form.PROBLEM, "children"),
        Output(COPIED, "children", allow_duplicate=True),
        Input(guest_form.CREATE, "n_clicks"),
        *(State(name, "value") for name in guest_form.FIELDS),
        State(ids.ACCESS_WEEKS, "data"),
        State(ids.ACCESS_DEVICE, "data"),
        prevent_initial_call=True,
        running=[(Output(guest_form.CREATE, "disabled"), True, False)],
        on_error=errors_shown.beside(guest_form.PROBLEM),
    )(create_link)
    callback(
        Output(ids.ACCESS_LINKS, "children", allow_duplicate=True),
        rows.presses(guest_links.REVOKE),
        State(ids.ACCESS_WEEKS, "data"),
        State(ids.ACCESS_DEVICE, "data"),
        prevent_initial_call=True,
    )(revoke_link)
    callback(
        *(Output(name, "value") for name in guest_form.FIELDS),
        Output(COPIED, "children"),
        Output(FORM, "open"),
        rows.presses(guest_links.COPY),
        State(ids.ACCESS_DEVICE, "data"),
        prevent_initial_call=True,
    )(copy_link)


def section(device: Device, user: User) -> Component:
    """Return the links of a door, and the form that makes one."""
    return access_sections.section(
        _("Guest links"),
        dcc.Store(id=ids.ACCESS_WEEKS),
        rows.listening(guest_calendar.GO, guest_links.REVOKE, guest_links.COPY),
        html.Div(id=MADE),
        html.Div(links(device, user, None), id=ids.ACCESS_LINKS, className="gh-stack"),
        html.Details(
            [
                html.Summary(_("New guest link …")),
                html.Div(id=COPIED),
                guest_form.form(guests.zone_of(device, user), now=utcnow()),
            ],
            id=FORM,
            className="gh-fold",
            open=not guests.of(device, by=user),  # nothing else to do here for now
        ),
        html.Div(dcc.Link(_("Links for many guests from a list"), href="/devices/guest-links")),
    )


def no_section() -> Component:
    """Return what the callbacks of the page look for where there is no door."""
    return html.Div([dcc.Store(id=ids.ACCESS_WEEKS), html.Div(id=ids.ACCESS_LINKS)], hidden=True)


def links(device: Device, user: User, weeks: Any) -> list[Component]:
    """Return calendar and list of the links of a door; `weeks` as the browser names them."""
    found, now = guests.of(device, by=user), utcnow()
    zone = ZoneInfo(guests.zone_of(device, user))
    today = now.astimezone(zone).date()
    return [
        guest_calendar.calendar(
            link_calendar.stays(found, now=now),
            guest_calendar.view(weeks, today=today),
            zone,
            today=today,
        ),
        guest_links.listing(found, now=now),
    ]


@access("user")
def turn(user: User, press: Any, public_id: Any) -> Any:
    """Show other weeks."""
    weeks = guest_calendar.target(rows.pressed(press))
    return links(_device(user, public_id), user, weeks), weeks


@access("user")
def create_link(user: User, clicks: int | None, *values: Any) -> Any:
    """Make a guest link and show its address, this once."""
    if not clicks:
        raise PreventUpdate
    *filled, weeks, public_id = values
    device = _device(user, public_id)
    parts = wiring.current()
    link, url = guests.create(
        device,
        guest_form.terms(dict(zip(guest_form.FIELDS, filled, strict=True))),
        by=user,
        keys=parts.keys,
        url=parts.settings.url,
        now=utcnow(),
        address=sessions.client_address(),
    )
    return guest_links.made(link, url), links(device, user, weeks), None, None


@access("user")
def revoke_link(user: User, press: Any, weeks: Any, public_id: Any) -> Any:
    """End a guest link."""
    link_id = rows.pressed(press)
    device = _device(user, public_id)
    guests.revoke(device, link_id, by=user, now=utcnow(), address=sessions.client_address())
    return links(device, user, weeks)


@access("user")
def copy_link(user: User, press: Any, public_id: Any) -> Any:
    """Fill the form with what a link allows, for the next guest."""
    link_id = rows.pressed(press)
    for link in guests.of(_device(user, public_id), by=user):
        if link.public_id == link_id:
            return [*guest_form.copied(link), guest_form.copied_note(link), True]
    raise NotFound("guest_link_not_found", _("There is no such link."))


def _device(user: User, public_id: Any) -> Device:
    return rights.visible(user, public_id if isinstance(public_id, str) else "", Level.MANAGER)
