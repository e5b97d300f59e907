"""The button that makes a device do something; `assets/commands.js` sends what its marks say."""

import json

from dash import html
from dash.development.base_component import Component

from db.models import Device


def button(
    device: Device,
    text: str,
    command: str,
    params: dict[str, str] | None = None,
    about: str = "",
    style: str = "secondary",
) -> Component:
    """Return a button.

    Args:
        device: which shall do it.
        text: what the button says.
        command: its name; empty: the fields beside the button say which.
        params: what goes with it.
        about: which part of the device, for those who hear the button instead of seeing it.
        style: primary or secondary.
    """
    marks = {"data-command": command, "data-device": device.public_id}
    if params:
        marks["data-params"] = json.dumps(params, separators=(",", ":"))
    if about:
        marks["aria-label"] = f"{about}: {text}"
    if device.hold_to_act:
        marks["data-hold"] = ""
    return html.Button(
        text, type="button", className=f"btn btn-{style}", disable_n_clicks=True, **marks
    )
