"""While the disk is full, pages say so, doors open, and all goes on by itself."""

import pytest
from playwright.sync_api import expect

from clock import now_ms
from edge.client import DeviceClient
from tests.db.limits import limit
from tests.portal import COOKIE, at_work, make
from tests.stack import free_port, until


@pytest.fixture
def portal(tmp_path):
    """An installation with its broker, listener and writer."""
    made = make(tmp_path, mqtt_port=free_port())
    with at_work(made.server):
        yield made


@pytest.fixture
def created(portal):
    """Alice's lock with its secrets."""
    return portal.created(portal.person("alice@example.org"), "Gate", "lock")


@pytest.fixture
def gate(portal, created):
    """The lock, connected; `opened` are the commands that it got."""
    opened = []

    def take(command) -> None:
        opened.append(command.name)
        client.answer(command, "done")

    client = DeviceClient(portal.login(created), on_command=take)
    client.start()
    until(lambda: client.connected, 20)
    yield client, opened
    client.stop()


def test_a_full_disk_is_said_doors_open_and_it_goes_on(portal, created, gate, chromium):
    client, opened = gate
    with portal.served() as address:
        context = chromium.new_context(base_url=address, locale="en-GB")
        token = portal.person("alice@example.org").token
        context.add_cookies([{"name": COOKIE, "value": token, "url": address}])
        page = context.new_page()
        banner = page.get_by_text("New readings cannot be stored just now")
        page.goto(f"/devices/{created.device.public_id}")
        expect(page.locator("[data-presence]").first).to_have_text("online")
        expect(banner).to_have_count(0)

        limit(portal.store, pages=1)  # not below what it has: it must not grow
        began_ms = now_ms()
        for number in range(400):
            client.publish({"note": f"{number} " + "x" * 200}, at_ms=began_ms - number)
        expect(banner).to_be_visible()
        page.get_by_role("button", name="Unlock").click()
        expect(page.locator("[data-command-state]").first).to_have_text("done")
        assert opened == ["unlock"]
        expect(banner).to_be_visible()
        assert portal.store.trouble == "disk_full"

        limit(portal.store, pages=2**31)
        expect(banner).to_have_count(0)
        [notes] = portal.store.series([created.device.id])[created.device.id]
        until(lambda: len(portal.store.texts(notes.id, 0, 2**62, 500)) == 400)
        context.close()
