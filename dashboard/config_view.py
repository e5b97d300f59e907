"""Configurations on a page: the versions, one of them, what changed between two, the editor."""

import json
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component
from flask_babel import gettext as _

from clock import to_ms
from dashboard import access_sections, components, rows
from db.models import Device, DeviceConfig
from devices.configs import State, Version

AGAIN = "config-again"
TEXT, UPLOAD, PUSH, PUSHED = (f"config-{part}" for part in ("text", "upload", "push", "pushed"))
TONES = {State.APPLIED: "done", State.FAILED: "failed", State.WAITING: "no_answer"}


def state_words() -> dict[State, str]:
    """Return how far a version is, in words."""
    return {
        State.WAITING: _("waits for the broker"),
        State.SENT: _("sent, no answer yet"),
        State.RECEIVED: _("received"),
        State.APPLIED: _("applied"),
        State.FAILED: _("failed"),
        State.REPLACED: _("replaced"),
    }


def note(number: int, *, sent: bool) -> Component:
    """Return what is said of a version that was just pushed, until the list says more."""
    row = _named(number)
    if sent:
        text = _("Version %(number)s is on its way.", number=number)
        return components.note_about(row, TONES.get(State.SENT, State.SENT), text, "ok")
    text = _("The broker is away; version %(number)s follows when it is back.", number=number)
    return components.note_about(row, TONES[State.WAITING], text, "warn")


def versions(device: Device, found: Sequence[Version], shown: int | None) -> Component:
    """Return the versions, newest first; `shown` is the one that others are compared with."""
    if not found:
        return html.P(_("Nothing has been sent to this device yet."), className="gh-muted mb-0")
    newest = found[0].config.version
    return html.Div(
        [_version(device, one, shown or newest, newest) for one in found], className="gh-list"
    )


def _version(device: Device, version: Version, shown: int, newest: int) -> Component:
    config = version.config
    page = f"/devices/{device.public_id}/files"
    number = config.version
    actions = [dcc.Link(_("View"), href=f"{page}?show={number}", className=_BUTTON)]
    if number != shown:
        compare = _("Compare with %(number)s", number=shown)
        actions.append(
            dcc.Link(compare, href=f"{page}?show={shown}&against={number}", className=_BUTTON)
        )
    if number != newest:
        actions.append(rows.button(_("Push again"), AGAIN, str(number)))
    return html.Article(
        [
            html.Div(
                [
                    html.Strong(_("Version %(number)s", number=number)),
                    html.Span(
                        state_words()[version.state],
                        className="gh-badge",
                        **{"data-state": TONES.get(version.state, str(version.state))},
                    ),
                ],
                className="gh-list-head",
            ),
            html.Div(
                [config.author, " · ", components.moment(to_ms(config.created_at))],
                className="gh-muted gh-small",
            ),
            html.Div(version.words) if version.state is State.FAILED else None,
            html.Div(actions, className="gh-actions"),
        ],
        className="gh-list-item",
        **{"aria-label": _("Version %(number)s", number=number), "data-named": _named(number)},
    )


def _named(number: int) -> str:
    return f"version-{number}"


_BUTTON = "btn btn-secondary btn-sm"


def one(config: DeviceConfig) -> Component:
    """Return a version whole."""
    title = _("Version %(number)s", number=config.version)
    return access_sections.section(
        title, html.Pre(text_of(config.body), className="gh-code", tabIndex=0)
    )


def difference(old: DeviceConfig, new: DeviceConfig) -> Component:
    """Return what changed from one version to another, line by line."""
    title = _("From version %(old)s to %(new)s", old=old.version, new=new.version)
    if old.body == new.body:
        return access_sections.section(title, html.P(_("They say the same."), className="mb-0"))
    tags = {"+": html.Ins, "-": html.Del, " ": html.Span}
    lines = [tags[mark](f"{mark} {text}\n") for mark, text in _changes(_plain(old), _plain(new))]
    return access_sections.section(title, html.Pre(lines, className="gh-code", tabIndex=0))


def editor(text: str) -> Component:
    """Return where a new version is written or read from a file, and pushed."""
    return html.Div(
        [
            components.field(
                _("Configuration"),
                dbc.Textarea(id=TEXT, value=text, rows=12, spellCheck=False, class_name="gh-mono"),
                _("A JSON object; the server adds the version."),
            ),
            html.Div(id=PUSHED, role="status"),
            html.Div(
                [
                    html.Button(_("Push"), id=PUSH, type="button", className="btn btn-primary"),
                    _from_file(),
                ],
                className="gh-actions",
            ),
        ],
        className="gh-stack",
    )


def _from_file() -> Component:
    text = _("From a file …")
    choice = dcc.Upload(
        html.Button(text, type="button", className="btn btn-secondary"),
        id=UPLOAD,
        accept=".json,application/json",
    )
    # the field that Dash puts beside the button has no name of its own
    return html.Label([html.Span(text, className="visually-hidden"), choice])


def text_of(body: dict[str, Any]) -> str:
    """Return a configuration as people read it."""
    return json.dumps(body, indent=2, ensure_ascii=False)


def _plain(config: DeviceConfig) -> list[str]:
    """Return the lines of a configuration with its names in order, as their order says nothing."""
    return json.dumps(config.body, indent=2, ensure_ascii=False, sort_keys=True).split("\n")


def _changes(old: list[str], new: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each line with " " if it stays, "-" if it goes, "+" if it comes."""
    for what, old_from, old_to, new_from, new_to in SequenceMatcher(a=old, b=new).get_opcodes():
        if what == "equal":
            yield from ((" ", line) for line in new[new_from:new_to])
            continue
        yield from (("-", line) for line in old[old_from:old_to])
        yield from (("+", line) for line in new[new_from:new_to])
