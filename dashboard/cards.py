"""The card of one device on the dashboard."""

from collections.abc import Sequence
from datetime import datetime
from math import isnan
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component
from flask_babel import gettext as _

from clock import to_ms
from dashboard import components, controls, device_parts, foreign_controls
from dashboard.device_parts import OPENS
from db.models import Device, Kind, Level
from devices.readings import SPARK_MS, DeviceNow, SensorNow

ROWS = 4  # further sensors are folded away
FIRST = frozenset({"value", "state", "temperature"})


def card(
    device: Device,
    level: Level,
    found: DeviceNow,
    command: dict[str, Any] | None,
    now: datetime,
) -> Component:
    """Return a card: presence, newest values, lights, and what the person may do.

    Args:
        device: which one.
        level: of the person who looks.
        found: what the store knows of it.
        command: the last one, as the stream tells it, or None.
        now: the present moment.
    """
    leds = [one for one in found.sensors if device_parts.is_led(one.series)]
    others = [one for one in found.sensors if not device_parts.is_led(one.series)]
    main = _main_of(device, others)
    rest = [one for one in others if one is not main]
    return html.Article(
        [
            _head(device, found.state),
            _main_value(device, main, _points(main, found, now)) if main else None,
            None if found.sensors else _silent(),
            _rows(device, rest[:ROWS]),
            _more(device, rest[ROWS:]),
            _lights(device, level, leds),
            foreign_controls.parts(device, level, found, most=foreign_controls.SHOWN),
            _foot(device, level, found, command),
        ],
        role="region",
        className="gh-card gh-device",
        **{
            "aria-label": device.name,
            "data-device": device.public_id,
            "data-device-kind": device.kind,
        },
    )


def _main_of(device: Device, sensors: Sequence[SensorNow]) -> SensorNow | None:
    """Return the sensor that stands for the device: what a lock says, what a sensor measures."""
    kinds = ("text", "state", "number") if device.kind in OPENS else ("number", "text", "state")
    return min(
        sensors,
        key=lambda one: (kinds.index(one.series.kind), one.series.name not in FIRST),
        default=None,
    )


def _head(device: Device, state: str) -> Component:
    return html.Div(
        [
            device_parts.kind_icon(device.kind),
            html.H2(dcc.Link(device.name, href=f"/devices/{device.public_id}", title=device.name)),
            device_parts.presence(device, state),
        ],
        className="gh-device-head",
    )


def _points(main: SensorNow, found: DeviceNow, now: datetime) -> list[tuple[int, float | None]]:
    """Return times in milliseconds and values of the last hour, None where nothing was said."""
    values = found.sparks.get(main.series.id)
    if values is None:
        return []
    step = SPARK_MS // len(values)
    begin = to_ms(now) - SPARK_MS
    return [
        (begin + number * step, None if isnan(value) else value)
        for number, value in enumerate(values.tolist())
    ]


def _main_value(
    device: Device, main: SensorNow, points: list[tuple[int, float | None]]
) -> Component:
    return html.Div(
        [
            html.Div(
                [
                    html.Div(device_parts.label_of(main.series), className="gh-label"),
                    html.Div(
                        device_parts.value_with_unit(device, main.series, main.newest),
                        className="gh-value",
                    ),
                ]
            ),
            device_parts.spark(device, main.series, points) if points else None,
        ],
        className="gh-main-value",
    )


def _rows(device: Device, sensors: Sequence[SensorNow]) -> Component | None:
    if not sensors:
        return None
    return html.Dl(
        [
            html.Div(
                [
                    html.Dt(device_parts.label_of(one.series), className="gh-label"),
                    html.Dd(device_parts.value_with_unit(device, one.series, one.newest)),
                ],
                className="gh-row",
            )
            for one in sensors
        ],
        className="gh-rows",
    )


def _lights(device: Device, level: Level, leds: Sequence[SensorNow]) -> Component | None:
    """Return lights with what switches them, or alone."""
    if device.kind == Kind.LED and (switches := controls.switches(device, level, leds)):
        return switches
    shown = [device_parts.led(device, one.series, one.newest) for one in leds]
    return html.Div(shown, className="gh-leds") if shown else None


def _more(device: Device, sensors: Sequence[SensorNow]) -> Component | None:
    shown = _rows(device, sensors)
    if shown is None:
        return None
    return components.fold(_("%(count)s more", count=len(sensors)), shown)


def _silent() -> Component:
    return html.P(_("Has not sent anything yet."), className="gh-muted mb-0")


def _foot(
    device: Device, level: Level, found: DeviceNow, command: dict[str, Any] | None
) -> Component:
    return html.Div(
        [
            *controls.first(device, level, found),
            device_parts.last_command(device, command),
            device_parts.seen(device, found.presence.last_seen if found.presence else None),
        ],
        className="gh-device-foot",
    )
