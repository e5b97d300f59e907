"""The dashboard: every device a person may see, on one page."""

from typing import Any

import dash
import dash_bootstrap_components as dbc
from dash import Input, Output, callback, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask_babel import gettext as _

import wiring
from auth import access as rights
from clock import utcnow
from dashboard import cards, components
from dashboard.access import access
from db.models import User
from devices import commands, readings

dash.register_page(__name__, path="/", title="Gatehouse", order=1)

CARDS, AGAIN, SEARCH, ORDER = (
    f"dashboard-{part}" for part in ("cards", "again", "search", "order")
)


@access("user")
def layout(user: User, /, **_query: Any) -> Component:
    """Return the page."""
    return html.Div(
        [
            html.Div([html.H1(_("Dashboard")), _tools()], className="gh-head"),
            html.Div(_cards(user), id=CARDS),
            # pressed by the page's script when devices came or went
            html.Button(id=AGAIN, type="button", hidden=True, **{"data-page-refresh": ""}),
        ]
    )


@callback(Output(CARDS, "children"), Input(AGAIN, "n_clicks"), prevent_initial_call=True)
@access("user")
def redraw(user: User, clicks: int | None) -> Component:
    """Draw the cards again."""
    if not clicks:
        raise PreventUpdate
    return _cards(user)


def _cards(user: User) -> Component:
    visible = rights.visible_devices(user)
    if not visible:
        return components.empty(
            _("No devices yet"),
            _("Add a lock, a sensor or anything else that speaks MQTT or HTTP."),
            dcc.Link(_("Add device"), href="/devices/new", className="btn btn-primary"),
        )
    now = utcnow()
    devices = [device for device, _level in visible]
    found = readings.overview(devices, wiring.current().store, now)
    asked = commands.newest(devices)
    return html.Div(
        [
            html.Div(
                [
                    cards.card(device, level, found[device.id], asked.get(device.id), now)
                    for device, level in visible
                ],
                className="gh-grid",
                **{"data-cards": ""},
            ),
            html.P(_("No device has a name like that."), hidden=True, **{"data-nothing": ""}),
        ]
    )


def _tools() -> Component:
    orders = [
        ("name", _("Name")),
        ("state", _("Trouble first")),
        ("seen", _("Last heard")),
        ("kind", _("Kind")),
    ]
    return html.Div(
        [
            html.Div(
                [
                    components.icon("search"),
                    html.Label(_("Search"), htmlFor=SEARCH, className="visually-hidden"),
                    dbc.Input(id=SEARCH, type="search", placeholder=_("Search"), maxlength=80),
                ],
                className="gh-search",
                **{"data-search": ""},
            ),
            html.Div(
                [
                    html.Label(_("Order"), htmlFor=ORDER),
                    html.Select(
                        [html.Option(text, value=value) for value, text in orders],
                        id=ORDER,
                        className="form-select",
                        **{"data-order": ""},
                    ),
                ],
                className="gh-tool",
            ),
            components.refresh_picker(),
        ],
        className="gh-tools",
    )
