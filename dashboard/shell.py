"""What surrounds every page: navigation, menu, messages."""

import dash
from dash import dcc, html
from dash.development.base_component import Component
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf

from auth import sessions
from dashboard import ids
from dashboard.components import icon


def layout() -> Component:
    """Return the frame into which pages are drawn, for whoever is signed in."""
    user = sessions.signed_in()
    return html.Div(
        [
            html.A(_("Skip to the content"), href=f"#{ids.MAIN}", className="gh-skip"),
            html.Header(
                [
                    dcc.Link(
                        html.Span("Gatehouse", className="gh-brand-name"),
                        href="/",
                        className="gh-brand",
                        title="Gatehouse",
                    ),
                    html.Nav(
                        [
                            _link(_("Dashboard"), "/", "grid"),
                            _link(_("Add device"), "/devices/new", "plus"),
                            _link(_("Export"), "/export", "download"),
                            _link(_("Sharing"), "/sharing", "people"),
                        ],
                        className="gh-nav-links",
                        **{"aria-label": _("Pages")},
                    ),
                    _menu(
                        user.email_typed if user else "",
                        is_admin=user is not None and user.is_admin,
                    ),
                ],
                className="gh-nav",
            ),
            html.Div(
                [icon("away"), html.Span(**{"data-connection-text": ""})],
                className="gh-banner",
                role="status",
                hidden=True,
                **{"data-connection": ""},
            ),
            html.Main(dash.page_container, id=ids.MAIN, className="gh-main", tabIndex=-1),
            html.Div(id=ids.TOASTS, className="gh-toasts", role="alert"),
        ]
    )


def _link(text: str, href: str, symbol: str) -> Component:
    return dcc.Link(
        [icon(symbol), html.Span(text, className="gh-nav-word")],
        href=href,
        className="gh-nav-link",
        title=text,
    )


def _menu(email: str, *, is_admin: bool) -> Component:
    themes = [("light", _("Light")), ("dark", _("Dark")), ("auto", _("System"))]
    return html.Details(
        [
            html.Summary(
                [icon("person"), html.Span(_("Menu"), className="visually-hidden")],
                className="btn btn-secondary btn-sm",
            ),
            html.Div(
                [
                    html.Div(email, className="gh-menu-who"),
                    html.A(_("Settings"), href="/settings", className="gh-menu-item"),
                    dcc.Link(_("Administration"), href="/admin", className="gh-menu-item")
                    if is_admin
                    else None,
                    html.Hr(),
                    html.Div(
                        [
                            html.Button(
                                text,
                                type="button",
                                disable_n_clicks=True,
                                **{"data-theme-choice": choice, "aria-pressed": "false"},
                            )
                            for choice, text in themes
                        ],
                        className="gh-segments",
                        role="group",
                        **{"aria-label": _("Appearance")},
                    ),
                    html.Hr(),
                    html.Form(
                        [
                            dcc.Input(type="hidden", name="csrf_token", value=generate_csrf()),
                            html.Button(_("Log out"), type="submit", className="gh-menu-item"),
                        ],
                        action="/logout",
                        method="POST",
                    ),
                ],
                className="gh-menu-body",
            ),
        ],
        className="gh-menu",
        **{"data-menu": ""},
    )
