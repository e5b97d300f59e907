"""The access log of a device on a page."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component
from flask_babel import gettext as _

from clock import to_ms
from dashboard import components, device_parts
from db.models import Command


def via_words() -> dict[str, str]:
    """Return by which right or on which way a command was asked."""
    return {
        "page": _("Page"),
        "api": _("API"),
        "guest": _("Guest link"),
        "app": _("App"),
        "cli": _("Command line"),
    }


def table(found: Sequence[Command]) -> Component:
    """Return the log, newest first."""
    if not found:
        return html.P(_("Nobody has asked anything of it yet."), className="gh-muted mb-0")
    return html.Div(
        components.table(
            [_("Time"), _("Who"), _("By"), _("Address"), _("Command"), _("Result")],
            [
                [
                    components.moment(to_ms(one.asked_at)),
                    one.actor,
                    via_words().get(one.via, one.via),
                    one.address,
                    html.Code(one.name),
                    _result(one),
                ]
                for one in found
            ],
        ),
        className="gh-log",
    )


def newest_of(found: Sequence[Command]) -> str:
    """Return a mark that changes whenever the log does."""
    return ",".join(f"{one.public_id[:8]}{one.state}" for one in found)


def _result(command: Command) -> Component:
    return html.Span(
        device_parts.command_text(command.state, command.detail),
        className="gh-badge",
        **{"data-state": command.state},
    )
