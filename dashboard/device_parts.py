"""The parts of pages that belong to a device: what it is, what it says, what it may be told."""

import json
from collections.abc import Iterable
from typing import Any

from dash import html
from dash.development.base_component import Component
from flask_babel import format_decimal, format_scientific
from flask_babel import gettext as _

from dashboard import components
from db.models import Device, Kind, Level
from db.telemetry.records import Newest, Series
from devices import commands, handshake, progress

KIND_ICONS = {
    Kind.LOCK: "lock",
    Kind.GATE: "barrier",
    Kind.SENSOR: "sensor",
    Kind.LED: "led",
    Kind.GAUGE: "gauge",
    Kind.OTHER: "other",
}

HUGE = 1e15  # from here on numbers are written with an exponent, in assets/base.js too

OPENS = frozenset({Kind.LOCK, Kind.GATE})


def kind_words() -> dict[str, str]:
    """Return what each kind of device is called."""
    return {
        Kind.LOCK: _("Lock"),
        Kind.GATE: _("Gate"),
        Kind.SENSOR: _("Sensor"),
        Kind.LED: _("LED"),
        Kind.GAUGE: _("Gauge"),
        Kind.OTHER: _("Other"),
    }


def kind_icon(kind: str) -> Component:
    """Return the picture of a kind of device, with its name for those who do not see it."""
    word = kind_words().get(kind, kind)
    return html.Span(
        [
            components.icon(KIND_ICONS.get(Kind(kind), "other")),
            html.Span(word, className="visually-hidden"),
        ],
        title=word,
        className="gh-kind",
    )


def presence(device: Device, state: str) -> Component:
    """Return whether a device is there; the stream keeps it true."""
    words = {
        "online": _("online"),
        "late": _("late"),
        "offline": _("offline"),
        "never_seen": _("never seen"),
    }
    return html.Span(
        words[state],
        className="gh-badge",
        **{"data-presence": "", "data-device": device.public_id, "data-state": state},
    )


def seen(device: Device, ms: int | None) -> Component:
    """Return when a device was last heard of."""
    return components.ago(ms, **{"data-seen": "", "data-device": device.public_id})


def number(value: float, decimals: int | None) -> str:
    """Return a number as people of this language write it; None: as many decimals as it has.

    Huge numbers have an exponent: their digits are too many for a card, and for Babel too.
    """
    if abs(value) >= HUGE:
        return str(format_scientific(value, "0.###E0"))
    digits = "######" if decimals is None else "0" * decimals
    return str(format_decimal(value, f"#,##0.{digits}".rstrip(".")))


def text_of(series: Series, newest: Newest | None) -> str:
    """Return a newest value as text, without its unit, as the page's script writes it too."""
    if newest is None:
        return "–"
    if series.kind == "text":
        return newest.text or ""
    if newest.value is None:
        return "–"
    if series.kind == "state":
        return "ON" if newest.value else "OFF"
    return number(newest.value, series.decimals)


def label_of(series: Series) -> str:
    """Return what a sensor is called on the page."""
    return series.label or series.name


def value(device: Device, series: Series, newest: Newest | None) -> Component:
    """Return a newest value; its text node is what the stream changes."""
    marks = {"data-sensor": series.name, "data-device": device.public_id, "data-kind": series.kind}
    if series.decimals is not None:
        marks["data-decimals"] = str(series.decimals)
    if newest is not None:
        marks["data-t"] = str(newest.ts_ms)
    shown = text_of(series, newest)
    return html.Span(shown, title=shown if series.kind == "text" else None, **marks)


def state_words() -> dict[str, tuple[str, str]]:
    """Return what off and on mean, by the last word of a sensor's name."""
    opened = (_("closed"), _("open"))
    return {
        "locked": (_("unlocked"), _("locked")),
        **dict.fromkeys(("door", "window", "gate", "contact", "open"), opened),
        "closed": (_("open"), _("closed")),
        "motion": (_("still"), _("motion")),
    }


def words_of(series: Series) -> tuple[str, str]:
    """Return what off and on are called for people; ON and OFF where the name says no more."""
    return state_words().get(series.name.lower().rpartition(".")[2], (_("OFF"), _("ON")))


def _word(device: Device, series: Series, newest: Newest | None) -> list[Component]:
    """Return the word beside ON or OFF, where there is a better one; the stream changes it too."""
    words = words_of(series)
    if series.kind != "state" or words == (_("OFF"), _("ON")):
        return []
    shown = words[bool(newest.value)] if newest else ""
    marks = {"data-word": series.name, "data-if-off": words[0], "data-if-on": words[1]}
    return [html.Span(shown, className="gh-word", **{"data-device": device.public_id, **marks})]


def value_with_unit(device: Device, series: Series, newest: Newest | None) -> list[Component]:
    """Return a newest value and its unit, if it has one; beside a state, what it means."""
    unit = [html.Span(series.unit, className="gh-unit")] if series.unit else []
    return [*_word(device, series, newest), value(device, series, newest), *unit]


def refusal_words() -> dict[str, str]:
    """Return why a message of a device could not be used, by the reason's code."""
    return {
        "not_utf8": _("Not UTF-8"),
        "bad_json": _("Not JSON"),
        "bad_name": _("Unusable sensor name"),
        "bad_time": _("Unusable time"),
        "bad_value": _("Unusable value"),
        "future": _("Time far from now"),
        "too_old": _("Time far from now"),
        "not_finite": _("Not a finite number"),
        "wrong_kind": _("Another kind of value than the sensor has"),
        "replaced": _("Another value for the same time, which took its place"),
        "too_deep": _("Nested too deeply"),
        "flood": _("Too many messages"),
        "too_large": _("Too large"),
        "too_many": _("Too many readings or sensors"),
        "too_many_sensors": _("Too many readings or sensors"),
        "unknown_topic": _("Unknown topic"),
        "not_sealed": _("Not sealed"),
        "bad_seal": _("Not a sealed message"),
        "unknown_key": _("Sealed with another key"),
        "not_authentic": _("Sealed, but changed or from another topic"),
        "replayed": _("Sealed, but heard before"),
    }


def is_led(series: Series) -> bool:
    """Return whether a sensor is drawn as a light."""
    return series.kind == "state" and series.name.startswith("led.")


def light(device: Device, series: Series, newest: Newest | None) -> Component:
    """Return the light of a state alone; its state in words stands beside it."""
    on = newest is not None and bool(newest.value)
    return html.Span(
        className="led",
        **{
            "data-led": series.name,
            "data-device": device.public_id,
            "data-on": "true" if on else "false",
            "aria-hidden": "true",
        },
    )


def led(device: Device, series: Series, newest: Newest | None) -> Component:
    """Return a light with its name and its state in words."""
    return html.Span(
        [
            light(device, series, newest),
            html.Span(series.label or series.name.removeprefix("led.")),
            value(device, series, newest),
        ],
        className="gh-led",
    )


def spark(device: Device, series: Series, points: Iterable[tuple[int, float | None]]) -> Component:
    """Return the last hour of a sensor as a small line; the page's script draws it."""
    return html.Div(
        **{
            "data-spark": "",
            "data-device": device.public_id,
            "data-sensor-spark": series.name,
            "data-values": json.dumps(list(points), separators=(",", ":")),
            "aria-hidden": "true",
        }
    )


def unlock(device: Device, level: Level) -> Component | None:
    """Return the button that opens a lock or a gate, for those who may press it."""
    if device.kind not in OPENS or level < Level.OPERATOR:
        return None
    marks = {
        "data-command": "unlock",
        "data-device": device.public_id,
        "aria-describedby": f"command-{device.public_id}",
    }
    if device.hold_to_act:
        marks["data-hold"] = ""
    return html.Button(
        _("Unlock"),
        type="button",
        className="btn btn-primary",
        title=_("Press and hold") if device.hold_to_act else None,
        disable_n_clicks=True,
        **marks,
    )


def command_words() -> dict[str, str]:
    """Return what each state of a command is called."""
    return {
        "queued": _("queued"),
        "sent": _("sent"),
        "delivered": _("delivered"),
        "done": _("done"),
        "refused": _("refused"),
        "failed": _("failed"),
        "expired": _("expired"),
        "no_answer": _("no answer"),
    }


def detail_words() -> dict[str, str]:
    """Return what the server adds to the state of a command; a device's own words stay as said."""
    return {
        commands.AWAY: _("broker not reachable"),
        progress.DEAF: _("not connected"),
        commands.USED_UP: _("the lock has not logged in again since it was opened"),
        handshake.HAS_IT: _("logged in again"),
    }


def command_text(state: str, detail: str = "") -> str:
    """Return what came of a command in words; empty before the first one."""
    words = command_words().get(state, state)
    return f"{words}: {detail_words().get(detail, detail)}" if words and detail else words


def last_command(device: Device, told: dict[str, Any] | None) -> Component:
    """Return what came of the last command and how long ago; empty before the first one.

    Args:
        device: that was asked.
        told: "state", "detail" and "at", as the stream tells them, or None.
    """
    state, at = (told["state"], told["at"]) if told else ("", None)
    return html.Span(
        [
            html.Span(
                command_text(state, told["detail"] if told else ""),
                id=f"command-{device.public_id}",
                role="status",
                className="gh-badge",
                **{
                    "data-command-state": "",
                    "data-device": device.public_id,
                    "data-state": state,
                },
            ),
            components.ago(at, **{"data-command-at": "", "data-device": device.public_id}),
        ],
        className="gh-said",
    )
