"""Files of a device on a page: how far each one is, how much room there is, sending another."""

from collections.abc import Sequence
from datetime import datetime

from dash import html
from dash.development.base_component import Component
from flask_babel import format_decimal
from flask_babel import gettext as _

from clock import to_ms
from dashboard import components, rows
from db.models import Device, DeviceFile
from devices import file_delivery, kept_files
from devices.file_delivery import State
from devices.files import LARGEST

DELETE, AGAIN, TOLD = "file-delete", "file-again", "file-told"
SHOWN_DIGITS = 12  # of a checksum; the button copies all
TONES = {
    State.WAITING: "sent",
    State.HERE: "done",
    State.UNSENT: "no_answer",
    State.SENT: "sent",
    State.FETCHED: "done",
    State.REFUSED: "failed",
    State.EXPIRED: "expired",
}


def state_words() -> dict[State, str]:
    """Return how far a file is, in words."""
    return {
        State.WAITING: _("on its way"),
        State.HERE: _("here"),
        State.UNSENT: _("not sent: the device was not reached"),
        State.SENT: _("sent, no answer yet"),
        State.FETCHED: _("fetched by the device"),
        State.REFUSED: _("refused"),
        State.EXPIRED: _("expired"),
    }


def sender(device: Device) -> Component:
    """Return where a file for the device is chosen; the page's script sends it."""
    return components.fold(
        _("Send a file …"),
        html.Div(
            [
                html.P(
                    _(
                        "At most %(most)s. A device that is not connected does not hear of it;"
                        " then send it again.",
                        most=size(LARGEST),
                    )
                ),
                html.Div(
                    **{
                        "data-send-file": "",
                        "data-device": device.public_id,
                        "data-most": str(LARGEST),
                    }
                ),
            ]
        ),
    )


def note(file_id: str, *, told: bool) -> Component:
    """Return what is said of a file that was just sent again, until the list says more."""
    if told:
        return components.note_about(file_id, TONES[State.SENT], _("It is on its way."), "ok")
    return components.note_about(file_id, TONES[State.UNSENT], _("The broker is away."), "warn")


def listing(device: Device, found: Sequence[DeviceFile], used: int, *, now: datetime) -> Component:
    """Return the files, newest first, and how much of the room they take."""
    room = _("%(used)s of %(most)s used", used=size(used), most=size(kept_files.QUOTA))
    if not found:
        return html.P([_("No file has travelled yet."), " ", room], className="gh-muted mb-0")
    return html.Div(
        [
            html.Div(
                [
                    html.Progress(
                        value=str(used), max=str(kept_files.QUOTA), **{"aria-label": room}
                    ),
                    html.Span(room, className="gh-muted gh-small"),
                ],
                className="gh-quota",
            ),
            html.Div([_file(device, one, now) for one in found], className="gh-list"),
        ],
        className="gh-stack",
    )


def _file(device: Device, file: DeviceFile, now: datetime) -> Component:
    state = file_delivery.state(file, now=now)
    is_here = file.state != "waiting" and file.received == file.size
    way = _("from the device") if file.direction == "upload" else _("to the device")
    arrived = (
        size(file.size)
        if is_here
        else _("%(part)s of %(whole)s", part=size(file.received), whole=size(file.size))
    )
    download = html.A(
        [components.icon("download"), _("Download")],
        href=f"/data/file?device={device.public_id}&file={file.public_id}",
        className="btn btn-secondary btn-sm",
    )
    return html.Article(
        [
            html.Div(
                [
                    html.Strong(file.name, className="text-break"),
                    html.Span(
                        state_words()[state], className="gh-badge", **{"data-state": TONES[state]}
                    ),
                ],
                className="gh-list-head",
            ),
            html.Div(
                [way, " · ", arrived, " · ", components.moment(to_ms(file.created_at))],
                className="gh-muted gh-small",
            ),
            html.Div(file.result) if file.result else None,
            html.Div(
                [
                    _("Checksum"),
                    " ",
                    html.Code(f"{file.sha256[:SHOWN_DIGITS]}…", title=file.sha256),
                    components.copy_button(file.sha256),
                ],
                className="gh-muted gh-small",
            ),
            html.Div(
                [
                    download if is_here else None,
                    rows.button(_("Send again"), AGAIN, file.public_id)
                    if is_here and file.direction == "download"
                    else None,
                    components.fold(
                        _("Delete …"),
                        rows.button(
                            _("Delete file"), DELETE, file.public_id, "outline-danger btn-sm"
                        ),
                    ),
                ],
                className="gh-actions",
            ),
        ],
        className="gh-list-item",
        **{"aria-label": file.name, "data-named": file.public_id},
    )


def size(count: int) -> str:
    """Return a number of bytes for people."""
    if count < 1000:
        return str(_("%(size)s bytes", size=format_decimal(count)))
    if count < 1_000_000:
        return str(_("%(size)s kB", size=format_decimal(round(count / 1e3, 1))))
    return str(_("%(size)s MB", size=format_decimal(round(count / 1e6, 1))))


def mark_of(found: Sequence[DeviceFile], *, now: datetime) -> str:
    """Return a mark that changes whenever the list does."""
    return ",".join(
        f"{one.public_id}{file_delivery.state(one, now=now)}{one.received}{one.result}"
        for one in found
    )
