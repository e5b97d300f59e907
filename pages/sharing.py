"""Sharing: what is offered, what others share with somebody, what they share with others."""

from typing import Any

import dash
import dash_bootstrap_components as dbc
from dash import Input, Output, State, callback, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask_babel import gettext as _

from auth import access as rights
from auth import circumstances
from clock import utcnow
from dashboard import access_sections, components, errors_shown, rows, shared_view
from dashboard.access import access
from db.models import User
from devices import invitations, share_tokens, shares, sharing

LISTS, TOKEN, REDEEM, PROBLEM = (
    f"sharing-{part}" for part in ("lists", "token", "redeem", "problem")
)


def title(**_query: Any) -> str:
    """Return what the browser's tab says."""
    return str(_("Sharing")) + " · Gatehouse"


dash.register_page(__name__, path="/sharing", title=title, order=4)


@access("user")
def layout(user: User, /, **_query: Any) -> Component:
    """Return the page."""
    return html.Div(
        [
            html.Div(html.H1(_("Sharing")), className="gh-head"),
            rows.listening(shared_view.ACCEPT, shared_view.DECLINE, shared_view.LEAVE),
            html.Div(_lists(user), id=LISTS),
            access_sections.section(_("Redeem a token"), _redeeming()),
        ],
        className="gh-stack gh-narrow",
    )


@callback(
    Output(LISTS, "children"),
    rows.presses(shared_view.ACCEPT),
    prevent_initial_call=True,
)
@access("user")
def accept(user: User, press: Any) -> Component:
    """Accept what is offered."""
    invitations.answer(rows.pressed(press), accept=True, by=user, **circumstances.of_change())
    return _lists(user)


@callback(
    Output(LISTS, "children", allow_duplicate=True),
    rows.presses(shared_view.DECLINE),
    prevent_initial_call=True,
)
@access("user")
def decline(user: User, press: Any) -> Component:
    """Decline what is offered."""
    invitations.answer(rows.pressed(press), accept=False, by=user, **circumstances.of_change())
    return _lists(user)


@callback(
    Output(LISTS, "children", allow_duplicate=True),
    rows.presses(shared_view.LEAVE),
    prevent_initial_call=True,
)
@access("user")
def leave(user: User, press: Any) -> Component:
    """Give one's own level on a device up."""
    device = rights.visible(user, rows.pressed(press))
    sharing.remove(device, user.public_id, by=user, **circumstances.of_change())
    return _lists(user)


@callback(
    Output(LISTS, "children", allow_duplicate=True),
    Output(PROBLEM, "children"),
    Output(TOKEN, "value"),
    Input(REDEEM, "n_clicks"),
    State(TOKEN, "value"),
    prevent_initial_call=True,
    running=[(Output(REDEEM, "disabled"), True, False)],
    on_error=errors_shown.beside(PROBLEM),
)
@access("user")
def redeem(user: User, clicks: int | None, token: Any) -> Any:
    """Take the level that a token gives."""
    if not clicks:
        raise PreventUpdate
    given = token.strip() if isinstance(token, str) else ""
    device = share_tokens.redeem(given, by=user, **circumstances.of_change())
    told = components.note(_("You have access to %(device)s now.", device=device.name), "ok")
    return _lists(user), told, ""


def _redeeming() -> Component:
    return html.Div(
        [
            components.field(
                _("Token"),
                dbc.Input(id=TOKEN, maxlength=100, autocomplete="off"),
                _("As somebody gave it to you; it begins with share_."),
            ),
            html.Div(id=PROBLEM, role="status"),
            html.Div(
                html.Button(_("Redeem"), id=REDEEM, type="button", className="btn btn-secondary")
            ),
        ],
        className="gh-stack",
    )


def _lists(user: User) -> Component:
    return shared_view.lists(invitations.waiting(user, now=utcnow()), shares.of(user), user)
