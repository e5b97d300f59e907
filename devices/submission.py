"""Readings over HTTP: checked like those over MQTT, then published, so that there is one way in."""

import threading
from dataclasses import dataclass
from datetime import datetime

from auth import access
from clock import to_ms
from db.models import Device, Level, User
from devices import payloads
from devices.payloads import Limits, Refused
from devices.ports import Publisher
from errors import AppError, Forbidden, Unavailable
from notify.mark import N_

TAKEN_WITHIN_S = 3.0  # the broker answers in a millisecond when all is well
UNREADABLE = {
    "bad_json": N_("The body is not JSON."),
    "not_utf8": N_("The body is not UTF-8."),
    "too_deep": N_("The body is nested too deeply."),
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the readings of one request."""

    accepted: int
    rejected: list[Refused]


class Unreadable(AppError):
    """The body as a whole makes no sense; `code` says why."""

    status, code, text = 400, "bad_json", UNREADABLE["bad_json"]


class TooLarge(AppError):
    """The body is larger than a message may be."""

    status, code, text = 413, "too_large", N_("The body is too large.")


def take(
    device: Device,
    body: bytes,
    *,
    by: User | Device,
    publisher: Publisher,
    namespace: str,
    limits: Limits,
    now: datetime,
) -> Taken:
    """Hand a body of telemetry to the broker and say what will be kept of it.

    Returns when the broker has it: then it is safe.  What is refused goes there as well, so that
    the device's page counts and shows it.

    Args:
        device: whose readings.
        body: as on `<ns>/<controller id>/telemetry`.
        by: the device itself, or a person who may operate it.
        publisher: the server's way to the broker.
        namespace: MQTT_NAMESPACE.
        limits: of one message.
        now: when it arrived.

    Raises:
        NotFound, Forbidden: `by` may not speak for the device.
        Forbidden: not_sealed, this device seals what it says, and HTTP has no envelopes.
        Unreadable, TooLarge: nothing of it can be used.
        Unavailable: the broker is away, or nobody listens there; nothing was stored.
    """
    _may_speak(by, device)
    if len(body) > limits.payload:
        raise TooLarge(most=limits.payload)
    found = payloads.decode("telemetry", body, arrived_ms=to_ms(now), limits=limits)
    _hand_over(publisher, f"{namespace}/{device.controller_id}/telemetry", body)
    if device.sealed:
        raise Forbidden("not_sealed", N_("This device sends sealed messages only."))
    reasons = {refused.reason for refused in found.refusals}
    if not found.readings and (unreadable := reasons & UNREADABLE.keys()):
        code = unreadable.pop()
        raise Unreadable(code, UNREADABLE[code])
    return Taken(len(found.readings), found.refusals)


def _may_speak(by: User | Device, device: Device) -> None:
    if isinstance(by, User):
        access.require(by, device, Level.OPERATOR)
    elif by.id != device.id:
        raise Forbidden("other_device", N_("A device speaks for itself only."))
    if why := access.shut_out(device):
        raise Forbidden(*why)


def _hand_over(publisher: Publisher, topic: str, body: bytes) -> None:
    answered = threading.Event()
    heard: list[bool] = []

    def on_taken(somebody: bool) -> None:
        heard.append(somebody)
        answered.set()

    sent = publisher.publish(topic, body, on_taken=on_taken)
    if not (sent and answered.wait(TAKEN_WITHIN_S) and heard[0]):
        raise Unavailable("broker_away", N_("The broker is not reachable just now. Try again."))
