"""How the sensors of a device are shown: a row of fields for each, one button for all."""

from collections.abc import Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import ALL, State, html
from dash.development.base_component import Component
from flask_babel import gettext as _

from dashboard import components
from db.telemetry.records import Series
from devices.readings import SensorNow

SAVE, SAVED = "sensors-save", "sensors-saved"
PAGE = "page"  # a choice with an empty value would be shown as nothing
FIELDS = ("label", "unit", "decimals", "low", "high", "colour")
NUMBERS = {"decimals", "low", "high"}  # empty: none


def colours() -> dict[str, str]:
    """Return the colours that can be chosen, readable on light and on dark."""
    return {
        PAGE: _("Like the page"),
        "#2f7ed8": _("Blue"),
        "#2a9d5c": _("Green"),
        "#c77d0a": _("Amber"),
        "#d1495b": _("Red"),
        "#8e63ce": _("Violet"),
        "#d0569b": _("Pink"),
        "#7a8791": _("Grey"),
    }


def section(found: Sequence[SensorNow]) -> Component | None:
    """Return the fields for all sensors, or nothing before the first reading."""
    if not found:
        return None
    heads = [_("Sensor"), _("Label"), _("Unit"), _("Decimals")]
    heads += [_("Expected from"), _("Expected to"), _("Colour")]
    return html.Section(
        [
            html.H3(_("Sensors")),
            components.table(heads, [_row(one.series) for one in found]),
            html.Button(
                _("Save sensors"), id=SAVE, type="button", className="btn btn-secondary mt-3"
            ),
            html.Div(id=SAVED, role="status", className="mt-3"),
        ],
        className="gh-wide",
    )


def states() -> list[State]:
    """Return what a callback needs of the fields, to be read with `wanted`."""
    return [
        State({"type": f"sensor-{field}", "sensor": ALL}, part)
        for field in FIELDS
        for part in ("id", "value")
    ]


def wanted(given: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """Return the fields by sensor, as `descriptions.describe` takes them."""
    found: dict[str, dict[str, Any]] = {}
    for field, names, values in zip(FIELDS, given[0::2], given[1::2], strict=True):
        if not isinstance(names, list) or not isinstance(values, list):
            continue
        for name, value in zip(names, values, strict=False):
            if isinstance(name, dict) and isinstance(name.get("sensor"), str):
                found.setdefault(name["sensor"], {})[field] = _plain(field, value)
    return found


def _plain(field: str, value: Any) -> Any:
    """Return what an empty field of the browser means: no text, or no number."""
    if field in NUMBERS:
        return None if value == "" else value
    return "" if value is None or (field == "colour" and value == PAGE) else value


def _row(series: Series) -> list[Component | str]:
    choices = colours()
    if series.colour:
        choices.setdefault(series.colour, series.colour)
    options = [{"label": word, "value": value} for value, word in choices.items()]
    number = {"type": "number", "min": 0, "max": 6, "step": 1}
    return [
        html.Code(series.name),
        _field(series, "label", _("Label"), dbc.Input, maxlength=80),
        _field(series, "unit", _("Unit"), dbc.Input, maxlength=16)
        if series.kind == "number"
        else "",
        _field(series, "decimals", _("Decimals"), dbc.Input, **number)
        if series.kind == "number"
        else "",
        *(
            _field(series, end, word, dbc.Input, type="number", step="any")
            if series.kind == "number"
            else ""
            for end, word in (("low", _("Expected from")), ("high", _("Expected to")))
        ),
        _field(series, "colour", _("Colour"), dbc.Select, options=options)
        if series.kind != "text"
        else "",
    ]


def _field(
    series: Series, name: str, word: str, control: type[Component], **props: Any
) -> Component:
    """Return a field inside its label, which only those hear who do not see the table's head."""
    value = getattr(series, name)
    return html.Label(
        [
            html.Span(f"{word}: {series.name}", className="visually-hidden"),
            control(
                id={"type": f"sensor-{name}", "sensor": series.name},
                value=PAGE if value == "" and name == "colour" else value,
                size="sm",
                **props,
            ),
        ]
    )
