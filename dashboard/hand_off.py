"""Share tokens for engineers, and the phone apps that a device vouched for."""

from collections.abc import Sequence
from datetime import datetime

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component
from flask_babel import gettext as _

from clock import to_ms
from dashboard import components, people, rows
from db.models import AppToken, Level, ShareToken

LABEL, LEVEL, USES, DAYS, CREATE, PROBLEM = (
    f"token-{part}" for part in ("label", "level", "uses", "days", "create", "problem")
)
REVOKE, APP_REVOKE = "token-revoke", "app-revoke"
MOST_DAYS = 365


def form(level: Level) -> Component:
    """Return the form that makes a share token."""
    return html.Div(
        [
            html.Div(
                [
                    components.field(_("What it is for"), dbc.Input(id=LABEL, maxlength=80)),
                    components.field(_("Level"), people.level_select(LEVEL, level, Level.OPERATOR)),
                    components.field(
                        _("Number of people"),
                        dbc.Input(id=USES, type="number", min=1, max=1000, step=1, value=1),
                    ),
                    components.field(
                        _("Days until it ends"),
                        dbc.Input(id=DAYS, type="number", min=1, max=MOST_DAYS, step=1, value=7),
                    ),
                ],
                className="gh-columns",
            ),
            html.Div(id=PROBLEM, role="alert"),
            html.Div(
                html.Button(
                    _("Create share token"), id=CREATE, type="button", className="btn btn-secondary"
                )
            ),
        ],
        className="gh-stack",
    )


def made(secret: str) -> Component:
    """Return a new token, which is shown this once."""
    return html.Div(
        [
            components.note(
                [
                    html.Strong(_("The token is shown only this once.")),
                    " ",
                    _("Whoever redeems it on the page “Sharing” gets the level."),
                ],
                "warn",
            ),
            html.Div(
                [html.Code(secret, **{"data-share-token": ""}), components.copy_button(secret)],
                className="gh-once",
            ),
        ],
        className="gh-stack",
        role="status",
    )


def tokens(found: Sequence[ShareToken], *, now: datetime) -> Component:
    """Return the tokens with who redeemed them."""
    if not found:
        return html.P(_("No token yet."), className="gh-muted mb-0")
    return html.Div([_token(one, now) for one in found], className="gh-list")


def apps(found: Sequence[AppToken]) -> Component:
    """Return the paired apps."""
    if not found:
        return html.P(
            _("No app is paired; the device says so when one is."), className="gh-muted mb-0"
        )
    return html.Div(list(map(_app, found)), className="gh-list")


def _app(app: AppToken) -> Component:
    used = [_("used"), " ", components.moment(to_ms(app.used_at))] if app.used_at else []
    return html.Article(
        [
            html.Div(
                [
                    html.Strong(people.level_words()[Level(app.level)]),
                    html.Span(
                        _("revoked") if app.revoked_at else _("open"),
                        className="gh-badge",
                        **{"data-state": "link-revoked" if app.revoked_at else "link-open"},
                    ),
                ],
                className="gh-list-head",
            ),
            html.Div(
                [_("paired"), " ", components.moment(to_ms(app.created_at)), " ", *used],
                className="gh-muted gh-small",
            ),
            None
            if app.revoked_at
            else html.Div(
                rows.button(_("Revoke"), APP_REVOKE, app.public_id, "outline-danger btn-sm"),
                className="gh-actions",
            ),
        ],
        className="gh-list-item",
    )


def _token(token: ShareToken, now: datetime) -> Component:
    words = {"revoked": _("revoked"), "ended": _("ended"), "used_up": _("used up")}
    state = _state(token, now)
    uses = _("used %(uses)s of %(most)s times", uses=token.uses, most=token.max_uses)
    return html.Article(
        [
            html.Div(
                [
                    html.Strong(token.label or people.level_words()[Level(token.level)]),
                    html.Span(
                        words.get(state, _("open")),
                        className="gh-badge",
                        **{"data-state": f"link-{state}"},
                    ),
                ],
                className="gh-list-head",
            ),
            html.Div(
                [
                    f"{people.level_words()[Level(token.level)]} · {uses} · ",
                    _("until"),
                    " ",
                    components.moment(to_ms(token.expires_at)),
                ],
                className="gh-muted gh-small",
            ),
            *(
                html.Div(
                    [
                        _("Redeemed by %(person)s", person=one.who),
                        " ",
                        components.moment(to_ms(one.at)),
                    ]
                )
                for one in token.redemptions
            ),
            html.Div(
                rows.button(_("Revoke"), REVOKE, token.public_id, "outline-danger btn-sm"),
                className="gh-actions",
            )
            if state in {"open", "used_up"}
            else None,
        ],
        className="gh-list-item",
        **{"aria-label": token.label},
    )


def _state(token: ShareToken, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    if now >= token.expires_at:
        return "ended"
    return "used_up" if token.uses >= token.max_uses else "open"
