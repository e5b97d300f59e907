"""What parts of a device of our own may be set to: which are declared, another one, the end of one.

The panel with the controls shows a field for each, and is drawn anew after each change.
"""

from typing import Any

import dash_bootstrap_components as dbc
from dash import Input, Output, State, callback, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask_babel import gettext as _

import wiring
from auth import access as rights
from auth import sessions
from clock import utcnow
from dashboard import components, controls, errors_shown, inputs, rows
from dashboard.access import access
from db.models import Device, Level, User
from devices import readings, set_points
from devices.set_points import Bounds
from errors import Invalid

LIST, SAVE, SAVED = "set-points-list", "set-points-save", "set-points-saved"
NAME, UNIT, LOW, HIGH, STEP = (
    f"set-points-{part}" for part in ("name", "unit", "low", "high", "step")
)
REMOVE = "set-point-remove"


def register(device: str) -> None:
    """Let the buttons answer on a page; `device` is the store that holds which device it shows."""
    callback(
        Output(LIST, "children"),
        Output(controls.PANEL, "children"),
        Output(SAVED, "children"),
        Input(SAVE, "n_clicks"),
        *(State(field, "value") for field in (NAME, UNIT, LOW, HIGH, STEP)),
        State(device, "data"),
        prevent_initial_call=True,
        running=[(Output(SAVE, "disabled"), True, False)],
        on_error=errors_shown.beside(SAVED),
    )(declare_set_point)
    callback(
        Output(LIST, "children", allow_duplicate=True),
        Output(controls.PANEL, "children", allow_duplicate=True),
        rows.presses(REMOVE),
        State(device, "data"),
        prevent_initial_call=True,
        on_error=errors_shown.beside(SAVED),
    )(remove_set_point)


def section(device: Device) -> Component:
    """Return the list, and the fields for another one or for new bounds."""
    number = {"type": "number", "step": "any"}
    return html.Section(
        [
            html.H3(_("Set points")),
            rows.listening(REMOVE),
            html.Div(_listed(device), id=LIST),
            components.fold(
                _("Add or change a set point …"),
                html.Div(
                    [
                        html.Div(
                            [
                                components.field(
                                    _("Part"),
                                    dbc.Input(id=NAME, maxlength=64, autocomplete="off"),
                                    _("As the device calls it; one that is listed is changed."),
                                ),
                                components.field(_("Unit"), dbc.Input(id=UNIT, maxlength=16)),
                                components.field(_("Least value"), dbc.Input(id=LOW, **number)),
                                components.field(_("Greatest value"), dbc.Input(id=HIGH, **number)),
                                components.field(
                                    _("Step"),
                                    dbc.Input(id=STEP, min=0, **number),
                                    _("Empty: any value."),
                                ),
                            ],
                            className="gh-columns",
                        ),
                        html.Button(
                            _("Save set point"),
                            id=SAVE,
                            type="button",
                            className="btn btn-secondary",
                        ),
                    ]
                ),
            ),
            html.Div(id=SAVED, role="status", className="mt-3"),
        ],
        className="gh-wide",
    )


@access("user")
def declare_set_point(user: User, clicks: int | None, *given: Any) -> Any:
    """Say what a part takes from now on."""
    if not clicks:
        raise PreventUpdate
    name, unit, low, high, step, public_id = given
    device = _device(user, public_id)
    if low in (None, "") or high in (None, ""):
        raise Invalid("bounds_missing", _("Give the least and the greatest value."))
    bounds = Bounds(low, high, None if step == "" else step, inputs.text(unit).strip())
    shown = _declared(user, device, inputs.text(name).strip(), bounds)
    return *shown, components.note(_("Saved."), "ok")


@access("user")
def remove_set_point(user: User, press: Any, public_id: Any) -> Any:
    """Let the device decide again what a part takes."""
    name = rows.pressed(press)
    return _declared(user, _device(user, public_id), name, None)


def _declared(user: User, device: Device, name: str, bounds: Bounds | None) -> tuple[Any, Any]:
    """Declare bounds, and return the list and the controls as they are then."""
    parts, now = wiring.current(), utcnow()
    set_points.declare(
        device,
        name,
        bounds,
        by=user,
        now=now,
        bus=parts.bus,
        address=sessions.client_address(),
    )
    found = readings.overview([device], parts.store, now)[device.id]
    level = rights.level(user, device) or Level.VIEWER
    return _listed(device), controls.panel(device, level, found)


def _listed(device: Device) -> Component:
    declared = set_points.of(device)
    if not declared:
        return html.P(_("None: the device decides itself."), className="gh-muted")
    return components.table(
        [_("Part"), _("Values"), _("Step"), ""],
        [
            [
                html.Code(name),
                f"{one.low:g} – {one.high:g} {one.unit}".strip(),
                f"{one.step:g}" if one.step else _("any"),
                rows.button(_("Remove"), REMOVE, name, "danger btn-sm"),
            ]
            for name, one in declared.items()
        ],
    )


def _device(user: User, public_id: Any) -> Device:
    return rights.visible(user, inputs.text(public_id), Level.MANAGER)
