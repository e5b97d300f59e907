"""A manager declares on the page what a part takes, an operator sets it there, the device obeys."""

import pytest
from playwright.sync_api import Page, expect

from db.models import Level
from edge.client import DeviceClient
from edge.login import Login
from tests.dashboard.watching import COOKIE
from tests.e2e.conftest import sign_up
from tests.e2e.devices import create_device
from tests.e2e.outside import outside
from tests.stack import Stack, until


@pytest.fixture
def stove(page: Page, house: Stack):
    """A stove that takes what it is set to; its public id is that of the page it is on."""
    sign_up(page, house, "stove@example.org")
    made = create_device(page, "Stove", "sensor")

    def take(command) -> None:
        client.publish({command.params["target"]: command.params["value"]})
        client.answer(command, "done")

    login = Login(
        made["controller_id"],
        made["username"],
        made["password"],
        port=house.mqtt_port,
        command_key=made["command_key"],
    )
    client = DeviceClient(login, on_command=take)
    client.start()
    until(lambda: client.connected)
    page.goto("/")
    yield page.locator("[data-device]", has_text="Stove").first.get_attribute("data-device")
    client.stop()


def declare(page: Page, **fields: str) -> None:
    form = page.locator("details", has_text="Add or change a set point").last
    for label, value in fields.items():
        form.get_by_label(label.replace("_", " "), exact=True).fill(value)
    form.get_by_role("button", name="Save set point").click()


def test_a_set_point_is_declared_set_changed_and_removed(page: Page, house: Stack, stove: str):
    page.goto(f"/devices/{stove}")
    page.locator("summary", has_text="Settings").click()
    page.get_by_text("Add or change a set point …").click()
    declare(page, Part="heat", Unit="°C", Least_value="30", Greatest_value="5")
    expect(page.get_by_text("These bounds cannot be used.")).to_be_visible()
    declare(page, Greatest_value="35", Least_value="5", Step="0.5")
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    mine = page.get_by_role("group", name="heat (°C)")
    expect(mine).to_be_visible()

    # somebody who may operate it, but not declare
    with outside(house) as inside:
        operator = inside.person(stove, level=Level.OPERATOR)
    context = page.context.browser.new_context(base_url=house.url, locale="en-GB")
    context.add_cookies([{"name": COOKIE, "value": operator.cookie, "url": house.url}])
    other = context.new_page()
    other.goto(f"/devices/{stove}")
    part = other.get_by_role("group", name="heat (°C)")
    field = part.get_by_role("spinbutton")
    for name, value in (("min", "5"), ("max", "35"), ("step", "0.5")):
        expect(field).to_have_attribute(name, value)
    expect(other.get_by_text("Add or change a set point …")).to_have_count(0)
    field.fill("21.5")
    part.get_by_role("button", name="Set").click()
    value = other.locator("[data-sensor=heat]").first
    until(lambda: other.reload() and value.count() and "21.5" in value.inner_text(), what="obeyed")
    context.close()

    declare(page, Part="heat", Unit="°C", Least_value="5", Greatest_value="20", Step="")
    expect(mine.get_by_role("spinbutton")).to_have_attribute("max", "20")
    row = page.get_by_role("row", name="heat")
    expect(row.filter(has_text="any")).to_be_visible()
    row.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("None: the device decides itself.")).to_be_visible()
    expect(mine).to_have_count(0)
    assert page.console_errors == []
