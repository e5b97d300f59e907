"""What is shared with somebody, offered to them, and shared by them."""

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component
from flask_babel import gettext as _

from clock import to_ms
from dashboard import access_sections, components, people, rows
from db.models import Invitation, Level, User
from devices.shares import Shared

ACCEPT, DECLINE, LEAVE = "offer-accept", "offer-decline", "share-leave"


def lists(offers: Sequence[Invitation], devices: Sequence[Shared], user: User) -> Component:
    """Return the three lists; those with nothing in them say so."""
    return html.Div(
        [
            access_sections.section(_("Offered to you"), html.Div(list(map(_offer, offers))))
            if offers
            else None,
            access_sections.section(
                _("Shared with you"), _with_me([one for one in devices if one.level < Level.OWNER])
            ),
            access_sections.section(
                _("Shared by you"),
                _by_me([one for one in devices if one.level >= Level.MANAGER], user),
            ),
        ],
        className="gh-stack",
    )


def _offer(offer: Invitation) -> Component:
    level, giver = Level(offer.level), offer.inviter.email_typed
    text = (
        _("%(person)s hands this device over to you. You become its owner.", person=giver)
        if level is Level.OWNER
        else _(
            "%(person)s offers you access as %(level)s.",
            person=giver,
            level=people.level_words()[level],
        )
    )
    return html.Article(
        [
            html.Div(html.Strong(offer.device.name), className="gh-list-head"),
            html.Div(text),
            html.Div(
                [_("Open until"), " ", components.moment(to_ms(offer.expires_at))],
                className="gh-muted gh-small",
            ),
            html.Div(
                [
                    rows.button(_("Accept"), ACCEPT, offer.public_id, "primary btn-sm"),
                    rows.button(_("Decline"), DECLINE, offer.public_id),
                ],
                className="gh-actions",
            ),
        ],
        className="gh-list-item",
        **{"aria-label": offer.device.name},
    )


def _with_me(devices: Sequence[Shared]) -> Component:
    if not devices:
        return html.P(_("Nobody shares a device with you."), className="gh-muted mb-0")
    return html.Div([_given(one) for one in devices], className="gh-list")


def _given(shared: Shared) -> Component:
    device, word = shared.device, people.level_words()[shared.level]
    text = (
        _("%(level)s, of %(person)s", level=word, person=shared.owner.email_typed)
        if shared.owner
        else word
    )
    return html.Article(
        [
            html.Div(
                [
                    dcc.Link(device.name, href=f"/devices/{device.public_id}"),
                    html.Span(text, className="gh-muted"),
                ],
                className="gh-list-head",
            ),
            components.fold(
                _("Leave …"),
                html.Div(
                    [
                        html.P(_("You will not see this device any more.")),
                        rows.button(_("Leave"), LEAVE, device.public_id, "outline-danger btn-sm"),
                    ]
                ),
            ),
        ],
        className="gh-list-item",
        **{"aria-label": device.name},
    )


def _by_me(devices: Sequence[Shared], user: User) -> Component:
    if not devices:
        return html.P(_("You have no device of your own yet."), className="gh-muted mb-0")
    words = people.level_words()
    return html.Div(
        [
            html.Article(
                [
                    html.Div(
                        [
                            dcc.Link(one.device.name, href=f"/devices/{one.device.public_id}"),
                            html.Div(
                                ", ".join(
                                    f"{grant.user.email_typed} ({words[Level(grant.level)]})"
                                    for grant in one.others
                                    if grant.user_id != user.id
                                )
                                or _("with nobody"),
                                className="gh-muted gh-small",
                            ),
                        ]
                    ),
                    dcc.Link(
                        _("Access"),
                        href=f"/devices/{one.device.public_id}/access",
                        className="btn btn-secondary btn-sm",
                    ),
                ],
                className="gh-list-item gh-line",
                **{"aria-label": one.device.name},
            )
            for one in devices
        ],
        className="gh-list",
    )
