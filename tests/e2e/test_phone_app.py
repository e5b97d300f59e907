"""The phone app of the docs: vouched for by its lock, operates it, and is refused again."""

import importlib.util
import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from edge.client import DeviceClient
from edge.login import Login
from tests.e2e.conftest import sign_up
from tests.e2e.devices import create_device
from tests.stack import ROOT, Stack, until

PROGRAM = ROOT / "docs/examples/phone_app.py"
spec = importlib.util.spec_from_file_location("phone_app", PROGRAM)
phone_app = importlib.util.module_from_spec(spec)
spec.loader.exec_module(phone_app)


@pytest.fixture
def phone(house: Stack, tmp_path):
    """Return how to run the app on its phone: exit code and what it prints."""

    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, PROGRAM, house.url, "--token", tmp_path / "token", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, (done.stdout + done.stderr).strip()

    return run


def test_an_app_is_vouched_for_operates_its_lock_and_is_revoked_in_both_ways(
    page: Page, house: Stack, phone, tmp_path
):
    sign_up(page, house, "phone@example.org")
    made = create_device(page, "Boathouse", "lock")
    page.goto("/")
    card = page.locator("[data-device]", has_text="Boathouse").first
    device_id = card.get_attribute("data-device")
    opened = []

    def open_door(command) -> None:
        opened.append(command.name)
        lock.answer(command, "done", "opened")

    login = Login(
        made["controller_id"],
        made["username"],
        made["password"],
        port=house.mqtt_port,
        command_key=made["command_key"],
    )
    lock = DeviceClient(login, on_command=open_door)
    lock.start()
    until(lambda: lock.connected)
    lock.publish({"battery": 87})

    _, token = phone("pair")
    assert phone("list") == (1, "No device knows this app.")
    assert (tmp_path / "token").stat().st_mode & 0o077 == 0

    # the token goes over Bluetooth; the lock tells the server of it
    pairing = phone_app.vouch(house.url, device_id, made["token"], token, "operator")
    code, listed = phone("list")
    assert (code, listed.split("\t")) == (0, [device_id, "Boathouse", "operator", "online"])
    until(lambda: phone("read", device_id) == (0, "battery\t87.0\t%"), what="the reading")
    assert phone("ask", device_id, "unlock") == (0, "done\topened")
    assert opened == ["unlock"]
    assert phone("ask", device_id, "restart-all") == (1, "An app may not ask this.")

    # at the device: a button on it, for example
    withdraw = {"Authorization": f"Bearer {made['token']}"}
    path = f"/devices/{device_id}/app-tokens/{pairing}"
    phone_app.call(house.url, "DELETE", path, None, withdraw)
    assert phone("list") == (1, "No device knows this app.")
    assert phone("ask", device_id, "unlock") == (1, "There is no such device.")

    # paired again, as a viewer, and revoked on the page
    phone_app.vouch(house.url, device_id, made["token"], token, "viewer")
    assert phone("read", device_id)[0] == 0
    assert phone("ask", device_id, "unlock")[0] == 1
    page.goto(f"/devices/{device_id}/access")
    apps = page.get_by_role("region", name="Paired apps")
    apps.get_by_role("button", name="Revoke").click()
    expect(apps.get_by_role("button", name="Revoke")).to_have_count(0)
    assert phone("read", device_id) == (1, "There is no such device.")
    with pytest.raises(phone_app.Refused, match="needs a new token"):
        phone_app.vouch(house.url, device_id, made["token"], token, "operator")
    assert phone("list") == (1, "No device knows this app.")
    assert opened == ["unlock"]
    lock.stop()
    assert page.console_errors == []
    assert token not in house.log()
