"""The device's tokens on its page: which there are, a new one, and the end of one."""

from collections.abc import Sequence

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component
from flask_babel import gettext as _

from clock import to_ms
from dashboard import components, rows
from db.models import DeviceToken

LIST, LABEL, MAKE, MADE = "tokens-list", "tokens-label", "tokens-make", "tokens-made"
REVOKE = "device-token-revoke"


def section(tokens: Sequence[DeviceToken]) -> Component:
    """Return the list, and the form for another one."""
    return html.Section(
        [
            html.H3(_("Tokens for HTTP")),
            rows.listening(REVOKE),
            html.Div(listed(tokens), id=LIST),
            components.fold(
                _("Make a token …"),
                html.Div(
                    [
                        components.field(_("What it is for"), dbc.Input(id=LABEL, maxlength=80)),
                        html.Button(
                            _("Make a token"),
                            id=MAKE,
                            type="button",
                            className="btn btn-secondary",
                        ),
                    ]
                ),
            ),
            html.Div(id=MADE, role="status", className="mt-3"),
        ],
        className="gh-wide",
    )


def listed(tokens: Sequence[DeviceToken]) -> Component:
    """Return the living tokens; their secrets are not known any more."""
    if not tokens:
        return html.P(_("None."), className="gh-muted")
    return components.table(
        [_("What it is for"), _("Made"), _("Last used"), ""],
        [
            [
                token.label or _("made with the device"),
                components.moment(to_ms(token.created_at)),
                components.moment(to_ms(token.used_at)) if token.used_at else _("never"),
                rows.button(_("Revoke"), REVOKE, token.public_id, "danger btn-sm"),
            ]
            for token in tokens
        ],
    )


def made(secret: str) -> Component:
    """Return a new token's secret, which is shown this once."""
    return components.note(
        [
            html.P(_("Copy it now: it is not shown again.")),
            html.Code(secret),
            components.copy_button(secret),
        ],
        "ok",
    )
