"""What a person may make a device do: unlock, lock, close, switch, set, free commands."""

from collections.abc import Sequence

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component
from flask_babel import gettext as _

from dashboard import components, device_parts, foreign_controls, value_field
from dashboard.command_button import button
from db.models import Device, Kind, Level
from devices import set_points
from devices.readings import DeviceNow, SensorNow

SWITCHED = ("led.", "relay.")  # states with these names can be switched
PANEL = "device-controls"  # around the panel, which changes
NAME, PARAMS, TARGET, VALUE = (f"command-{part}" for part in ("name", "params", "target", "value"))


def first(device: Device, level: Level, found: DeviceNow) -> list[Component]:
    """Return the buttons of a lock or a gate; a lock that reports its state locks, a gate closes.

    Devices that were not written for us have `foreign_controls` instead.
    """
    unlock = device_parts.unlock(device, level)
    if unlock is None or found.parts is not None:
        return []
    attributes = found.presence.attributes if found.presence else {}
    if device.kind == Kind.GATE:
        return [unlock, button(device, _("Close"), "close"), button(device, _("Stop"), "stop")]
    if "state" in attributes:
        return [unlock, button(device, _("Lock"), "lock")]
    return [unlock]


def switches(device: Device, level: Level, sensors: Sequence[SensorNow]) -> Component | None:
    """Return On and Off for each light and relay."""
    switched = [one for one in sensors if _is_switched(one)]
    if level < Level.OPERATOR or not switched:
        return None
    return html.Div([_switch(device, one) for one in switched], className="gh-switches")


def slot(device: Device, level: Level, found: DeviceNow) -> Component:
    """Return the panel in what a callback fills anew; hidden where there is none."""
    shown = panel(device, level, found)
    return html.Div(shown, id=PANEL, hidden=shown is None)


def panel(device: Device, level: Level, found: DeviceNow) -> Component | None:
    """Return the part of a device's page where it is told what to do."""
    if level < Level.OPERATOR:
        return None
    if found.parts is not None:
        return _panel([foreign_controls.parts(device, level, found)])
    declared = set_points.of(device)
    names = [one.series.name for one in found.sensors if one.series.kind == "number"]
    numbers = [name for name in names if name not in declared]
    parts = [
        switches(device, level, found.sensors),
        _set_points(device, found.sensors),
        _set(device, numbers) if numbers else None,
        _free(device) if level >= Level.MANAGER else None,
    ]
    return _panel(parts)


def _panel(parts: Sequence[Component | None]) -> Component | None:
    shown = [part for part in parts if part]
    if not shown:
        return None
    return html.Section(
        [html.H2(_("Controls")), html.Div(shown, className="gh-stack")],
        className="gh-panel gh-not-printed",
    )


def _is_switched(one: SensorNow) -> bool:
    return one.series.kind == "state" and one.series.name.startswith(SWITCHED)


def _switch(device: Device, one: SensorNow) -> Component:
    params = {"target": one.series.name}
    name = one.series.label or one.series.name.partition(".")[2]
    return html.Div(
        [
            device_parts.light(device, one.series, one.newest),
            html.Span(name, className="gh-switch-name"),
            device_parts.value(device, one.series, one.newest),
            html.Div(
                [
                    button(device, _("On"), "on", params, about=name),
                    button(device, _("Off"), "off", params, about=name),
                ],
                className="gh-actions",
            ),
        ],
        className="gh-switch",
        role="group",
        **{"aria-label": name},
    )


def _set_points(device: Device, sensors: Sequence[SensorNow]) -> Component | None:
    """Return a field with bounds for each part whose bounds were declared."""
    now = {one.series.name: one for one in sensors}
    rows = []
    for target, bounds in set_points.of(device).items():
        one = now.get(target)
        name = device_parts.label_of(one.series) if one else target
        label = f"{name} ({bounds.unit})" if bounds.unit else name
        value = one.newest.value if one and one.newest else None
        field = value_field.number(bounds.low, bounds.high, bounds.step, value)
        told = {"words": label, "text": _("Set"), "about": label}
        rows.append(
            value_field.row(
                label, value_field.sent(device, field, command="set", target=target, **told)
            )
        )
    return html.Div(rows, className="gh-parts") if rows else None


def _set(device: Device, numbers: Sequence[str]) -> Component:
    options = [{"label": name, "value": name} for name in numbers]
    return components.fold(
        _("Set a value …"),
        _form(
            [
                components.field(
                    _("Sensor"), dbc.Select(id=TARGET, options=options, value=numbers[0])
                ),
                components.field(_("Value"), dbc.Input(id=VALUE, type="number", step="any")),
            ],
            button(device, _("Set"), "set"),
        ),
    )


def _free(device: Device) -> Component:
    return components.fold(
        _("Another command …"),
        _form(
            [
                components.field(_("Command"), dbc.Input(id=NAME, maxlength=64)),
                components.field(
                    _("Parameters"),
                    dbc.Textarea(id=PARAMS, value="{}", rows=2, maxlength=4000),
                    _("A JSON object; the device decides what it means."),
                ),
            ],
            button(device, _("Send"), ""),
        ),
    )


def _form(fields: list[Component], button: Component) -> Component:
    """Return fields from which the page's script takes the parameters of the button beside them."""
    return html.Div(
        [html.Div(fields, className="gh-columns"), html.Div(button)],
        className="gh-stack",
        **{"data-command-form": ""},
    )
