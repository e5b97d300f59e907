"""Buttons that make devices do more than unlock."""

import json
from uuid import uuid4

import pytest

from clock import now_ms
from db.models import Level
from db.telemetry.records import Batch, PresenceRow
from tests.portal import parts


def names(page) -> list[str]:
    """The commands that a page offers, in its order."""
    found = []

    def look(one) -> None:
        if isinstance(one, list):
            for child in one:
                look(child)
        elif isinstance(one, dict) and "props" in one:
            if "data-command" in one["props"]:
                found.append(one["props"]["data-command"])
            look(one["props"].get("children"))

    look(page)
    return found


@pytest.mark.parametrize(
    ("kind", "level", "offered"),
    [
        ("lock", Level.VIEWER, []),
        ("lock", Level.OPERATOR, ["unlock"]),
        ("gate", Level.VIEWER, []),
        ("gate", Level.OPERATOR, ["unlock", "close", "stop"]),
        ("gate", Level.MANAGER, ["unlock", "close", "stop", ""]),
        ("sensor", Level.OPERATOR, []),
        ("sensor", Level.MANAGER, [""]),
    ],
)
def test_what_a_device_can_be_told_depends_on_kind_and_level(
    portal, alice, bob, kind, level, offered
):
    device = portal.device(alice, uuid4().hex, kind)
    portal.share(device, bob, level)
    assert names(bob.page(f"/devices/{device.public_id}")) == offered


def test_a_lock_that_reports_its_state_can_be_locked(portal, alice):
    lock = portal.device(alice, "Safe", "lock")
    row = PresenceRow("online", now_ms(), now_ms(), {"state": "unlocked"})
    portal.store.write(Batch(presence={lock.id: row}))
    assert names(alice.page(f"/devices/{lock.public_id}"))[:2] == ["unlock", "lock"]
    [card] = parts(alice.page("/"), role="region", aria_label="Safe")
    assert names(card["children"]) == ["unlock", "lock"]


def test_lights_and_relays_are_switched_by_name(portal, alice):
    device = portal.device(alice, "Hall lamps", "led")
    store = portal.store
    for name in ("led.hall", "relay.fan", "window"):
        series = store.add_series(device.id, name, "state")
        store.write(Batch(values=[(series.id, now_ms(), 1.0)]))
    page = alice.page(f"/devices/{device.public_id}")
    targets = [json.loads(one["data-params"])["target"] for one in parts(page, data_command="on")]
    assert sorted(targets) == ["led.hall", "relay.fan"]
    assert len(parts(page, data_command="off")) == 2


def test_a_device_that_wants_holding_wants_it_for_all_buttons(portal, alice):
    gate = portal.device(alice, "Heavy gate", "gate")
    alice.call(
        "device-saved.children",
        device_save_n_clicks=1,
        device_interval_value=90,
        device_notes_value="",
        device_hold_value=True,
        device_id_data=gate.public_id,
    )
    page = alice.page(f"/devices/{gate.public_id}")
    assert len(parts(page, data_hold="")) == len(names(page)) == 4
