"""The parts that pages are put together from."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Any, TypeAlias

from dash import dcc, html
from dash.development.base_component import Component
from flask_babel import format_decimal
from flask_babel import gettext as _

from clock import from_ms
from db.models import Device, Kind, Level
from db.telemetry.records import Newest, Series

Children: TypeAlias = Any  # whatever Dash takes as children

KIND_ICONS = {
    Kind.LOCK: "lock",
    Kind.GATE: "barrier",
    Kind.SENSOR: "sensor",
    Kind.LED: "led",
    Kind.GAUGE: "gauge",
    Kind.OTHER: "other",
}
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


def icon(name: str) -> Component:
    """Return a small picture that says nothing by itself; a word stands beside it."""
    return html.Span(className="gh-icon", **{"data-icon": name, "aria-hidden": "true"})


def kind_icon(kind: str) -> Component:
    """Return the picture of a kind of device, with its name for those who do not see it."""
    word = kind_words().get(kind, kind)
    return html.Span(
        [icon(KIND_ICONS.get(Kind(kind), "other")), html.Span(word, className="visually-hidden")],
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


def moment(ms: int | None, **marks: str) -> Component:
    """Return a time, if there is one; the script shows it in the reader's zone, or how long ago."""
    if not ms:
        return html.Time("", className="gh-seen", **marks)
    at = from_ms(ms).astimezone(UTC)
    return html.Time(
        at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        dateTime=at.isoformat(timespec="milliseconds"),
        className="gh-seen",
        **{"data-t": str(ms), **marks},
    )


def seen(device: Device, ms: int | None) -> Component:
    """Return when a device was last heard of."""
    return moment(ms, **{"data-seen": "", "data-device": device.public_id})


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
    digits = "######" if series.decimals is None else "0" * series.decimals
    return str(format_decimal(newest.value, f"#,##0.{digits}".rstrip(".")))


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


def value_with_unit(device: Device, series: Series, newest: Newest | None) -> list[Component]:
    """Return a newest value and its unit, if it has one."""
    unit = [html.Span(series.unit, className="gh-unit")] if series.unit else []
    return [value(device, series, newest), *unit]


def refusal_words() -> dict[str, str]:
    """Return why a message of a device could not be used, by the reason's code."""
    return {
        "not_utf8": _("Not UTF-8"),
        "bad_json": _("Not JSON"),
        "bad_name": _("Unusable sensor name"),
        "bad_time": _("Unusable time"),
        "bad_value": _("Unusable value"),
        "clock_off": _("Time far from now"),
        "not_finite": _("Not a finite number"),
        "too_deep": _("Nested too deeply"),
        "too_fast": _("Too many messages"),
        "too_large": _("Too large"),
        "too_many": _("Too many readings or sensors"),
        "unknown_topic": _("Unknown topic"),
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


def command_state(device: Device, state: str, detail: str = "") -> Component:
    """Return what came of the last command; empty before the first one."""
    words = command_words().get(state, "")
    return html.Span(
        f"{words}: {detail}" if words and detail else words,
        id=f"command-{device.public_id}",
        role="status",
        className="gh-badge",
        **{
            "data-command-state": "",
            "data-device": device.public_id,
            "data-state": state,
        },
    )


def empty(
    title: str, text: str, *actions: Component, heading: type[Component] = html.H2
) -> Component:
    """Return what a page shows where there is nothing yet, and the way on."""
    return html.Div([heading(title), html.P(text), *actions], className="gh-empty")


def problem_page(title: str, text: str) -> Component:
    """Return a page that says what went wrong and leads back."""
    back = dcc.Link(_("Back to the dashboard"), href="/", className="btn btn-secondary")
    return html.Div(empty(title, text, back, heading=html.H1), className="gh-narrow")


def note(children: Children, tone: str = "info", **props: Any) -> Component:
    """Return a remark; `tone` is info, ok, warn or bad."""
    return html.Div(children, className="gh-note", **{"data-tone": tone, **props})


def field(label: str, control: Component, hint: str = "") -> Component:
    """Return a labelled field of a form."""
    return html.Div(
        [
            html.Label(label, htmlFor=control.id, className="form-label"),
            control,
            html.Div(hint, className="form-text") if hint else None,
        ],
        className="gh-field",
    )


def fold(title: str, content: Component) -> Component:
    """Return something that is folded away behind its title."""
    return html.Details([html.Summary(title), content], className="gh-fold")


def table(heads: Sequence[str], rows: Sequence[Sequence[Component | str]]) -> Component:
    """Return a table that scrolls sideways by itself where it is too wide."""
    return html.Div(
        html.Table(
            [
                html.Thead(html.Tr([html.Th(head, scope="col") for head in heads])),
                html.Tbody([html.Tr([html.Td(cell) for cell in row]) for row in rows]),
            ],
            className="gh-table",
        ),
        className="gh-scroll",
    )


def copy_button(text: str) -> Component:
    """Return a button that puts a text on the clipboard."""
    return html.Button(
        icon("copy"),
        type="button",
        className="gh-copy",
        disable_n_clicks=True,
        title=_("Copy"),
        **{"data-copy": text, "aria-label": _("Copy")},
    )


def facts(rows: Iterable[tuple[str, str]]) -> Component:
    """Return names with values, each value with a button to copy it."""
    return html.Dl(
        [
            part
            for name, text in rows
            for part in (
                html.Dt(name),
                html.Dd([html.Code(text), copy_button(text)]),
            )
        ],
        className="gh-facts",
    )


def refresh_picker() -> Component:
    """Return the choice how often the page moves; the page's script acts on it."""
    choices = [
        ("live", _("live")),
        ("1", _("1 s")),
        ("5", _("5 s")),
        ("30", _("30 s")),
        ("paused", _("paused")),
    ]
    return html.Div(
        [
            html.Label(_("Refresh"), htmlFor="refresh"),
            html.Select(
                [html.Option(text, value=value) for value, text in choices],
                id="refresh",
                className="form-select",
                **{"data-refresh": ""},
            ),
        ],
        className="gh-tool",
    )
