"""Buttons in the rows of a list: one callback serves all rows, and knows which was pressed."""

import json
from typing import Any

from dash import ALL, Input, ctx, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate


def button(text: str, kind: str, row: str, style: str = "secondary") -> Component:
    """Return the button of a row; `kind` says what it does, `row` to what."""
    return html.Button(
        text, id={"type": kind, "row": row}, type="button", className=f"btn btn-{style} btn-sm"
    )


def presses(kind: str) -> Input:
    """Return the input of a callback for the buttons of this kind in all rows."""
    return Input({"type": kind, "row": ALL}, "n_clicks")


def pressed() -> str:
    """Return the row whose button was pressed; it is the browser's word and proves nothing.

    Raises:
        PreventUpdate: none was; rows came with the page, or were drawn anew.
    """
    for one in ctx.triggered:
        if one["value"]:  # then its name is that of an input, and whole
            name = json.loads(one["prop_id"].rpartition(".")[0])
            if isinstance(name, dict) and isinstance(name.get("row"), str):
                return str(name["row"])
    raise PreventUpdate


def value_in(row: str, names: Any, values: Any) -> str:
    """Return what a row's field holds, of the names and values of that field in all rows."""
    if isinstance(names, list) and isinstance(values, list):
        for name, value in zip(names, values, strict=False):
            if isinstance(name, dict) and name.get("row") == row and isinstance(value, str):
                return value
    return ""
