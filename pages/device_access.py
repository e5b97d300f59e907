"""Who gets in: guest links, people, tokens for engineers, apps, and the log of a device."""

from datetime import timedelta
from typing import Any

import dash
from dash import Input, Output, State, callback, dcc, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask_babel import gettext as _

from auth import access as rights
from auth import circumstances, sessions
from clock import utcnow
from dashboard import (
    access_guests,
    access_people,
    access_sections,
    components,
    errors_shown,
    hand_off,
    ids,
    inputs,
    log_view,
    rows,
)
from dashboard.access import access
from db.models import Device, Level, User
from devices import access_log, app_tokens, guests, share_tokens, sharing
from errors import Invalid

TOKENS, TOKEN_MADE, APPS, LOG, LOG_MARK, TICK = (
    f"access-{part}" for part in ("tokens", "token-made", "apps", "log", "log-mark", "tick")
)
LOG_LINES = 100
LOG_EVERY_MS = 2000


@access("user")
def title(user: User, /, device_id: Any = "", **_query: Any) -> str:
    """Return what the browser's tab says."""
    return f"{_('Access')} · {rights.visible(user, str(device_id)).name} · Gatehouse"


# before /devices/<device_id>, which would match this path too
dash.register_page(__name__, path_template="/devices/<device_id>/access", title=title, order=2.5)
access_guests.register()
access_people.register()


@access("user")
def layout(user: User, /, device_id: Any = "", **_query: Any) -> Component:
    """Return the page, for those who manage the device."""
    device = rights.visible(user, str(device_id), Level.MANAGER)
    level = rights.level(user, device) or Level.VIEWER
    log = access_log.newest(device, by=user, limit=LOG_LINES)
    is_door = device.kind in guests.OPENABLE
    return html.Div(
        [
            dcc.Store(id=ids.ACCESS_DEVICE, data=device.public_id),
            dcc.Store(id=LOG_MARK, data=log_view.newest_of(log)),
            dcc.Interval(id=TICK, interval=LOG_EVERY_MS),
            access_sections.head(device),
            access_guests.section(device, user) if is_door else access_guests.no_section(),
            access_sections.log(device, html.Div(log_view.table(log), id=LOG)),
            html.Div(
                [
                    access_people.section(device, user, level),
                    html.Div(
                        [
                            access_sections.section(
                                _("Tokens for engineers"),
                                html.Div(id=TOKEN_MADE),
                                rows.listening(hand_off.REVOKE),
                                html.Div(_tokens(device, user), id=TOKENS),
                                components.fold(_("New share token …"), hand_off.form(level)),
                            ),
                            access_sections.section(
                                _("Paired apps"),
                                rows.listening(hand_off.APP_REVOKE),
                                html.Div(_apps(device, user), id=APPS),
                            ),
                        ],
                        className="gh-stack",
                    ),
                ],
                className="gh-columns",
            ),
        ],
        className="gh-stack",
    )


@callback(
    Output(TOKEN_MADE, "children"),
    Output(TOKENS, "children"),
    Output(hand_off.PROBLEM, "children"),
    Input(hand_off.CREATE, "n_clicks"),
    State(hand_off.LABEL, "value"),
    State(hand_off.LEVEL, "value"),
    State(hand_off.USES, "value"),
    State(hand_off.DAYS, "value"),
    State(ids.ACCESS_DEVICE, "data"),
    prevent_initial_call=True,
    running=[(Output(hand_off.CREATE, "disabled"), True, False)],
    on_error=errors_shown.beside(hand_off.PROBLEM),
)
@access("user")
def create_token(
    user: User, clicks: int | None, label: Any, level: Any, uses: Any, days: Any, public_id: Any
) -> Any:
    """Make a share token and show it, this once."""
    if not clicks:
        raise PreventUpdate
    device, now = _device(user, public_id), utcnow()
    _token, secret = share_tokens.create(
        device,
        level=sharing.parse_level(inputs.text(level)),
        max_uses=_whole(uses),
        expires_at=now + timedelta(days=min(_whole(days), 10_000)),
        label=inputs.text(label),
        by=user,
        now=now,
        address=sessions.client_address(),
    )
    return hand_off.made(secret), _tokens(device, user), None


@callback(
    Output(TOKENS, "children", allow_duplicate=True),
    Output(access_people.PEOPLE, "children", allow_duplicate=True),
    rows.presses(hand_off.REVOKE),
    State(ids.ACCESS_DEVICE, "data"),
    prevent_initial_call=True,
)
@access("user")
def revoke_token(user: User, press: Any, public_id: Any) -> Any:
    """End a share token and the levels that it gave."""
    token_id = rows.pressed(press)
    device = _device(user, public_id)
    share_tokens.revoke(device, token_id, by=user, **circumstances.of_change())
    return _tokens(device, user), access_people.listing(device, user)


@callback(
    Output(APPS, "children"),
    rows.presses(hand_off.APP_REVOKE),
    State(ids.ACCESS_DEVICE, "data"),
    prevent_initial_call=True,
)
@access("user")
def revoke_app(user: User, press: Any, public_id: Any) -> Any:
    """Refuse an app from now on."""
    app_id = rows.pressed(press)
    device = _device(user, public_id)
    app_tokens.revoke(device, app_id, by=user, **circumstances.of_change())
    return _apps(device, user)


@callback(
    Output(LOG, "children"),
    Output(LOG_MARK, "data"),
    Output(ids.ACCESS_LINKS, "children", allow_duplicate=True),
    Input(TICK, "n_intervals"),
    State(LOG_MARK, "data"),
    State(ids.ACCESS_WEEKS, "data"),
    State(ids.ACCESS_DEVICE, "data"),
    prevent_initial_call=True,
)
@access("user")
def follow(user: User, ticks: int | None, mark: Any, weeks: Any, public_id: Any) -> Any:
    """Draw log and links anew when the log has changed."""
    if not ticks:
        raise PreventUpdate
    device = _device(user, public_id)
    found = access_log.newest(device, by=user, limit=LOG_LINES)
    if log_view.newest_of(found) == mark:
        raise PreventUpdate
    links = (
        access_guests.links(device, user, weeks) if device.kind in guests.OPENABLE else no_update
    )
    return log_view.table(found), log_view.newest_of(found), links


def _device(user: User, public_id: Any, level: Level = Level.MANAGER) -> Device:
    return rights.visible(user, inputs.text(public_id), level)


def _tokens(device: Device, user: User) -> Component:
    return hand_off.tokens(share_tokens.of(device, by=user), now=utcnow())


def _apps(device: Device, user: User) -> Component:
    return hand_off.apps(app_tokens.of(device, by=user))


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Invalid("not_a_number", _("Give whole numbers."))
    return value
