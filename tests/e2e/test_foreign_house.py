"""A device that was not written for Gatehouse: found, accepted, and each of its buttons pressed."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import PASSWORD, log_in
from tests.mqtt.conftest import Speaker
from tests.stack import Stack, until

EMAIL = "keeper@example.org"
PARTS = {
    "plug": {"p": "switch", "name": "Plug", "cmd_t": "~/plug/set", "stat_t": "~/plug"},
    "lamp": {
        **{"p": "light", "schema": "json", "name": "Lamp", "brightness": True},
        **{"cmd_t": "~/lamp/set", "stat_t": "~/lamp"},
    },
    "door": {"p": "lock", "name": "Door", "cmd_t": "~/door/set", "stat_t": "~/door"},
    "blind": {
        **{"p": "cover", "name": "Blind", "cmd_t": "~/blind/set"},
        **{"pos_t": "~/blind/position", "set_pos_t": "~/blind/position/set"},
    },
    "bell": {"p": "button", "name": "Bell", "cmd_t": "~/bell"},
    "heat": {
        **{"p": "number", "name": "Heat", "cmd_t": "~/heat/set", "stat_t": "~/heat"},
        **{"min": 5, "max": 28, "step": 0.5},
    },
    "mode": {"p": "select", "name": "Mode", "ops": ["day", "night"], "cmd_t": "~/mode/set"},
}
ANNOUNCED = {
    "~": "lodge",
    "dev": {"ids": ["lodge-1"], "name": "Lodge", "mf": "Shop", "mdl": "All in one"},
    "o": {"name": "firmware"},
    "avty_t": "~/up",
    "cmps": {key: {"uniq_id": key, **part} for key, part in PARTS.items()},
}


@pytest.fixture
def lodge(house: Stack) -> Iterator[Speaker]:
    """The device, connected with an account that may use its topics."""
    users = house.flask(
        "users", "add", EMAIL, "--role", "admin", "--password-stdin", stdin=PASSWORD
    )
    assert users.returncode == 0, users.stderr
    added = house.flask("devices", "add", "Account", "--owner", EMAIL, "--json")
    made = json.loads(added.stdout)
    given = house.flask("devices", "topics", "branches", "Account", "homeassistant", "lodge")
    assert given.returncode == 0, given.stderr
    speaker = Speaker(house.mqtt_port, made["username"], made["password"])
    speaker.subscribe("lodge/#")
    speaker.publish("homeassistant/device/lodge/config", json.dumps(ANNOUNCED), retain=True)
    speaker.publish("lodge/up", "online", retain=True)
    yield speaker
    speaker.close()


def press(lodge: Speaker, button: Locator, topic: str, payload: str) -> None:
    """Press a button and wait for what arrives at the broker."""
    before = len(lodge.got)
    button.click()
    wanted = (topic, payload.encode())
    until(lambda: wanted in lodge.got[before:], what=f"{payload} on {topic}: {lodge.got[before:]}")


def test_each_button_of_an_accepted_device_reaches_the_broker(
    page: Page, house: Stack, lodge: Speaker
):
    log_in(page, EMAIL)
    page.goto("/devices/proposals")
    page.get_by_role("region", name="Lodge").get_by_role("button", name="Accept").click()
    page.wait_for_url(re.compile(r"/devices/(?!proposals)[a-z0-9]+$"))
    # what is retained has come, so the server listens to what the device says
    expect(page.locator("[data-presence]").first).to_have_text("online")
    state = page.locator("[data-command-state]").first

    def button(part: str, name: str) -> Locator:
        return page.get_by_role("button", name=f"{part}: {name}", exact=True)

    def row(part: str) -> Locator:
        return page.get_by_role("group", name=part, exact=True)

    press(lodge, button("Plug", "On"), "lodge/plug/set", "ON")
    expect(state).to_have_text("delivered")
    lodge.publish("lodge/plug", "ON")
    expect(state).to_have_text("done")
    press(lodge, button("Plug", "Off"), "lodge/plug/set", "OFF")

    press(lodge, button("Lamp", "On"), "lodge/lamp/set", '{"state":"ON"}')
    row("Lamp").get_by_role("spinbutton").fill("40")
    brightness = button("Lamp", "Brightness")
    press(lodge, brightness, "lodge/lamp/set", '{"state":"ON","brightness":40}')

    press(lodge, button("Door", "Unlock"), "lodge/door/set", "UNLOCK")
    press(lodge, button("Door", "Lock"), "lodge/door/set", "LOCK")

    press(lodge, button("Blind", "Open"), "lodge/blind/set", "OPEN")
    press(lodge, button("Blind", "Stop"), "lodge/blind/set", "STOP")
    press(lodge, button("Blind", "Close"), "lodge/blind/set", "CLOSE")
    row("Blind").get_by_role("spinbutton").fill("30")
    press(lodge, button("Blind", "Position"), "lodge/blind/position/set", "30")
    expect(state).to_have_text("delivered")
    lodge.publish("lodge/blind/position", "30")
    expect(state).to_have_text("done")

    press(lodge, button("Bell", "Press"), "lodge/bell", "PRESS")
    expect(state).to_have_text("delivered")  # nothing says that it rang

    row("Heat").get_by_role("spinbutton").fill("21.5")
    press(lodge, button("Heat", "Set"), "lodge/heat/set", "21.5")
    row("Mode").get_by_role("combobox").select_option("night")
    press(lodge, button("Mode", "Set"), "lodge/mode/set", "night")

    sent = len(lodge.got)
    for wrong in ("29", "4.5", "21.3", ""):
        row("Heat").get_by_role("spinbutton").fill(wrong)
        button("Heat", "Set").click()
        expect(state).to_contain_text("Not sent")
        expect(page.locator("[data-command][aria-disabled]")).to_have_count(0)
    assert len(lodge.got) == sent

    page.goto("/")
    card = page.get_by_role("region", name="Lodge")
    off = card.get_by_role("button", name="Plug: Off", exact=True)
    press(lodge, off, "lodge/plug/set", "OFF")
    card.get_by_text("more").last.click()
    press(lodge, card.get_by_role("button", name="Bell: Press", exact=True), "lodge/bell", "PRESS")
    assert not page.console_errors
