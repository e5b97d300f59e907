"""A field for a value that a part of a device can be set to, and the button that sends it."""

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from dashboard.command_button import button
from db.models import Device

Value = float | str | None


def row(label: str, *inside: Component | None) -> Component:
    """Return the row of one part: its name, and what can be done with it."""
    return html.Div(
        [html.Span(label), *inside],
        className="gh-part",
        role="group",
        **{"aria-label": label},
    )


def sent(
    device: Device,
    field: Component,
    *,
    words: str,
    text: str,
    command: str,
    target: str,
    about: str,
) -> Component:
    """Return a field and its button; `assets/commands.js` reads the one and marks the other.

    Args:
        device: which shall be set.
        field: of this module.
        words: what the field is called, for those who hear it.
        text: what the button says.
        command: its name.
        target: the part.
        about: what people call the part.
    """
    return html.Div(
        [
            html.Label([html.Span(words, className="visually-hidden"), field]),
            button(device, text, command, {"target": target}, about=about),
        ],
        className="gh-actions",
        **{"data-command-value": ""},
    )


def number(low: float, high: float, step: float | None, value: Value) -> Component:
    """Return a field for a number within bounds."""
    return dbc.Input(type="number", min=low, max=high, step=step or "any", value=value)


def text(value: Value) -> Component:
    """Return a field for a short text."""
    return dbc.Input(type="text", value=value, maxLength=255)


def choice(options: list[str], value: Value) -> Component:
    """Return a field for one of several words."""
    words = [{"label": word, "value": word} for word in options]
    return dbc.Select(options=words, value=value if value in options else None)
