"""Further topics of a device: where its sensors are read from, and branches it may use."""

from typing import Any

import dash
import dash_bootstrap_components as dbc
from dash import Input, Output, State, callback, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask_babel import gettext as _

import wiring
from auth import access as rights
from auth import circumstances, sessions
from clock import utcnow
from dashboard import access_sections, components, errors_shown, inputs, rows
from dashboard.access import access
from db.models import Device, Level, Mapping, User
from devices import mappings
from devices.foreign.entities import Source
from errors import Invalid

DEVICE, LIST, TOPIC, PATH, SENSOR, UNIT, SCALE, OFFSET, ADD, ADDED, TREES, GIVE, GIVEN = (
    f"topics-{part}"
    for part in (
        *("device", "list", "topic", "path", "sensor", "unit", "scale", "offset"),
        *("add", "added", "trees", "give", "given"),
    )
)
REMOVE = "topics-remove"


@access("user")
def title(user: User, /, device_id: Any = "", **_query: Any) -> str:
    """Return what the browser's tab says."""
    return f"{_('Topics')} · {rights.visible(user, str(device_id)).name} · Gatehouse"


# before /devices/<device_id>, which would match this path too
dash.register_page(__name__, path_template="/devices/<device_id>/topics", title=title, order=2.6)


@access("user")
def layout(user: User, /, device_id: Any = "", **_query: Any) -> Component:
    """Return the page, for those who manage the device."""
    device = rights.visible(user, str(device_id), Level.MANAGER)
    return html.Div(
        [
            dcc.Store(id=DEVICE, data=device.public_id),
            access_sections.titled(device, _("Topics of %(device)s", device=device.name)),
            html.Section(
                [
                    html.H2(_("Mapped topics")),
                    rows.listening(REMOVE),
                    html.Div(_list(device), id=LIST),
                ],
                className="gh-panel",
            ),
            _form(),
            _branches(device) if user.is_admin else None,
        ],
        className="gh-stack gh-narrow",
    )


@callback(
    Output(LIST, "children"),
    Output(ADDED, "children"),
    Input(ADD, "n_clicks"),
    State(TOPIC, "value"),
    State(PATH, "value"),
    State(SENSOR, "value"),
    State(UNIT, "value"),
    State(SCALE, "value"),
    State(OFFSET, "value"),
    State(DEVICE, "data"),
    prevent_initial_call=True,
    on_error=errors_shown.beside(ADDED),
)
@access("user")
def add(
    user: User,
    clicks: int | None,
    topic: Any,
    path: Any,
    sensor: Any,
    unit: Any,
    scale: Any,
    offset: Any,
    public_id: Any,
) -> Any:
    """Read a sensor from a topic."""
    if not clicks:
        raise PreventUpdate
    device = rights.visible(user, _text(public_id), Level.MANAGER)
    source = Source(
        _text(topic),
        _text(path),
        _text(sensor),
        unit=_text(unit),
        scale=_number(scale),
        offset=_number(offset),
    )
    parts = wiring.current()
    namespace = parts.settings.mqtt_namespace
    mappings.add(device, source, by=user, namespace=namespace, **circumstances.of_change())
    return _list(device), components.note(_("Added."), "ok")


@callback(
    Output(LIST, "children", allow_duplicate=True),
    rows.presses(REMOVE),
    State(DEVICE, "data"),
    prevent_initial_call=True,
    on_error=errors_shown.beside(ADDED),
)
@access("user")
def remove(user: User, press: Any, public_id: Any) -> Any:
    """Read a topic no longer."""
    mapping = rows.pressed(press)
    device = rights.visible(user, _text(public_id), Level.MANAGER)
    mappings.remove(device, mapping, by=user, **circumstances.of_change())
    return _list(device)


@callback(
    Output(GIVEN, "children"),
    Input(GIVE, "n_clicks"),
    State(TREES, "value"),
    State(DEVICE, "data"),
    prevent_initial_call=True,
    on_error=errors_shown.beside(GIVEN),
)
@access("admin")
def give(user: User, clicks: int | None, trees: Any, public_id: Any) -> Any:
    """Let the device use whole branches of the topic tree."""
    if not clicks:
        raise PreventUpdate
    parts = wiring.current()
    mappings.give_trees(
        rights.visible(user, _text(public_id)),
        _text(trees).split("\n") if _text(trees).strip() else [],
        by=user,
        now=utcnow(),
        broker=parts.broker,
        namespace=parts.settings.mqtt_namespace,
        address=sessions.client_address(),
    )
    return components.note(_("Saved."), "ok")


def _list(device: Device) -> Component:
    found = mappings.of(device)
    if not found:
        return html.P(_("None: the device is heard on its own topics only."), className="gh-muted")
    return components.table(
        [_("Sensor"), _("Topic"), _("Path"), _("Unit"), ""], [_row(one) for one in found]
    )


def _row(mapping: Mapping) -> list[Component | str]:
    return [
        mapping.label or mapping.sensor,
        html.Code(mapping.topic),
        html.Code(mapping.template),
        mapping.unit,
        rows.button(_("Remove"), REMOVE, mapping.public_id, "secondary"),
    ]


def _form() -> Component:
    def words(component_id: str, most: int) -> Component:
        return dbc.Input(id=component_id, maxlength=most, autocomplete="off")

    return html.Section(
        [
            html.H2(_("Map a topic")),
            components.field(_("Topic"), words(TOPIC, 512), "meters/7/state"),
            components.field(
                _("Path"),
                words(PATH, 8192),
                _(
                    "In a JSON message, such as ENERGY.Power, or a template with value_json;"
                    " empty: the whole message."
                ),
            ),
            html.Div(
                [
                    components.field(_("Sensor"), words(SENSOR, 64)),
                    components.field(_("Unit"), words(UNIT, 32)),
                    components.field(
                        _("Scale"), dbc.Input(id=SCALE, type="number", value=1, step="any")
                    ),
                    components.field(
                        _("Offset"), dbc.Input(id=OFFSET, type="number", value=0, step="any")
                    ),
                ],
                className="gh-pairs",
            ),
            html.Button(_("Add"), id=ADD, type="button", className="btn btn-primary"),
            html.Div(id=ADDED, role="status", className="mt-3"),
        ],
        className="gh-panel",
    )


def _branches(device: Device) -> Component:
    return html.Section(
        [
            html.H2(_("Branches of the topic tree")),
            components.field(
                _("Branches"),
                dbc.Textarea(id=TREES, value="\n".join(device.topic_trees), rows=4),
                _(
                    "One a line, such as homeassistant and zigbee2mqtt. With its user name the"
                    " device may publish and subscribe everywhere below them."
                ),
            ),
            html.Button(_("Save"), id=GIVE, type="button", className="btn btn-secondary"),
            html.Div(id=GIVEN, role="status", className="mt-3"),
        ],
        className="gh-panel",
    )


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Invalid("scale_invalid", _("This scale cannot be used."), field="scale") from None


def _text(value: Any) -> str:
    return inputs.text(value).strip()
