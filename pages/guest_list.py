"""Guest links for many guests at once, from a list that is looked over before anything is made."""

from typing import Any

import dash
import dash_bootstrap_components as dbc
from dash import Input, Output, State, callback, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask_babel import gettext as _

import wiring
from auth import sessions
from clock import utcnow
from dashboard import components, errors_shown, guest_list_view
from dashboard.access import access
from db.models import User
from devices import guest_list

TEXT, FILE, CHECK, CREATE, PROBLEM, RESULT = (
    f"guest-list-{part}" for part in ("text", "file", "check", "create", "problem", "result")
)


def title(**_query: Any) -> str:
    """Return what the browser's tab says."""
    return str(_("Links for many guests")) + " · Gatehouse"


# before /devices/<device_id>, which would match this path too
dash.register_page(__name__, path="/devices/guest-links", title=title, order=2)


@access("user")
def layout(_user: User, /, **_query: Any) -> Component:
    """Return the page."""
    return html.Div(
        [
            html.Div(html.H1(_("Links for many guests")), className="gh-head"),
            html.Section(
                [
                    guest_list_view.explained(),
                    components.field(
                        _("List"),
                        dbc.Textarea(
                            id=TEXT, rows=8, maxlength=guest_list.LARGEST, spellcheck=False
                        ),
                        _("Paste it here, or choose a file."),
                    ),
                    html.Label(
                        dcc.Upload(
                            html.Span(_("Choose a file"), className="btn btn-secondary"),
                            id=FILE,
                            accept=".csv,.txt,text/csv,text/plain",
                            max_size=guest_list.LARGEST,
                        ),
                        className="gh-upload",
                    ),
                    html.Div(id=PROBLEM, role="alert"),
                    html.Div(
                        [
                            html.Button(
                                _("Check"), id=CHECK, type="button", className="btn btn-secondary"
                            ),
                            html.Button(
                                _("Create all links"),
                                id=CREATE,
                                type="button",
                                className="btn btn-primary",
                            ),
                        ],
                        className="gh-actions",
                    ),
                ],
                className="gh-panel gh-stack gh-not-printed",
            ),
            html.Div(id=RESULT, role="status"),
        ],
        className="gh-stack gh-narrow",
    )


@callback(
    Output(TEXT, "value"),
    Input(FILE, "contents"),
    prevent_initial_call=True,
    on_error=errors_shown.beside(PROBLEM),
)
@access("user")
def take_file(_user: User, contents: Any) -> Any:
    """Put a file into the field, where it can be seen and changed."""
    if not contents:
        raise PreventUpdate
    return guest_list_view.file_text(contents)


@callback(
    Output(RESULT, "children"),
    Output(PROBLEM, "children"),
    Input(CHECK, "n_clicks"),
    State(TEXT, "value"),
    prevent_initial_call=True,
    running=[(Output(CHECK, "disabled"), True, False)],
    on_error=errors_shown.beside(PROBLEM),
)
@access("user")
def check(user: User, clicks: int | None, text: Any) -> Any:
    """Say of each line what would become of it."""
    if not clicks:
        raise PreventUpdate
    lines = guest_list.look_over(_bytes(text), by=user, now=utcnow())
    return guest_list_view.looked_over(lines), None


@callback(
    Output(RESULT, "children", allow_duplicate=True),
    Output(PROBLEM, "children", allow_duplicate=True),
    Output(TEXT, "value", allow_duplicate=True),
    Input(CREATE, "n_clicks"),
    State(TEXT, "value"),
    prevent_initial_call=True,
    running=[(Output(CREATE, "disabled"), True, False)],
    on_error=errors_shown.beside(PROBLEM),
)
@access("user")
def create(user: User, clicks: int | None, text: Any) -> Any:
    """Make all links and show their addresses, this once; or say which lines are wrong."""
    if not clicks:
        raise PreventUpdate
    parts = wiring.current()
    lines = guest_list.create(
        _bytes(text),
        by=user,
        keys=parts.keys,
        url=parts.settings.url,
        now=utcnow(),
        address=sessions.client_address(),
    )
    if guest_list.has_errors(lines):
        return guest_list_view.looked_over(lines), None, text
    return guest_list_view.made(lines), None, ""


def _bytes(text: Any) -> bytes:
    return text.encode("utf-8", "replace") if isinstance(text, str) else b""
