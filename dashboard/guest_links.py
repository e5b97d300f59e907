"""The guest links of a door, as its manager sees them."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from dash import html
from dash.development.base_component import Component
from flask_babel import format_datetime
from flask_babel import gettext as _

from dashboard import components, guest_form, qr, rows
from db.models import GuestLink
from devices import link_states
from devices.link_states import LIVING, LinkState

REVOKE, COPY = "link-revoke", "link-copy"


def state_words() -> dict[LinkState, str]:
    """Return what each state of a link is called."""
    return {
        LinkState.OPEN: _("open"),
        LinkState.EARLY: _("early"),
        LinkState.ENDED: _("ended"),
        LinkState.USED_UP: _("used up"),
        LinkState.BLOCKED: _("blocked: too many wrong PINs"),
        LinkState.REVOKED: _("revoked"),
    }


def anchor(link_id: str) -> str:
    """Return the id of a link's details on the page, which its bar in the calendar leads to."""
    return f"guest-link-{link_id}"


def listing(links: Sequence[GuestLink], *, now: datetime) -> Component:
    """Return the links, those that still open before those that are over."""
    if not links:
        return html.P(_("No guest has a link yet."), className="gh-muted mb-0")
    judged = [(link, link_states.state(link, now=now)) for link in links]
    living = [pair for pair in judged if pair[1] in LIVING]
    over = [pair for pair in judged if pair[1] not in LIVING]
    return html.Div(
        [
            html.Div([_link(*pair) for pair in living], className="gh-list") if living else None,
            components.fold(
                _("Past links: %(count)s", count=len(over)),
                html.Div([_link(*pair) for pair in over], className="gh-list"),
            )
            if over
            else None,
        ],
        className="gh-stack",
    )


def made(link: GuestLink, url: str) -> Component:
    """Return a new link with its address, which is shown this once."""
    told = (
        _("It is on its way to %(address)s.", address=link.email)
        if link.email
        else _("Send it to your guest now; later you can only make a new one.")
    )
    return html.Div(
        [
            components.note(
                [html.Strong(_("The link is shown only this once.")), " ", told], "warn"
            ),
            html.Div(
                [
                    html.Div(
                        [
                            html.H3(_("Link for %(guest)s", guest=link.label)),
                            html.Div(
                                [
                                    html.Code(url, **{"data-guest-link": ""}),
                                    components.copy_button(url),
                                ],
                                className="gh-once",
                            ),
                        ]
                    ),
                    html.Img(
                        src=qr.image(url),
                        alt=_("The same link as a QR code"),
                        className="gh-qr",
                    ),
                ],
                className="gh-made",
            ),
        ],
        className="gh-stack",
        role="status",
    )


def _link(link: GuestLink, state: LinkState) -> Component:
    actions = [rows.button(_("Copy for the next guest"), COPY, link.public_id)]
    if state in LIVING:
        actions.append(rows.button(_("Revoke"), REVOKE, link.public_id, "outline-danger btn-sm"))
    return html.Article(
        [
            html.Div(
                [
                    html.Strong(link.label),
                    html.Span(
                        state_words()[state],
                        className="gh-badge",
                        **{"data-state": f"link-{state}"},
                    ),
                ],
                className="gh-list-head",
            ),
            html.Div(window(link.not_before, link.not_after, link.timezone)),
            html.Div(" · ".join(_limits(link)), className="gh-muted gh-small"),
            html.Div(actions, className="gh-actions"),
        ],
        id=anchor(link.public_id),
        className="gh-list-item",
        tabIndex="-1",
        **{"aria-label": link.label, "data-link": link.public_id},
    )


def window(begins: datetime, ends: datetime, timezone: str) -> str:
    """Return from when until when a link opens, as the clock beside the door shows it."""
    zone = ZoneInfo(timezone)
    first, last = (
        format_datetime(at.astimezone(zone), "short", rebase=False) for at in (begins, ends)
    )
    return f"{first} – {last} ({timezone})"


def _limits(link: GuestLink) -> list[str]:
    uses = (
        _("used %(uses)s times", uses=link.uses)
        if link.max_uses is None
        else _("used %(uses)s of %(most)s times", uses=link.uses, most=link.max_uses)
    )
    words = guest_form.day_words()
    weekly = [
        f"{', '.join(words[day] for day in rule['days'])} {rule['from']}–{rule['until']}"
        for rule in link.weekly
    ]
    pin = [_("with a PIN")] if link.pin_hash else []
    return [uses, *weekly, *pin, *([link.email] if link.email else [])]
