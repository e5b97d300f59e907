"""Devices for stories: made on the web, played by Mosquitto's own clients."""

import subprocess

from playwright.sync_api import Page, expect

from tests.stack import Stack

SHOWN_ONCE = {
    "username": "User name",
    "password": "Password",
    "topic": "Topic for readings",
    "command_key": "Command key",
    "token": "Token for HTTP",
}


def create_device(page: Page, name: str, kind: str) -> dict[str, str]:
    """Add a device on the web and read its credentials off the page."""
    page.goto("/devices/new")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Kind").select_option(kind)
    page.get_by_role("button", name="Create device").click()
    shown = page.locator("dl")
    expect(shown).to_be_visible()
    device = {
        key: shown.locator(f"dt:text-is('{label}') + dd code").inner_text().strip()
        for key, label in SHOWN_ONCE.items()
    }
    return device | {"controller_id": device["topic"].split("/")[-2]}


def publish(house: Stack, device: dict[str, str], rest: str, payload: str) -> None:
    """Publish with Mosquitto's own client, as the device."""
    subprocess.run(
        [
            "mosquitto_pub",
            "-h",
            "127.0.0.1",
            "-p",
            str(house.mqtt_port),
            "-q",
            "1",
            "-u",
            device["username"],
            "-P",
            device["password"],
            "-t",
            f"gatehouse/{device['controller_id']}/{rest}",
            "-m",
            payload,
        ],
        check=True,
        timeout=30,
    )
