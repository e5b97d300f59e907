"""The access log of a device on a page."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component
from flask_babel import gettext as _

from auth.keys import sha256
from clock import to_ms
from dashboard import components, device_parts, people
from devices.access_log import Entry


def right_words() -> dict[str, str]:
    """Return what the rights are called by which somebody asks."""
    levels = {level.name.lower(): word for level, word in people.level_words().items()}
    return {
        **levels,
        "guest_link": _("Guest link"),
        "app_token": _("App"),
        "share_token": _("Share token"),
    }


def channel_words() -> dict[str, str]:
    """Return on which way a command was asked."""
    return {
        "page": _("Page"),
        "api": _("API"),
        "guest": _("Guest page"),
        "app": _("App"),
        "cli": _("Command line"),
    }


def table(found: Sequence[Entry]) -> Component:
    """Return the log, newest first."""
    if not found:
        return html.P(_("Nobody has asked anything of it yet."), className="gh-muted mb-0")
    heads = [_("Time"), _("Who"), _("By which right"), _("Channel"), _("Address")]
    return html.Div(
        components.table(
            [*heads, _("Command"), _("Result")],
            [
                [
                    components.moment(to_ms(one.command.asked_at)),
                    one.by,
                    _right(one),
                    channel_words().get(one.channel, one.channel),
                    one.address,
                    html.Code(one.command.name),
                    _result(one),
                ]
                for one in found
            ],
        ),
        className="gh-log",
    )


def newest_of(found: Sequence[Entry]) -> str:
    """Return a mark that changes whenever the log does."""
    commands = (one.command for one in found)
    return sha256(str([(one.public_id, one.state, one.detail) for one in commands]))[:16]


def _right(entry: Entry) -> str | Component:
    """Return a right in words; of what was handed out its label, and its id for those who ask."""
    word = right_words().get(entry.via, entry.via or "–")
    if not entry.via_id:
        return word
    label = entry.via_label if entry.via_label != entry.by else ""
    return html.Span(f"{word}: {label}" if label else word, title=entry.via_id)


def _result(entry: Entry) -> Component:
    command = entry.command
    return html.Span(
        device_parts.command_text(command.state, command.detail),
        className="gh-badge",
        **{"data-state": command.state},
    )
