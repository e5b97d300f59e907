"""One device: its charts, what it says, and its settings."""

from collections.abc import Sequence
from typing import Any

import dash
from dash import Input, Output, State, callback, dcc, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask_babel import gettext as _

import wiring
from auth import access as rights
from auth import circumstances, sessions, tokens
from clock import now_ms, utcnow
from dashboard import (
    components,
    controls,
    credentials,
    device_form,
    device_lists,
    device_view,
    errors_shown,
    export_query,
    inputs,
    range_tools,
    ranges,
    rows,
    sensor_form,
    set_point_form,
    token_form,
)
from dashboard.access import access
from db.models import Device, DeviceToken, Level, User
from devices import commands, descriptions, readings, registry
from errors import Invalid

DEVICE, AWAY, SENSORS = "device-id", "device-away", "device-sensors"
LOG_LINES = 50


@access("user")
def title(user: User, /, device_id: Any = "", **_query: Any) -> str:
    """Return what the browser's tab says: the name, to those who may know it."""
    return f"{rights.visible(user, str(device_id)).name} · Gatehouse"


# after /devices/new, which this path would match too
dash.register_page(
    __name__, path_template="/devices/<device_id>", title=title, order=3, charts=True
)
set_point_form.register(DEVICE)


@access("user")
def layout(user: User, /, device_id: Any = "", **query: Any) -> Component:
    """Return the page; `device_id` may come from the query too, so rights are asked here."""
    parts = wiring.current()
    device = rights.visible(user, str(device_id))
    level = rights.level(user, device) or Level.VIEWER
    there = device.timezone if query.get("zone") == "device" else ""
    zone = export_query.zone_of(there, user)
    shown = ranges.shown(query, now_ms=now_ms(), zone=zone)
    found = readings.overview([device], parts.store, utcnow())[device.id]
    return html.Div(
        [
            dcc.Store(id=DEVICE, data=device.public_id),
            dcc.Location(id=AWAY, refresh="callback-nav"),
            device_view.head(device, level, found, commands.newest([device]).get(device.id)),
            range_tools.tools(device, shown),
            html.Div(device_view.sensors(device, found.sensors), id=SENSORS),
            html.Div(
                told := controls.panel(device, level, found), id=controls.PANEL, hidden=not told
            ),
            device_lists.texts(device, found.sensors),
            device_view.notes(device),
            device_lists.refused(parts.store.refusals(device.id)),
            device_lists.log(parts.store.logs(device.id, LOG_LINES)),
            device_form.panel(
                *(parts.settings, device, level, found),
                living=_tokens(user, device, level),
                use=parts.store.disk_use([device.id])[device.id],
            ),
        ],
        role="region",
        className="gh-stack",
        **{
            "aria-label": device.name,
            "data-device": device.public_id,
            "data-device-zone": device.timezone,
        },
    )


def _tokens(user: User, device: Device, level: Level) -> Sequence[DeviceToken]:
    return tokens.listing(device, by=user) if level >= Level.MANAGER else []


@callback(
    Output(device_form.RENAMED, "children"),
    Output("device-title", "children"),
    Input(device_form.RENAME, "n_clicks"),
    State(device_form.NAME, "value"),
    State(DEVICE, "data"),
    prevent_initial_call=True,
    on_error=errors_shown.beside(device_form.RENAMED),
)
@access("user")
def rename(user: User, clicks: int | None, name: Any, public_id: Any) -> Any:
    """Give the device another name."""
    device = _device(user, clicks, public_id, Level.MANAGER)
    changed = registry.rename(device, inputs.text(name), by=user, **circumstances.of_change())
    if not changed:
        return components.note(_("It has this name already."), "warn"), no_update
    return components.note(_("Renamed."), "ok"), device.name


@callback(
    Output(device_form.SAVED, "children"),
    Input(device_form.SAVE, "n_clicks"),
    State(device_form.INTERVAL, "value"),
    State(device_form.NOTES, "value"),
    State(device_form.HOLD, "value"),
    State(device_form.SEALED, "value"),
    State(device_form.ZONE, "value"),
    State(device_form.KEEP, "value"),
    State(device_form.KEPT, "value"),
    State(DEVICE, "data"),
    prevent_initial_call=True,
    on_error=errors_shown.beside(device_form.SAVED),
)
@access("user")
def save(
    user: User,
    clicks: int | None,
    interval: Any,
    notes: Any,
    hold: Any,
    sealed: Any,
    zone: Any,
    keep: Any,
    days: Any,
    public_id: Any,
) -> Any:
    """Keep how the device behaves."""
    device = _device(user, clicks, public_id, Level.MANAGER)
    registry.update(
        device,
        by=user,
        expected_interval_s=interval,
        notes=inputs.text(notes),
        hold_to_act=bool(hold),
        sealed=bool(sealed),
        timezone=inputs.text(zone).strip(),
        retention_days=device_form.retention_days(keep, days),
        **circumstances.of_change(),
    )
    return components.note(_("Saved."), "ok")


@callback(
    Output(sensor_form.SAVED, "children"),
    Output(SENSORS, "children"),
    Input(sensor_form.SAVE, "n_clicks"),
    *sensor_form.states(),
    State(DEVICE, "data"),
    prevent_initial_call=True,
    on_error=errors_shown.beside(sensor_form.SAVED),
)
@access("user")
def describe(user: User, clicks: int | None, *given: Any) -> Any:
    """Keep how sensors are shown, and show them so."""
    *values, public_id = given
    device = _device(user, clicks, public_id, Level.MANAGER)
    store = wiring.current().store
    changed = descriptions.describe(
        device, sensor_form.wanted(values), by=user, store=store, **circumstances.of_change()
    )
    if not changed:
        return components.note(_("It was so already."), "warn"), no_update
    shown = device_view.sensors(device, readings.sensors(device, store))
    return components.note(_("Saved."), "ok"), shown


@callback(
    Output(token_form.MADE, "children"),
    Output(token_form.LIST, "children"),
    Input(token_form.MAKE, "n_clicks"),
    State(token_form.LABEL, "value"),
    State(DEVICE, "data"),
    prevent_initial_call=True,
    on_error=errors_shown.beside(token_form.MADE),
)
@access("user")
def make_token(user: User, clicks: int | None, label: Any, public_id: Any) -> Any:
    """Make a token and show its secret, this once."""
    device = _device(user, clicks, public_id, Level.MANAGER)
    _row, secret = tokens.create(
        device,
        by=user,
        label=" ".join(inputs.text(label).split())[:80],
        now=utcnow(),
        address=sessions.client_address(),
    )
    return token_form.made(secret), token_form.listed(tokens.listing(device, by=user))


@callback(
    Output(token_form.LIST, "children", allow_duplicate=True),
    rows.presses(token_form.REVOKE),
    State(DEVICE, "data"),
    prevent_initial_call=True,
    on_error=errors_shown.beside(token_form.MADE),
)
@access("user")
def revoke_token(user: User, press: Any, public_id: Any) -> Any:
    """End a token at once."""
    token = rows.pressed(press)
    device = rights.visible(user, inputs.text(public_id), Level.MANAGER)
    tokens.revoke(device, token, by=user, now=utcnow(), address=sessions.client_address())
    return token_form.listed(tokens.listing(device, by=user))


@callback(
    Output(device_form.ROTATED, "children"),
    Input(device_form.ROTATE, "n_clicks"),
    State(DEVICE, "data"),
    prevent_initial_call=True,
    on_error=errors_shown.beside(device_form.ROTATED),
)
@access("user")
def rotate(user: User, clicks: int | None, public_id: Any) -> Any:
    """Make a new password and show it, this once."""
    device = _device(user, clicks, public_id, Level.MANAGER)
    parts = wiring.current()
    password = registry.rotate(
        device,
        by=user,
        now=utcnow(),
        broker=parts.broker,
        keys=parts.keys,
        address=sessions.client_address(),
    )
    return credentials.panel(parts.settings, device, password)


@callback(
    Output(AWAY, "href"),
    Input(device_form.DELETE, "n_clicks"),
    State(device_form.DELETE_NAME, "value"),
    State(DEVICE, "data"),
    prevent_initial_call=True,
    on_error=errors_shown.beside(device_form.DELETED),
)
@access("user")
def delete(user: User, clicks: int | None, name: Any, public_id: Any) -> Any:
    """Delete the device, if its name was typed, and go to the dashboard."""
    device = _device(user, clicks, public_id, Level.OWNER)
    if inputs.text(name).strip() != device.name:
        raise Invalid("name_differs", _("This is not the name of the device."))
    parts = wiring.current()
    registry.delete(
        device, by=user, broker=parts.broker, store=parts.store, **circumstances.of_change()
    )
    return "/"


def _device(user: User, clicks: int | None, public_id: Any, level: Level) -> Device:
    """Return the device that a button belongs to; raises PreventUpdate if nobody pressed it."""
    if not clicks:
        raise PreventUpdate
    return rights.visible(user, inputs.text(public_id), level)
