"""The part of the access page that is about people: who has which level, invited or in person."""

from typing import Any

from dash import ALL, Input, Output, State, callback, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask_babel import gettext as _

from auth import access as rights
from auth import circumstances, sessions
from clock import utcnow
from dashboard import access_sections, components, errors_shown, ids, inputs, people, rows
from dashboard.access import access
from db.models import Device, Level, User
from devices import invitations, sharing

PEOPLE = "access-people"


def register() -> None:
    """Let the buttons of this part answer; each Dash application asks for it anew."""
    callback(
        Output(PEOPLE, "children"),
        Output(people.PROBLEM, "children"),
        Output(people.EMAIL, "value"),
        Input(people.SHARE, "n_clicks"),
        State(people.EMAIL, "value"),
        State(people.LEVEL, "value"),
        State(ids.ACCESS_DEVICE, "data"),
        prevent_initial_call=True,
        running=[(Output(people.SHARE, "disabled"), True, False)],
        on_error=errors_shown.beside(people.PROBLEM),
    )(share)
    callback(
        Output(people.HANDED, "children"),
        Output(PEOPLE, "children", allow_duplicate=True),
        Input(people.HAND, "n_clicks"),
        State(people.HEIR, "value"),
        State(ids.ACCESS_DEVICE, "data"),
        prevent_initial_call=True,
        running=[(Output(people.HAND, "disabled"), True, False)],
        on_error=errors_shown.beside(people.HANDED),
    )(hand_over)
    callback(
        Output(PEOPLE, "children", allow_duplicate=True),
        rows.presses(people.CHANGE),
        State({"type": people.NEW_LEVEL, "row": ALL}, "id"),
        State({"type": people.NEW_LEVEL, "row": ALL}, "value"),
        State(ids.ACCESS_DEVICE, "data"),
        prevent_initial_call=True,
    )(change_level)
    callback(
        Output(PEOPLE, "children", allow_duplicate=True),
        rows.presses(people.REMOVE),
        State(ids.ACCESS_DEVICE, "data"),
        prevent_initial_call=True,
    )(remove)
    callback(
        Output(PEOPLE, "children", allow_duplicate=True),
        rows.presses(people.WITHDRAW),
        State(ids.ACCESS_DEVICE, "data"),
        prevent_initial_call=True,
    )(withdraw)


def section(device: Device, user: User, level: Level) -> Component:
    """Return who has access, for somebody of this level."""
    return access_sections.section(
        _("Who has access"),
        rows.listening(people.CHANGE, people.REMOVE, people.WITHDRAW),
        html.Div(listing(device, user, level), id=PEOPLE),
        people.form(level),
    )


@access("user")
def share(user: User, clicks: int | None, email: Any, level: Any, public_id: Any) -> Any:
    """Give an address a level."""
    if not clicks:
        raise PreventUpdate
    device = _device(user, public_id)
    sharing.share(
        device,
        inputs.text(email),
        sharing.parse_level(inputs.text(level)),
        by=user,
        **circumstances.of_change(),
    )
    return listing(device, user), None, ""


@access("user")
def hand_over(user: User, clicks: int | None, email: Any, public_id: Any) -> Any:
    """Offer the device to somebody, who becomes its owner by accepting."""
    if not clicks:
        raise PreventUpdate
    device = _device(user, public_id, Level.OWNER)
    offer = invitations.offer_ownership(
        device, inputs.text(email), by=user, now=utcnow(), address=sessions.client_address()
    )
    told = _("Offered to %(person)s; nothing changes until then.", person=offer.email)
    return components.note(told, "ok"), listing(device, user)


@access("user")
def change_level(user: User, press: Any, names: Any, levels: Any, public_id: Any) -> Any:
    """Change the level of somebody."""
    holder = rows.pressed(press)
    device = _device(user, public_id)
    level = sharing.parse_level(rows.value_in(holder, names, levels))
    sharing.change(device, holder, level, by=user, **circumstances.of_change())
    return listing(device, user)


@access("user")
def remove(user: User, press: Any, public_id: Any) -> Any:
    """Take somebody's level away."""
    holder = rows.pressed(press)
    device = _device(user, public_id)
    sharing.remove(device, holder, by=user, **circumstances.of_change())
    return listing(device, user)


@access("user")
def withdraw(user: User, press: Any, public_id: Any) -> Any:
    """Take an invitation back."""
    offer = rows.pressed(press)
    device = _device(user, public_id)
    invitations.withdraw(device, offer, by=user, now=utcnow(), address=sessions.client_address())
    return listing(device, user)


def _device(user: User, public_id: Any, level: Level = Level.MANAGER) -> Device:
    return rights.visible(user, inputs.text(public_id), level)


def listing(device: Device, user: User, level: Level | None = None) -> Component:
    """Return everybody with a level, as somebody sees them."""
    return people.listing(
        sharing.grants(device, by=user),
        invitations.invitations(device, by=user, now=utcnow()),
        user=user,
        level=level or rights.level(user, device) or Level.VIEWER,
    )
