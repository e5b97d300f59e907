"""The lists on the page of one device: texts, what was refused, its log."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component
from flask_babel import gettext as _

from dashboard import components, device_parts
from db.models import Device
from db.telemetry.records import LogLine, Refusal
from devices.readings import SensorNow


def texts(device: Device, found: Sequence[SensorNow]) -> Component | None:
    """Return text sensors: the newest text, and what they said before; the script fills that."""
    words = [one for one in found if one.series.kind == "text"]
    if not words:
        return None
    return html.Section(
        [
            html.H2(_("Texts")),
            html.Dl(
                [
                    html.Div(
                        [
                            html.Dt(device_parts.label_of(one.series)),
                            html.Dd(device_parts.value(device, one.series, one.newest)),
                        ],
                        className="gh-row",
                    )
                    for one in words
                ],
                className="gh-rows",
                **{"data-wide": ""},
            ),
            components.fold(
                _("Earlier texts"),
                html.Div(**{"data-texts": "", "data-device": device.public_id}),
            ),
        ],
        className="gh-panel",
    )


def refused(found: Sequence[Refusal]) -> Component | None:
    """Return what the device sent that could not be used, with an example of each reason."""
    if not found:
        return None
    rows = [
        [
            html.Strong(device_parts.refusal_words().get(one.reason, one.reason)),
            html.Span(str(one.count), className="gh-number"),
            components.moment(one.last),
            html.Code(one.topic),
            html.Code(one.sample),
        ]
        for one in found
    ]
    return html.Section(
        [
            html.H2(_("Refused messages")),
            components.table(
                [_("Reason"), _("How often"), _("Last"), _("Topic"), _("Example")], rows
            ),
        ],
        className="gh-panel",
    )


def log(lines: Sequence[LogLine]) -> Component | None:
    """Return what the device wrote into its log, newest first."""
    if not lines:
        return None
    rows = [[components.moment(line.ts_ms), html.Code(line.text)] for line in lines]
    return html.Section(
        components.fold(_("Log of the device"), components.table([_("Time"), _("Text")], rows)),
        className="gh-panel",
    )
