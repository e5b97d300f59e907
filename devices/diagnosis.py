"""Says what is wrong when the first message of a device does not come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from clock import to_ms
from db.models import Device
from db.telemetry.records import REPLACED
from devices.ports import BrokerLog, BrokerNote
from notify.mark import N_

if TYPE_CHECKING:
    from db.telemetry.store import TelemetryStore

PATIENCE = timedelta(seconds=30)  # silence for so long is worth a word
CLOSELY_FOR = timedelta(minutes=15)  # so long the broker may log everything for one device

TEXTS = {
    "wrong_password": N_("The broker refused a login: the user name or the password is wrong."),
    "wrong_topic": N_("The device published to a topic that is not its own."),
    "bad_json": N_("A message came that is not JSON, or JSON that cannot be used."),
    "not_utf8": N_("A message came that is not text in UTF-8."),
    "clock_off": N_("A message came whose time cannot be true: is the device's clock right?"),
    "too_large": N_("A message came that is too large."),
    "bad_value": N_("A message came with a value that cannot be used."),
    "connected": N_("The device is connected but has published nothing yet."),
    "nothing_yet": N_("Nothing has come yet."),
}
OF_REFUSALS = {
    "bad_json": "bad_json",
    "too_deep": "bad_json",
    "not_utf8": "not_utf8",
    "future": "clock_off",
    "too_old": "clock_off",
    "bad_time": "clock_off",
    "too_large": "too_large",
    "too_many": "too_large",
    "unknown_topic": "wrong_topic",
}
OF_NOTES = {
    "login_refused": "wrong_password",
    "topic_refused": "wrong_topic",
    "too_large": "too_large",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `sample` is what the device sent, or from where."""

    code: str
    text: str
    sample: str = ""


def problems(
    device: Device,
    *,
    since: datetime,
    now: datetime,
    store: "TelemetryStore",
    brokerlog: BrokerLog,
) -> list[Problem]:
    """Return what keeps the first message from coming, the newest first; one of each kind.

    While somebody asks, the broker logs more than usual, for CLOSELY_FOR at most.

    Args:
        device: that is waited for.
        since: what is older does not count.
        now: the present moment.
        store: knows what was refused of the device.
        brokerlog: knows what the broker refused.
    """
    if now - since < CLOSELY_FOR:
        brokerlog.watch()
    start = to_ms(since)
    notes = brokerlog.notes(device.mqtt_username, start // 1000 * 1000)
    found = [(note.at, OF_NOTES[note.what], note.sample) for note in _standing(notes)]
    for refusal in store.refusals(device.id):
        if refusal.last >= start and refusal.reason != REPLACED:
            code = OF_REFUSALS.get(refusal.reason, "bad_value")
            found.append((refusal.last, code, refusal.sample))
    if not found:
        return _silence(notes, now - since)
    newest: dict[str, Problem] = {}
    for _, code, sample in sorted(found, reverse=True):
        if code not in newest or (sample and not newest[code].sample):
            newest[code] = Problem(code, TEXTS[code], sample)
    return list(newest.values())


def _standing(notes: Sequence[BrokerNote]) -> list[BrokerNote]:
    """Return the notes that are problems; a login that worked ends those about logins."""
    entered = max((at for at, note in enumerate(notes) if note.what == "connected"), default=-1)
    return [
        note
        for at, note in enumerate(notes)
        if note.what in OF_NOTES and not (note.what == "login_refused" and at < entered)
    ]


def _silence(notes: Sequence[BrokerNote], waited: timedelta) -> list[Problem]:
    if waited < PATIENCE:
        return []
    code = "connected" if any(note.what == "connected" for note in notes) else "nothing_yet"
    return [Problem("nothing_yet", TEXTS[code])]
