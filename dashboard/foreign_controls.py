"""What a person may make a device do that was not written for us: a row for each of its parts."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component
from flask_babel import gettext as _

from dashboard import components, value_field
from dashboard.command_button import button
from dashboard.value_field import Value
from db.models import Device, ForeignAction, Level
from devices.asking import Offered
from devices.readings import DeviceNow

SHOWN = 4  # rows on a card; the rest is folded


def parts(
    device: Device, level: Level, found: DeviceNow, *, most: int | None = None
) -> Component | None:
    """Return a row for each part of a foreign device; None if there is nothing to press.

    Args:
        device: which.
        level: of the person who looks.
        found: what is known of the device.
        most: rows that are shown at once; None: all.
    """
    if level < Level.OPERATOR or not found.parts:
        return None
    now = {one.series.name: one.newest for one in found.sensors}
    values = {name: one.text or one.value for name, one in now.items() if one is not None}
    rows = [_part(device, part, values, len(found.parts) == 1) for part in found.parts]
    if most is None or len(rows) <= most:
        return _rows(rows)
    rest = rows[most:]
    fold = components.fold(_("%(count)s more", count=len(rest)), _rows(rest))
    return html.Div([_rows(rows[:most]), fold], className="gh-stack")


def _rows(rows: Sequence[Component]) -> Component:
    return html.Div(rows, className="gh-parts")


def _part(device: Device, part: Offered, values: dict[str, Value], alone: bool) -> Component:
    name = "" if alone else part.label
    plain = [
        button(
            device,
            _words().get(action.name, action.name),
            action.name,
            {"target": part.target},
            about=name,
            style="primary" if action.name == "unlock" else "secondary",
        )
        for action in part.actions
        if not action.wants_value
    ]
    valued = [
        _value(device, part, action, values.get(action.sensor))
        for action in part.actions
        if action.wants_value
    ]
    buttons = html.Div(plain, className="gh-actions") if plain else None
    return value_field.row(part.label, buttons, *valued)


def _value(device: Device, part: Offered, action: ForeignAction, value: Value) -> Component:
    """Return a field for a value, filled with the present one, and the button that sends it."""
    words = _valued(action.name)
    return value_field.sent(
        device,
        _field(action, value),
        words=words or part.label,
        text=words or _("Set"),
        command=action.name,
        target=part.target,
        about=part.label,
    )


def _field(action: ForeignAction, value: Value) -> Component:
    if action.options:
        return value_field.choice(action.options, value)
    if action.low is None or action.high is None:
        return value_field.text(value)
    return value_field.number(action.low, action.high, action.step, value)


def _words() -> dict[str, str]:
    return {
        "on": _("On"),
        "off": _("Off"),
        "lock": _("Lock"),
        "unlock": _("Unlock"),
        "open": _("Open"),
        "close": _("Close"),
        "stop": _("Stop"),
        "press": _("Press"),
    }


def _valued(name: str) -> str:
    """Return what a value is that belongs to a part with other buttons; empty: the part itself."""
    return {"brightness": str(_("Brightness")), "position": str(_("Position"))}.get(name, "")
