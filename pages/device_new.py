"""Adding a device: one that is new here, or one that registered itself and waits to be claimed.

Then the page waits with the person for the first message.
"""

from typing import Any

import dash
import dash_bootstrap_components as dbc
from dash import Input, Output, State, callback, dcc, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask_babel import gettext as _

import wiring
from auth import access as rights
from auth import sessions
from clock import utcnow
from dashboard import arrival, components, credentials, device_parts, errors_shown
from dashboard.access import access
from db.models import Kind, User
from devices import claiming, registry

FORM, NAME, KIND, CREATE, PROBLEM, MADE, DEVICE, POLL, ARRIVED, CODE, CLAIM, REFUSED = (
    f"device_new-{part}"
    for part in (
        *("form", "name", "kind", "create", "problem"),
        *("made", "device", "poll", "arrived"),
        *("code", "claim", "refused"),
    )
)
POLL_MS = 500
EXAMPLE = "ABCD-EFGH"  # of a claim code
LONGEST_CODE = 128
POLLS = 7200  # an hour; whoever needs longer opens the page of the device


def title(**_query: Any) -> str:
    """Return what the browser's tab says."""
    return str(_("Add device")) + " · Gatehouse"


dash.register_page(__name__, path="/devices/new", title=title, order=2)


@access("user")
def layout(_user: User, /, claim: Any = "", **_query: Any) -> Component:
    """Return the page; `claim` is the code in a device's QR code, which is not used unasked."""
    return html.Div(
        [
            html.Div(
                [
                    html.H1(_("Add device")),
                    dcc.Link(
                        _("Found devices"),
                        href="/devices/proposals",
                        className="btn btn-secondary ms-auto",
                    ),
                ],
                className="gh-head",
            ),
            html.Div(_forms(str(claim)[:LONGEST_CODE]), id=FORM),
            html.Div(id=MADE),
            dcc.Store(id=DEVICE),  # the public id, in memory only; never a credential
            dcc.Interval(id=POLL, interval=POLL_MS, max_intervals=POLLS, disabled=True),
        ],
        className="gh-narrow",
    )


@callback(
    Output(FORM, "children"),
    Output(MADE, "children"),
    Output(DEVICE, "data"),
    Output(POLL, "disabled"),
    Input(CREATE, "n_clicks"),
    Input(NAME, "n_submit"),
    State(NAME, "value"),
    State(KIND, "value"),
    prevent_initial_call=True,
    running=[(Output(CREATE, "disabled"), True, False)],
    on_error=errors_shown.beside(PROBLEM),
)
@access("user")
def create(user: User, clicks: int | None, enters: int | None, name: Any, kind: Any) -> Any:
    """Create the device and show its credentials, this once."""
    if not clicks and not enters:
        raise PreventUpdate
    parts = wiring.current()
    made = registry.create(
        str(name or ""),
        str(kind or ""),
        by=user,
        now=utcnow(),
        broker=parts.broker,
        keys=parts.keys,
        namespace=parts.settings.mqtt_namespace,
        address=sessions.client_address(),
        bus=parts.bus,
    )
    shown = html.Div(
        [
            html.Div(arrival.waiting(made.device), id=ARRIVED),
            credentials.panel(
                parts.settings,
                made.device,
                made.mqtt_password,
                command_key=made.command_key,
                token=made.token,
            ),
        ],
        className="gh-stack",
    )
    return None, shown, made.device.public_id, False


@callback(
    Output(FORM, "children", allow_duplicate=True),
    Output(MADE, "children", allow_duplicate=True),
    Output(DEVICE, "data", allow_duplicate=True),
    Output(POLL, "disabled", allow_duplicate=True),
    Input(CLAIM, "n_clicks"),
    Input(CODE, "n_submit"),
    State(CODE, "value"),
    prevent_initial_call=True,
    running=[(Output(CLAIM, "disabled"), True, False)],
    on_error=errors_shown.beside(REFUSED),
)
@access("user")
def claim(user: User, clicks: int | None, enters: int | None, code: Any) -> Any:
    """Make somebody the owner of the device that shows this code."""
    if not clicks and not enters:
        raise PreventUpdate
    parts = wiring.current()
    device = claiming.claim(
        str(code or "")[:LONGEST_CODE],
        by=user,
        required=parts.settings.claim_secret.get_secret_value(),
        broker=parts.broker,
        bus=parts.bus,
        keys=parts.keys,
        now=utcnow(),
        address=sessions.client_address(),
    )
    told = [
        html.P(_("%(name)s is yours now.", name=device.name)),
        dcc.Link(
            _("Open its page"), href=f"/devices/{device.public_id}", className="btn btn-secondary"
        ),
    ]
    shown = html.Div(
        [
            components.note(html.Div(told), "ok"),
            html.Div(arrival.waiting(device), id=ARRIVED),
        ],
        className="gh-stack",
    )
    return None, shown, device.public_id, False


@callback(
    Output(ARRIVED, "children"),
    Output(POLL, "disabled", allow_duplicate=True),
    Input(POLL, "n_intervals"),
    State(DEVICE, "data"),
    prevent_initial_call=True,
)
@access("user")
def wait(user: User, ticks: int | None, public_id: Any) -> Any:
    """Show the first message, or what is wrong with what came."""
    if not ticks or not isinstance(public_id, str):
        raise PreventUpdate
    device = rights.visible(user, public_id)
    shown, arrived = arrival.progress(device, now=utcnow())
    return shown, arrived or no_update


def _forms(code: str) -> Component:
    """Return both ways to a device, the one that was asked for first."""
    forms = [_form(first=not code), _claiming(code)]
    return html.Div(forms[::-1] if code else forms, className="gh-stack")


def _claiming(code: str) -> Component:
    style = "primary" if code else "secondary"
    return html.Section(
        [
            html.H2(_("Claim a device")),
            html.P(_("A device that registered itself shows a code or a QR code.")),
            components.field(
                _("Code of the device"),
                dbc.Input(
                    id=CODE,
                    value=code,
                    maxlength=LONGEST_CODE,
                    autocomplete="off",
                    autofocus=bool(code),
                    placeholder=EXAMPLE,
                ),
            ),
            html.Div(id=REFUSED, role="alert"),
            html.Button(_("Claim device"), id=CLAIM, type="button", className=f"btn btn-{style}"),
        ],
        className="gh-panel",
    )


def _form(*, first: bool) -> Component:
    kinds = [{"label": word, "value": kind} for kind, word in device_parts.kind_words().items()]
    return html.Div(
        [
            components.field(
                _("Name"),
                dbc.Input(id=NAME, maxlength=80, autocomplete="off", autofocus=first),
                _("As you would call it: front door, greenhouse, boiler."),
            ),
            components.field(_("Kind"), dbc.Select(id=KIND, options=kinds, value=Kind.SENSOR)),
            html.Div(id=PROBLEM, role="alert"),
            html.Button(_("Create device"), id=CREATE, type="button", className="btn btn-primary"),
        ],
        className="gh-panel",
    )
