"""Who has access to a device, who is invited, and the forms that change it."""

from collections.abc import Sequence

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component
from flask_babel import gettext as _

from dashboard import components, rows
from db.models import Grant, Invitation, Level, User

EMAIL, LEVEL, SHARE, PROBLEM = (f"people-{part}" for part in ("email", "level", "share", "problem"))
HEIR, HAND, HANDED = "people-heir", "people-hand", "people-handed"
NEW_LEVEL, CHANGE, REMOVE, WITHDRAW = (
    f"people-{part}" for part in ("new-level", "change", "remove", "withdraw")
)


def level_words() -> dict[Level, str]:
    """Return what each level is called, lowest first."""
    return {
        Level.VIEWER: _("Viewer"),
        Level.OPERATOR: _("Operator"),
        Level.MANAGER: _("Manager"),
        Level.OWNER: _("Owner"),
    }


def level_select(component_id: str | dict[str, str], most: Level, value: Level) -> Component:
    """Return a choice of the levels that somebody of the level `most` may give."""
    options = [
        {"label": word, "value": level.name.lower()}
        for level, word in level_words().items()
        if level <= min(most, Level.MANAGER)
    ]
    return dbc.Select(id=component_id, options=options, value=value.name.lower())


def listing(
    grants: Sequence[Grant], offers: Sequence[Invitation], *, user: User, level: Level
) -> Component:
    """Return who has which level and who is offered one, each with what `user` may change."""
    return html.Div(
        [
            *(_person(grant, user, level) for grant in grants),
            *(_offer(offer, level) for offer in offers),
        ],
        className="gh-list",
    )


def form(level: Level) -> Component:
    """Return the form that lets somebody in; an owner may hand the device over too."""
    return html.Div(
        [
            html.Div(
                [
                    components.field(_("E-mail"), dbc.Input(id=EMAIL, type="email", maxlength=320)),
                    components.field(_("Level"), level_select(LEVEL, level, Level.OPERATOR)),
                ],
                className="gh-columns",
            ),
            html.Div(
                _(
                    "Viewers see, operators press buttons, managers make links and settings."
                    " Who has no account yet is invited."
                ),
                className="form-text",
            ),
            html.Div(id=PROBLEM, role="alert"),
            html.Div(html.Button(_("Share"), id=SHARE, type="button", className="btn btn-primary")),
            _handing_over() if level >= Level.OWNER else None,
        ],
        className="gh-stack",
    )


def _handing_over() -> Component:
    return components.fold(
        _("Hand this device over …"),
        html.Div(
            [
                html.P(
                    _(
                        "Whoever accepts becomes the owner, and you stay a manager."
                        " Nothing changes before that."
                    )
                ),
                components.field(
                    _("E-mail of the new owner"), dbc.Input(id=HEIR, type="email", maxlength=320)
                ),
                html.Button(_("Offer"), id=HAND, type="button", className="btn btn-secondary"),
                html.Div(id=HANDED, role="status", className="mt-3"),
            ]
        ),
    )


def _person(grant: Grant, user: User, level: Level) -> Component:
    holds, who = Level(grant.level), grant.user.public_id
    mine = grant.user_id == user.id
    name = grant.user.email_typed
    actions: list[Component] = []
    if holds < Level.OWNER and holds <= level and not mine:
        actions = [
            *_change(name, who, holds, level),
            rows.button(_("Remove"), REMOVE, who, "outline-danger btn-sm"),
        ]
    return _row(_("%(person)s (you)", person=name) if mine else name, level_words()[holds], actions)


def _offer(offer: Invitation, level: Level) -> Component:
    offered = Level(offer.level)
    actions: list[Component] = []
    if offered <= level:
        actions = [rows.button(_("Withdraw"), WITHDRAW, offer.public_id)]
    if offered <= min(level, Level.MANAGER):
        actions = [*_change(offer.email, offer.public_id, offered, level), *actions]
    return _row(offer.email, _("invited as %(level)s", level=level_words()[offered]), actions)


def _change(person: str, row: str, holds: Level, most: Level) -> list[Component]:
    """Return the choice of another level for somebody, and the button that gives it."""
    choice = level_select({"type": NEW_LEVEL, "row": row}, most, holds)
    label = html.Span(_("Level of %(person)s", person=person), className="visually-hidden")
    return [html.Label([label, choice]), rows.button(_("Change"), CHANGE, row)]


def _row(who: str, what: str, actions: list[Component]) -> Component:
    return html.Article(
        [
            html.Div(
                [html.Strong(who), html.Span(what, className="gh-muted")],
                className="gh-list-head",
            ),
            html.Div(actions, className="gh-actions") if actions else None,
        ],
        className="gh-list-item",
        **{"aria-label": who},
    )
