"""The administrators' first page: the way to people, audit and mail, and how the system is."""

from collections.abc import Iterable
from typing import Any

import dash
from dash import html
from dash.development.base_component import Component
from flask import current_app
from flask_babel import format_decimal
from flask_babel import gettext as _

import wiring
from dashboard import components
from dashboard.access import access
from db.models import User
from devices import system

Facts = Iterable[tuple[str, str]]
LARGEST = 8  # devices


def title(**_query: Any) -> str:
    """Return what the browser's tab says."""
    return str(_("Administration")) + " · Gatehouse"


dash.register_page(__name__, path="/admin", title=title, order=6)


@access("admin")
def layout(_user: User, /, **_query: Any) -> Component:
    """Return the page."""
    health = _listener()
    return html.Div(
        [
            html.Div(html.H1(_("Administration")), className="gh-head"),
            html.Div(
                [
                    _way("/admin/users", _("People"), _("Accounts, roles, invitations")),
                    _way("/admin/audit", _("Audit"), _("What happened, and who did it")),
                    _way("/admin/mail", _("Mail"), _("What waits to be sent, what failed")),
                ],
                className="gh-grid",
            ),
            html.Div(
                [
                    _facts(_("System"), _sizes()),
                    _facts(_("Largest on the disk"), _largest()),
                    _facts(_("Broker and listener"), _connections(health)),
                    _facts(_("Since the start"), _counts(health)) if health else None,
                    _facts(_("Versions"), system.versions()),
                ],
                className="gh-columns gh-panel",
            ),
        ],
        className="gh-stack",
    )


def _way(href: str, title: str, text: str) -> Component:
    # these are pages of Flask, so the browser has to load them
    return html.A(
        [html.H2(title), html.P(text, className="gh-muted mb-0")], href=href, className="gh-panel"
    )


def _facts(title: str, facts: Facts) -> Component:
    rows = [part for name, text in facts for part in (html.Dt(name), html.Dd(text))]
    return html.Section([html.H3(title), html.Dl(rows, className="gh-facts gh-figures")])


def _listener() -> dict[str, Any] | None:
    """Return what the listener of this process says of itself; None: another process has it."""
    background = current_app.extensions.get("gatehouse.background")
    return None if background is None else background.ingest.health()


def _sizes() -> Facts:
    parts = wiring.current()
    sizes = system.sizes()
    disk = system.disk(parts.settings.instance_dir, parts.store)
    yield _("Accounts"), _number(sizes.users)
    yield _("Devices"), _number(sizes.devices)
    yield _("Readings and history"), components.size(disk.store)
    yield _("Free on the disk"), components.size(disk.free)
    if trouble := parts.store.trouble:
        yield _("Disk"), _troubles().get(trouble, _("Readings cannot be stored just now"))


def _troubles() -> dict[str, str]:
    return {
        "disk_full": _("Full: new readings wait in the broker until there is room"),
        "store_read_only": _("Cannot be written: new readings wait in the broker"),
    }


def _largest() -> Facts:
    for name, count in system.largest(wiring.current().store, LARGEST):
        yield name, components.size(count)


def _connections(health: dict[str, Any] | None) -> Facts:
    there, away = _("connected"), _("not connected")
    yield _("Broker"), there if wiring.current().publisher.connected else away
    if health is None:
        yield _("Listener"), _("in another process")
        return
    yield _("Listener"), there if health["connected"] else away
    yield _("Messages that wait"), _number(health["queue"])
    yield (
        _("Broker last heard"),
        _("%(seconds)s s ago", seconds=_number(health["last_traffic_age_s"])),
    )


def _counts(health: dict[str, Any]) -> Facts:
    yield _("Messages"), _number(health["messages"])
    yield _("Readings stored"), _number(health["stored"])
    yield _("Readings repeated"), _number(health["repeated"])
    yield _("Readings replaced"), _number(health["replaced"])
    yield _("Values refused"), _number(sum(health["refused"].values()))


def _number(value: float) -> str:
    return str(format_decimal(round(value)))
