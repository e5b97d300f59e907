"""Buttons that make devices do more than unlock."""

import json
from uuid import uuid4

import pytest

from clock import now_ms
from db.base import db, transaction
from db.models import Device, ForeignAction, Level
from db.telemetry.records import Batch, PresenceRow
from tests.portal import parts, texts


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


def foreign(portal, owner, kind: str, *actions: ForeignAction) -> Device:
    """A device that was not written for us and takes these commands."""
    device = portal.device(owner, uuid4().hex, kind)
    with portal.server.app_context(), transaction() as session:
        for action in actions:
            action.device_id = device.id
            action.topic, action.payload = "a/set", "x"
            session.add(action)
    return device


def test_a_foreign_gate_has_the_buttons_of_its_parts_and_no_others(portal, alice, bob):
    gate = foreign(
        portal,
        alice,
        "gate",
        *(
            ForeignAction(target="leaf", label="Leaf", part="cover", name=name)
            for name in ("open", "close", "stop")
        ),
    )
    assert names(alice.page(f"/devices/{gate.public_id}")) == ["open", "close", "stop"]
    [card] = parts(alice.page("/"), role="region", aria_label=gate.name)
    assert names(card["children"]) == ["open", "close", "stop"]
    portal.share(gate, bob, Level.VIEWER)
    [seen] = parts(bob.page("/"), role="region", aria_label=gate.name)
    assert names([seen["children"], bob.page(f"/devices/{gate.public_id}")]) == []


def test_a_set_point_is_a_field_with_bounds_and_the_present_value(portal, alice):
    bounds = {"low": 5.0, "high": 28.0, "step": 0.5}
    heat = ForeignAction(
        target="heat", label="Heat", part="number", name="set", wants_value=True, sensor="heat"
    )
    for name, value in bounds.items():
        setattr(heat, name, value)
    stove = foreign(portal, alice, "other", heat)
    portal.says(stove, "heat", 21.5)
    page = alice.page(f"/devices/{stove.public_id}")
    [field] = parts(page, type="number", max=28.0)
    assert (field["min"], field["max"], field["step"], field["value"]) == (5.0, 28.0, 0.5, 21.5)


def test_many_parts_are_folded_on_a_card_and_all_shown_on_the_page(portal, alice):
    buttons = [
        ForeignAction(target=f"b{number}", label=f"B{number}", part="button", name="press")
        for number in range(7)
    ]
    panel = foreign(portal, alice, "other", *buttons)
    [card] = parts(alice.page("/"), role="region", aria_label=panel.name)
    assert names(card["children"]) == ["press"] * 7
    assert "3 more" in texts(card["children"])
    assert "more" not in texts(alice.page(f"/devices/{panel.public_id}"))


def test_what_was_declared_of_our_own_devices_is_a_field_with_bounds_too(portal, alice):
    stove = portal.device(alice, uuid4().hex)
    portal.says(stove, "heat", 19.5)
    portal.says(stove, "fan", 2.0)
    with portal.server.app_context(), transaction():
        bounds = {"low": 5.0, "high": 30.0, "step": 0.5}
        db.session.get(Device, stove.id).attributes = {"set_points": {"heat": bounds}}
    page = alice.page(f"/devices/{stove.public_id}")
    [field] = parts(page, type="number", max=30.0)
    assert (field["min"], field["step"], field["value"]) == (5.0, 0.5, 19.5)
    [free] = parts(page, id="command-target")
    assert [option["value"] for option in free["options"]] == ["fan"]
