"""Buttons in the rows of a list, and which of them was pressed.

A list is drawn anew by the very callbacks that its buttons start. Dash then asks every callback
whose inputs are components of the list once more, and drops a press that came in between. So a
button is no input: `assets/page.js` writes a press into a store that is never drawn anew.
"""

from typing import Any

from dash import Input, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate


def button(
    text: str, kind: str, row: str, style: str = "secondary btn-sm", **marks: str
) -> Component:
    """Return the button of a row; `kind` says what it does, `row` to what."""
    return html.Button(
        text,
        type="button",
        className=f"btn btn-{style}",
        **{"data-press": kind, "data-row": row, **marks},
    )


def listening(*kinds: str) -> Component:
    """Return what hears the buttons of these kinds; it stands beside the list, not in it."""
    return html.Div([dcc.Store(id=kind) for kind in kinds], hidden=True)


def presses(kind: str) -> Input:
    """Return the input of a callback for the buttons of this kind in all rows."""
    return Input(kind, "data")


def pressed(press: Any) -> str:
    """Return the row whose button was pressed; it is the browser's word and proves nothing.

    Raises:
        PreventUpdate: none was; the page has only come.
    """
    row = press.get("row") if isinstance(press, dict) else None
    if not isinstance(row, str):
        raise PreventUpdate
    return row


def value_in(row: str, names: Any, values: Any) -> str:
    """Return what a row's field holds, of the names and values of that field in all rows."""
    if isinstance(names, list) and isinstance(values, list):
        for name, value in zip(names, values, strict=False):
            if isinstance(name, dict) and name.get("row") == row and isinstance(value, str):
                return value
    return ""
