"""The settings of one device: name, notes, credentials, deletion; each for who may change it."""

from collections.abc import Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component
from flask_babel import gettext as _

from clock import zones_of_places
from config import Settings
from dashboard import components, sensor_form, set_point_form, token_form
from db.models import Device, DeviceToken, Level
from db.telemetry.records import DiskUse
from devices import fields, presence
from devices.readings import DeviceNow

NAME, RENAME, RENAMED = "device-name", "device-rename", "device-renamed"
NOTES, INTERVAL, HOLD = "device-notes", "device-interval", "device-hold"
SEALED = "device-sealed"
ZONE, ZONES = "device-zone", "device-zones"
KEEP, KEPT = "device-keep", "device-kept"
SAVE, SAVED = "device-save", "device-saved"
ROTATE, ROTATED = "device-rotate", "device-rotated"
DELETE, DELETE_NAME, DELETED = "device-delete", "device-delete-name", "device-deleted"


def panel(
    settings: Settings,
    device: Device,
    level: Level,
    found: DeviceNow,
    living: Sequence[DeviceToken],
    use: DiskUse,
) -> Component:
    """Return the settings that a person of this level may see and change.

    `living` are the device's tokens, for those who manage it; `use` is what its readings take.
    """
    attributes = found.presence.attributes if found.presence else {}
    sections = [_facts(settings, device, attributes, use)]
    if level >= Level.MANAGER:
        danger = [
            _import(device),
            _credentials(),
            _deletion(device) if level >= Level.OWNER else None,
        ]
        sections = [
            _name(device),
            _topics(device),
            _behaviour(settings, device),
            *sections,
            html.Div(danger, className="gh-stack align-content-start"),
            sensor_form.section(found.sensors),
            set_point_form.section(device) if found.parts is None else None,
            token_form.section(living),
        ]
    return html.Section(
        components.fold(_("Settings"), html.Div(sections, className="gh-columns")),
        className="gh-panel gh-not-printed",
    )


def _name(device: Device) -> Component:
    return html.Section(
        [
            html.H3(_("Name")),
            components.field(
                _("Name"), dbc.Input(id=NAME, value=device.name, maxlength=80, autocomplete="off")
            ),
            _button(_("Rename"), RENAME),
            _answer(RENAMED),
        ]
    )


def retention_days(keep: Any, days: Any) -> Any:
    """Return what the fields say of how long single readings are kept, unchecked."""
    if keep == "days":
        return days or ""  # neither of these is a number of days: it is refused
    return fields.FOR_EVER if keep == "forever" else None


def _keeping(settings: Settings, device: Device) -> Component:
    own = device.retention_days
    options = {
        "": _("Default: %(days)s", days=components.days(settings.retention_days)),
        "forever": _("For ever"),
        "days": _("For so many days"),
    }
    return html.Div(
        [
            html.Label(_("Single readings are kept"), htmlFor=KEEP, className="form-label"),
            html.Div(
                [
                    dbc.Select(
                        id=KEEP,
                        options=[
                            {"value": value, "label": word} for value, word in options.items()
                        ],
                        value="" if own is None else "days" if own else "forever",
                    ),
                    html.Div(
                        [
                            html.Label(_("Days"), htmlFor=KEPT, className="visually-hidden"),
                            dbc.Input(
                                id=KEPT,
                                type="number",
                                min=1,
                                max=fields.CENTURY_DAYS,
                                step=1,
                                value=own or None,
                            ),
                        ]
                    ),
                ],
                className="gh-choice",
            ),
            html.Div(
                _("What sums them up stays in any case, so that charts still reach back."),
                className="form-text",
            ),
        ],
        className="gh-field",
    )


def _behaviour(settings: Settings, device: Device) -> Component:
    return html.Section(
        [
            html.H3(_("Behaviour")),
            components.field(
                _("Seconds between messages"),
                dbc.Input(
                    id=INTERVAL, type="number", min=1, step=1, value=device.expected_interval_s
                ),
                _("A device that is silent for three times as long is late."),
            ),
            components.field(
                _("Time zone"),
                dbc.Input(id=ZONE, value=device.timezone, list=ZONES, autocomplete="off"),
                _("Where it stands, such as Europe/Berlin; empty: like the reader's."),
            ),
            html.Datalist([html.Option(value=name) for name in zones_of_places()], id=ZONES),
            _keeping(settings, device),
            components.field(
                _("Notes"),
                dbc.Textarea(id=NOTES, value=device.notes, maxlength=4000, rows=3),
            ),
            dbc.Checkbox(
                id=HOLD,
                label=_("Press and hold the button to act"),
                value=device.hold_to_act,
                class_name="gh-field",
            ),
            html.Div(
                [
                    dbc.Checkbox(id=SEALED, label=_("Sealed messages only"), value=device.sealed),
                    html.Div(
                        _(
                            "What this device says in the clear is refused and counted, and"
                            " commands reach it sealed. For devices without TLS."
                        ),
                        className="form-text",
                    ),
                ],
                className="gh-field",
            ),
            _button(_("Save"), SAVE),
            _answer(SAVED),
        ]
    )


def _facts(
    settings: Settings, device: Device, attributes: dict[str, Any], use: DiskUse
) -> Component:
    base = f"{settings.mqtt_namespace}/{device.controller_id}"
    rows = [
        (_("Device id"), device.public_id),
        (_("Controller id"), device.controller_id),
        (_("Hardware id"), device.hardware_id or ""),
        (_("Firmware"), presence.firmware(device, attributes)),
        (_("MQTT user name"), device.mqtt_username),
        (_("Topic for readings"), f"{base}/telemetry"),
        (_("Topic of commands"), f"{base}/commands"),
        (_("Readings on the disk"), components.size(use.bytes)),
        (
            _("Single readings are kept"),
            components.days(fields.kept_days(device.retention_days, settings.retention_days)),
        ),
        *((name, str(value)) for name, value in attributes.items() if name != "firmware"),
    ]
    return html.Section(
        [
            html.H3(_("Identity")),
            components.facts((name, text) for name, text in rows if text),
        ]
    )


def _topics(device: Device) -> Component:
    return html.Section(
        [
            html.H3(_("Topics")),
            html.P(_("Sensors can be read from topics that were not made for Gatehouse.")),
            dcc.Link(
                _("Mapped topics"),
                href=f"/devices/{device.public_id}/topics",
                className="btn btn-secondary",
            ),
        ]
    )


def _import(device: Device) -> Component:
    """Return where a file of readings is chosen; the page's script reads, checks and sends it."""
    return html.Section(
        [
            html.H3(_("Import")),
            components.fold(
                _("Readings from a file …"),
                html.Div(
                    [
                        html.P(
                            _(
                                "A CSV file of an export, of Home Assistant's history, of Node-RED,"
                                " or with a time and a column for each sensor. First you see what"
                                " would happen."
                            )
                        ),
                        html.Div(**{"data-import": "", "data-device": device.public_id}),
                    ]
                ),
            ),
        ]
    )


def _credentials() -> Component:
    return html.Section(
        [
            html.H3(_("Credentials")),
            components.fold(
                _("New password …"),
                html.Div(
                    [
                        html.P(
                            _(
                                "The old password stops at once and a live connection is cut."
                                " The new one is shown here, this once."
                            )
                        ),
                        _button(_("Make a new password"), ROTATE),
                    ]
                ),
            ),
            html.Div(id=ROTATED, role="status", className="mt-3"),
        ]
    )


def _deletion(device: Device) -> Component:
    return html.Section(
        [
            html.H3(_("Delete")),
            components.fold(
                _("Delete this device …"),
                html.Div(
                    [
                        html.P(
                            _(
                                "Its readings, commands and rights are deleted with it."
                                " This cannot be undone."
                            )
                        ),
                        components.field(
                            _("To confirm, type %(word)s", word=device.name),
                            dbc.Input(id=DELETE_NAME, autocomplete="off"),
                        ),
                        _button(_("Delete device"), DELETE, "danger"),
                    ]
                ),
            ),
            _answer(DELETED),
        ]
    )


def _button(text: str, button_id: str, style: str = "secondary") -> Component:
    return html.Button(text, id=button_id, type="button", className=f"btn btn-{style}")


def _answer(component_id: str) -> Component:
    return html.Div(id=component_id, role="status", className="mt-3")
