"""Files and configurations of a device: versions to view, compare and push; logs it sent up."""

import base64
import binascii
from typing import Any

import dash
from dash import Input, Output, State, callback, dcc, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from flask_babel import gettext as _

import wiring
from auth import access as rights
from auth import circumstances, sessions
from clock import utcnow
from dashboard import (
    access_sections,
    config_view,
    errors_shown,
    file_list,
    inputs,
    rows,
)
from dashboard.access import access
from db.models import Device, Level, User
from devices import configs, file_delivery, kept_files
from errors import Invalid

DEVICE, SHOWN, MARK, TICK, VERSIONS, FILES = (
    f"files-{part}" for part in ("device", "shown", "mark", "tick", "versions", "list")
)
EVERY_MS = 2000


@access("user")
def title(user: User, /, device_id: Any = "", **_query: Any) -> str:
    """Return what the browser's tab says."""
    return f"{_('Files')} · {rights.visible(user, str(device_id)).name} · Gatehouse"


# before /devices/<device_id>, which would match this path too
dash.register_page(__name__, path_template="/devices/<device_id>/files", title=title, order=2.7)


@access("user")
def layout(user: User, /, device_id: Any = "", **query: Any) -> Component:
    """Return the page, for those who manage the device."""
    device = rights.visible(user, str(device_id), Level.MANAGER)
    found = _history(device, user)
    by_number = {one.config.version: one.config for one in found}
    shown = by_number.get(_number(query.get("show")))
    against = by_number.get(_number(query.get("against")))
    draft = shown or (found[0].config if found else None)
    return html.Div(
        [
            dcc.Store(id=DEVICE, data=device.public_id),
            dcc.Store(id=SHOWN, data=shown.version if shown else None),
            dcc.Store(id=MARK, data=_mark(device, user)),
            dcc.Interval(id=TICK, interval=EVERY_MS),
            access_sections.titled(device, _("Files of %(device)s", device=device.name)),
            _looked_at(shown, against),
            html.Div(
                [
                    access_sections.section(
                        _("Configurations"),
                        rows.listening(config_view.AGAIN),
                        html.Div(
                            config_view.versions(device, found, shown.version if shown else None),
                            id=VERSIONS,
                        ),
                    ),
                    access_sections.section(
                        _("New version"),
                        config_view.editor(config_view.text_of(draft.body) if draft else "{\n}"),
                    ),
                ],
                className="gh-columns",
            ),
            access_sections.section(
                _("Files"),
                file_list.sender(device),
                html.Div(id=file_list.TOLD, role="status"),
                rows.listening(file_list.DELETE, file_list.AGAIN),
                html.Div(_files(device, user), id=FILES),
            ),
        ],
        className="gh-stack",
    )


@callback(
    Output(VERSIONS, "children"),
    Output(config_view.PUSHED, "children"),
    Input(config_view.PUSH, "n_clicks"),
    State(config_view.TEXT, "value"),
    State(SHOWN, "data"),
    State(DEVICE, "data"),
    prevent_initial_call=True,
    running=[(Output(config_view.PUSH, "disabled"), True, False)],
    on_error=errors_shown.beside(config_view.PUSHED),
)
@access("user")
def push(user: User, clicks: int | None, text: Any, shown: Any, public_id: Any) -> Any:
    """Push what was written as the next version."""
    if not clicks:
        raise PreventUpdate
    device = _device(user, public_id)
    pushed = configs.push(
        device, configs.parse(inputs.text(text)), by=user, **circumstances.of_push()
    )
    return _versions(device, user, shown), config_view.note(pushed.config.version, sent=pushed.sent)


@callback(
    Output(VERSIONS, "children", allow_duplicate=True),
    Output(config_view.PUSHED, "children", allow_duplicate=True),
    rows.presses(config_view.AGAIN),
    State(SHOWN, "data"),
    State(DEVICE, "data"),
    prevent_initial_call=True,
    on_error=errors_shown.beside(config_view.PUSHED),
)
@access("user")
def push_again(user: User, press: Any, shown: Any, public_id: Any) -> Any:
    """Push what an earlier version said as the next version."""
    version = _number(rows.pressed(press))
    device = _device(user, public_id)
    pushed = configs.push_again(device, version, by=user, **circumstances.of_push())
    return _versions(device, user, shown), config_view.note(pushed.config.version, sent=pushed.sent)


@callback(
    Output(config_view.TEXT, "value"),
    Output(config_view.PUSHED, "children", allow_duplicate=True),
    Input(config_view.UPLOAD, "contents"),
    prevent_initial_call=True,
    on_error=errors_shown.beside(config_view.PUSHED),
)
@access("user")
def read_file(_user: User, contents: Any) -> Any:
    """Put a file of the person's into the editor; nothing is pushed yet."""
    if not contents:
        raise PreventUpdate
    try:
        text = base64.b64decode(inputs.text(contents).partition(",")[2], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Invalid("config_file", _("This file is no text.")) from None
    return config_view.text_of(configs.parse(text)), None


@callback(
    Output(FILES, "children"),
    rows.presses(file_list.DELETE),
    State(DEVICE, "data"),
    prevent_initial_call=True,
)
@access("user")
def delete(user: User, press: Any, public_id: Any) -> Component:
    """Delete a file."""
    file = rows.pressed(press)
    device = _device(user, public_id)
    kept_files.delete(
        device,
        file,
        by=user,
        folder=wiring.current().file_way.folder,
        now=utcnow(),
        address=sessions.client_address(),
    )
    return _files(device, user)


@callback(
    Output(FILES, "children", allow_duplicate=True),
    Output(file_list.TOLD, "children"),
    rows.presses(file_list.AGAIN),
    State(DEVICE, "data"),
    prevent_initial_call=True,
    on_error=errors_shown.beside(file_list.TOLD),
)
@access("user")
def send_again(user: User, press: Any, public_id: Any) -> Any:
    """Tell the device of a file again."""
    file = rows.pressed(press)
    device = _device(user, public_id)
    told = file_delivery.send_again(
        device,
        file,
        by=user,
        way=wiring.current().file_way,
        now=utcnow(),
        address=sessions.client_address(),
    )
    return _files(device, user), file_list.note(file, told=told)


@callback(
    Output(VERSIONS, "children", allow_duplicate=True),
    Output(FILES, "children", allow_duplicate=True),
    Output(MARK, "data"),
    Input(TICK, "n_intervals"),
    State(MARK, "data"),
    State(SHOWN, "data"),
    State(DEVICE, "data"),
    prevent_initial_call=True,
)
@access("user")
def follow(user: User, ticks: int | None, mark: Any, shown: Any, public_id: Any) -> Any:
    """Draw the lists anew when the device has said or sent something."""
    if not ticks:
        raise PreventUpdate
    device = _device(user, public_id)
    now = _mark(device, user)
    if now == mark:
        raise PreventUpdate
    was = mark if isinstance(mark, list) and len(mark) == len(now) else [None] * len(now)
    return (
        _versions(device, user, shown) if now[0] != was[0] else no_update,
        _files(device, user) if now[1] != was[1] else no_update,
        now,
    )


def _looked_at(shown: Any, against: Any) -> Component | None:
    if shown is None:
        return None
    if against is None or against is shown:
        return config_view.one(shown)
    old, new = sorted((shown, against), key=lambda config: int(config.version))
    return config_view.difference(old, new)


def _mark(device: Device, user: User) -> list[str]:
    """Return a mark for each list that changes whenever the list does."""
    found = _history(device, user)
    versions = ",".join(f"{one.config.version}{one.state}{one.words}" for one in found)
    return [versions, file_list.mark_of(kept_files.of(device, by=user), now=utcnow())]


def _history(device: Device, user: User) -> list[configs.Version]:
    return configs.history(device, by=user, store=wiring.current().store)


def _versions(device: Device, user: User, shown: Any) -> Component:
    number = shown if isinstance(shown, int) else None
    return config_view.versions(device, _history(device, user), number)


def _files(device: Device, user: User) -> Component:
    found, used = kept_files.of(device, by=user), kept_files.used(device)
    return file_list.listing(device, found, used, now=utcnow())


def _device(user: User, public_id: Any) -> Device:
    return rights.visible(user, inputs.text(public_id), Level.MANAGER)


def _number(value: Any) -> int:
    """Return a version's number; 0, which no version has, for what is none."""
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 10 else 0
