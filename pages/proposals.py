"""Devices that announced themselves over MQTT: looked at, accepted, ignored."""

from typing import Any

import dash
from dash import Input, Output, callback, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask_babel import gettext as _

import wiring
from auth import sessions
from clock import to_ms, utcnow
from dashboard import components, errors_shown, rows
from dashboard.access import access
from db.models import Proposal, User
from devices import proposals
from devices.foreign.entities import Foreign, LeftOut

LIST, PROBLEM, AWAY, POLL = (f"proposals-{part}" for part in ("list", "problem", "away", "poll"))
ACCEPT, IGNORE = "proposal-accept", "proposal-ignore"
POLL_MS = 3000


def title(**_query: Any) -> str:
    """Return what the browser's tab says."""
    return str(_("Found devices")) + " · Gatehouse"


# before /devices/<device_id>, which would match this path too
dash.register_page(__name__, path="/devices/proposals", title=title, order=2)


@access("user")
def layout(user: User, /, **_query: Any) -> Component:
    """Return the page."""
    return html.Div(
        [
            html.Div(html.H1(_("Found devices")), className="gh-head"),
            html.Div(id=PROBLEM, role="alert"),
            rows.listening(ACCEPT, IGNORE),
            html.Div(_list(user), id=LIST, className="gh-stack"),
            dcc.Location(id=AWAY, refresh="callback-nav"),
            dcc.Interval(id=POLL, interval=POLL_MS),
        ],
        className="gh-narrow",
    )


@callback(Output(LIST, "children"), Input(POLL, "n_intervals"), prevent_initial_call=True)
@access("user")
def look_again(user: User, ticks: int | None) -> Any:
    """Show devices that announced themselves since."""
    if not ticks:
        raise PreventUpdate
    return _list(user)


@callback(
    Output(AWAY, "href"),
    rows.presses(ACCEPT),
    prevent_initial_call=True,
    on_error=errors_shown.beside(PROBLEM),
)
@access("user")
def accept(user: User, press: Any) -> Any:
    """Make an announced device the person's own and show it."""
    parts = wiring.current()
    device = proposals.accept(
        rows.pressed(press),
        by=user,
        now=utcnow(),
        broker=parts.broker,
        keys=parts.keys,
        namespace=parts.settings.mqtt_namespace,
        store=parts.store,
        bus=parts.bus,
        address=sessions.client_address(),
    )
    return f"/devices/{device.public_id}"


@callback(
    Output(LIST, "children", allow_duplicate=True),
    rows.presses(IGNORE),
    prevent_initial_call=True,
    on_error=errors_shown.beside(PROBLEM),
)
@access("user")
def ignore(user: User, press: Any) -> Any:
    """Show a device no more."""
    proposals.ignore(
        rows.pressed(press),
        by=user,
        now=utcnow(),
        namespace=wiring.current().settings.mqtt_namespace,
        address=sessions.client_address(),
    )
    return _list(user)


def _list(user: User) -> list[Component]:
    found = proposals.listed(by=user, namespace=wiring.current().settings.mqtt_namespace)
    if not found:
        return [
            components.empty(
                _("No devices found"),
                _(
                    "Devices that announce themselves over MQTT, such as Tasmota, ESPHome,"
                    " Shelly and Zigbee2MQTT, appear here by themselves."
                ),
                dcc.Link(_("Add device"), href="/devices/new", className="btn btn-secondary"),
            )
        ]
    return [_proposal(row, device) for row, device in found]


def _proposal(row: Proposal, device: Foreign) -> Component:
    sensors = [
        [one.label or one.sensor, one.unit, html.Code(one.topic)] for one in device.sensors()
    ]
    asked = [
        [one.label or one.target, html.Code(one.name), html.Code(one.topic)]
        for one in device.actions
    ]
    changed = _("This device wants to be asked on other topics now. Accept them?")
    return html.Section(
        [
            html.H2(device.name or row.identity),
            html.P(
                [device.model, " ", components.moment(to_ms(row.seen_at))], className="gh-muted"
            ),
            components.note(changed, "warn") if row.state == "changed" else None,
            components.fold(
                _("%(number)s sensors", number=len(sensors)),
                components.table([_("Sensor"), _("Unit"), _("Topic")], sensors),
            )
            if sensors
            else None,
            components.fold(
                _("%(number)s commands", number=len(asked)),
                components.table([_("Part"), _("Command"), _("Topic")], asked),
            )
            if asked
            else None,
            _left_out(device),
            html.Div(
                [
                    rows.button(_("Accept"), ACCEPT, row.public_id, "primary"),
                    rows.button(_("Ignore"), IGNORE, row.public_id, "secondary"),
                ],
                className="gh-tools mt-3",
            ),
        ],
        className="gh-panel",
        **{"aria-label": device.name or row.identity},
    )


def _left_out(device: Foreign) -> Component | None:
    """Return what of the device cannot be used, and why; None if all of it can."""
    if not device.left_out:
        return None
    rows = [[one.label, _why(one)] for one in device.left_out]
    return components.fold(
        _("%(number)s parts left out", number=len(rows)),
        components.table([_("Part"), _("Why")], rows),
    )


def _why(one: LeftOut) -> str:
    if one.reason == "component":
        return str(_("Parts of the kind %(what)s cannot be used.", what=one.what))
    if one.reason == "template":
        text = _("Its template has something in it that cannot be used: %(what)s.", what=one.what)
        return str(text)
    return str(_("A device has at most %(what)s parts.", what=one.what))
