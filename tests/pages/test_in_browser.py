"""The pages in Chromium: nothing fails, nothing acts by itself, everybody can use them."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

import db.base
import wiring
from clock import now_ms
from db.models import Command, Device
from devices.ports import LiveEvent
from tests.portal import COOKIE
from tests.stack import until

AXE = (Path(__file__).parent.parent / "vendor/axe.min.js").read_text()
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def house(portal):
    """Somebody with a lock, a thermometer with a history, and a device that is silent."""
    owner = portal.person("owner@example.org")
    lock = portal.device(owner, "Front door", "lock")
    portal.says(lock, "state", "unlocked", "locked")
    room = portal.device(owner, "Living room")
    portal.says(room, "temperature", *[20 + number / 100 for number in range(300)], unit="°C")
    portal.device(owner, "Silent one")
    return {"owner": owner, "lock": lock.public_id, "room": room.public_id}


@pytest.fixture(scope="module")
def address(portal):
    with portal.served() as url:
        yield url


@pytest.fixture
def visit(chromium, house, address):
    """Opens a page as the owner of the house; afterwards nothing may have gone wrong."""
    complaints: list[str] = []
    contexts = []

    def opened(path: str, ready: str, **options) -> Page:
        options = {"viewport": WIDE, "locale": "en-US"} | options
        context = chromium.new_context(base_url=address, **options)
        contexts.append(context)
        context.add_cookies([{"name": COOKIE, "value": house["owner"].token, "url": address}])
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{path}: {error.stack}"))
        page.on(
            "console",
            lambda line: complaints.append(f"{path}: {line.text}") if line.type == "error" else 0,
        )
        page.goto(path)
        page.get_by_role("heading", name=ready).first.wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


def pages(house):
    return {
        "/": "Front door",
        "/devices/new": "Add device",
        f"/devices/{house['lock']}": "Front door",
        f"/devices/{house['room']}?range=6h": "Living room",
    }


@pytest.mark.parametrize(
    ("theme", "size"), [("light", WIDE), ("dark", NARROW)], ids=["light-wide", "dark-narrow"]
)
def test_every_page_is_usable_by_everybody(visit, house, theme, size):
    for path, ready in pages(house).items():
        page = visit(path, ready, color_scheme=theme, viewport=size)
        if house["room"] in path:
            expect(page.locator(".js-plotly-plot .scatterlayer .js-line").first).to_be_attached()
        assert page.evaluate("document.documentElement.dataset.bsTheme") == theme
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path

        page.evaluate(AXE)
        found = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']})")
        assert not [
            (problem["id"], [node["html"][:120] for node in problem["nodes"]])
            for problem in found["violations"]
        ], path


def test_a_page_that_is_only_looked_at_asks_no_device_for_anything(portal, visit, house):
    def asked() -> int:
        with portal.server.app_context():
            return db.base.db.session.scalar(select(func.count(Command.id)))

    page = visit("/", "Front door")
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.url) if one.url.endswith("/commands") else None)
    page.get_by_role("link", name="Front door").click()
    page.get_by_role("button", name="Unlock").wait_for()
    page.go_back()
    page.get_by_role("link", name="Living room").wait_for()
    page.go_forward()
    page.get_by_role("button", name="Unlock").wait_for()
    page.reload()
    page.get_by_role("button", name="Unlock").wait_for()

    assert asked() == 0
    assert not sent


def test_cards_are_found_and_ordered_and_the_order_is_remembered(visit):
    page = visit("/", "Front door")
    cards = page.get_by_role("region")
    names = "elements => elements.filter(e => !e.hidden).map(e => e.getAttribute('aria-label'))"
    grid = page.locator("[data-cards] > *")
    assert grid.evaluate_all(names) == ["Front door", "Living room", "Silent one"]

    page.get_by_label("Order").select_option("Last heard")
    page.reload()
    cards.first.wait_for()
    expect(page.get_by_label("Order")).to_have_value("seen")
    page.get_by_label("Order").select_option("Name")

    page.get_by_label("Search").fill("room")
    assert grid.evaluate_all(names) == ["Living room"]
    page.get_by_label("Search").fill("nothing like that")
    expect(page.get_by_text("No device has a name like that.")).to_be_visible()


def test_the_theme_is_chosen_in_the_menu_and_kept(visit):
    page = visit("/", "Front door", color_scheme="light")
    page.locator("summary", has_text="Menu").click()
    page.get_by_role("button", name="Dark").click()
    page.reload()
    page.get_by_role("heading", name="Front door").wait_for()

    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    page.locator("summary", has_text="Menu").click()
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Log out")).to_be_hidden()


def test_somebody_logs_out_from_the_menu(portal, visit, house):
    leaving = portal.person("leaving@example.org")
    page = visit("/", "Front door")
    page.context.add_cookies([{"name": COOKIE, "value": leaving.token, "url": page.url}])
    page.reload()
    page.get_by_role("heading", name="No devices yet").wait_for()

    def answer_late(route):
        answer = route.fetch()
        time.sleep(2)  # meanwhile the page hears that its session has ended
        route.fulfill(response=answer)

    page.route("**/logout", answer_late)
    page.locator("summary", has_text="Menu").click()
    page.get_by_role("button", name="Log out").click()

    page.get_by_role("link", name="Log in").wait_for()
    page.goto("/")
    assert page.url.endswith("/login")


def test_a_device_is_added_with_the_keyboard_and_its_secrets_are_copied(visit, address):
    page = visit("/devices/new", "Add device")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    page.get_by_label("Name").fill("Back door")
    page.get_by_label("Kind").select_option("Lock")
    page.get_by_label("Name").press("Enter")

    password = page.locator("dt", has_text="Password").locator("xpath=following-sibling::dd[1]")
    password.get_by_role("button").click()
    shown = password.locator("code").inner_text()
    assert until(lambda: page.evaluate("navigator.clipboard.readText()")) == shown
    page.get_by_role("tab", name="Python").click()
    expect(page.locator("pre", has_text="paho.mqtt.client")).to_be_visible()
    expect(page.get_by_alt_text(re.compile("QR"))).to_be_visible()


def test_the_first_message_is_shown_at_once(portal, visit, house):
    page = visit("/devices/new", "Add device")
    page.get_by_label("Name").fill("Porch")
    page.get_by_role("button", name="Create device").click()
    page.get_by_text("Waiting for the first message").wait_for()
    with portal.server.app_context():
        device = db.base.db.session.scalar(select(Device).where(Device.name == "Porch"))
    portal.says(device, "temperature", 21.5, unit="°C")

    expect(page.get_by_text("The first message is here.")).to_be_visible()
    page.get_by_role("link", name="Open the page of the device").click()
    page.get_by_role("heading", name="Porch").wait_for()
    expect(page).to_have_title("Porch · Gatehouse")


def test_times_are_those_of_the_reader(visit, house):
    page = visit(f"/devices/{house['lock']}", "Front door", timezone_id="Asia/Tokyo")
    page.locator("summary", has_text="Earlier texts").click()
    time = page.locator("time[data-t]:not([data-seen])").first

    there = time.evaluate("e => new Date(+e.dataset.t).toLocaleTimeString('en-US')")
    expect(time).to_contain_text(there.split(" ")[0])


def test_earlier_texts_are_those_of_the_shown_range(portal, visit, house):
    with portal.server.app_context():
        lock = db.base.db.session.scalar(select(Device).where(Device.public_id == house["lock"]))
    page = visit(f"/devices/{house['lock']}", "Front door")
    page.locator("summary", has_text="Earlier texts").click()
    texts = page.locator("[data-texts] tbody tr")
    expect(texts).to_have_count(2)
    expect(texts.first).to_contain_text("locked")

    page.goto(f"/devices/{house['lock']}?from=2026-01-01&to=2026-01-02")
    page.locator("summary", has_text="Earlier texts").click()
    expect(page.get_by_text("None in this range.")).to_be_visible()
    page.get_by_role("link", name="24 h").click()
    expect(texts).to_have_count(2)
    portal.says(lock, "state", "jammed")
    with portal.server.app_context():
        said = LiveEvent(
            lock.public_id, "reading", {"s": "state", "t": now_ms(), "v": "jammed", "k": "text"}
        )
        wiring.current().bus.publish([said])
    expect(texts.first).to_contain_text("jammed")
    page.go_back()
    expect(page.get_by_text("None in this range.")).to_be_visible()


def test_an_address_that_makes_no_sense_is_named_on_the_page(visit, house):
    path = f"/devices/{house['room']}"
    page = visit(f"{path}?range=bogus&zone=device", "Living room", viewport=NARROW)
    note = page.locator("[data-range-problems]")
    expect(note).to_contain_text("There is no range called “bogus”. Shown instead: 1 h.")
    expect(note).to_contain_text("This device has no time zone of its own.")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("link", name="6 h").click()
    expect(note).not_to_contain_text("bogus")
    page.go_back()
    expect(note).to_contain_text("bogus")
    expect(page.get_by_role("link", name="1 h", exact=True)).to_have_attribute(
        "aria-current", "true"
    )
    page.go_forward()
    expect(note).not_to_contain_text("bogus")
    expect(page.get_by_role("link", name="6 h")).to_have_attribute("aria-current", "true")


def test_going_back_to_a_range_leaves_the_rest_of_the_page_alone(visit, house):
    page = visit(f"/devices/{house['room']}?range=6h", "Living room")
    page.locator("summary", has_text="Settings").click()
    page.get_by_label("Notes").fill("not saved yet")
    page.get_by_role("link", name="24 h").click()
    page.get_by_role("link", name="7 d").click()
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url.partition("?")[0].rpartition("/")[2]))
    page.go_back()
    expect(page.get_by_role("link", name="24 h")).to_have_attribute("aria-current", "true")
    page.go_back()
    expect(page.get_by_role("link", name="6 h")).to_have_attribute("aria-current", "true")
    page.go_forward()
    expect(page.get_by_role("link", name="24 h")).to_have_attribute("aria-current", "true")

    expect(page.get_by_label("Notes")).to_have_value("not saved yet")
    assert "_dash-update-component" not in asked
    page.get_by_role("link", name="Dashboard").first.click()
    page.get_by_role("heading", name="Front door").first.wait_for()
    page.go_back()
    page.get_by_role("heading", name="Living room").first.wait_for()
    expect(page.get_by_role("link", name="24 h")).to_have_attribute("aria-current", "true")


def test_the_chosen_range_is_in_sight_on_a_telephone(visit, house):
    page = visit(f"/devices/{house['room']}?range=5y", "Living room", viewport=NARROW)
    chosen = page.get_by_role("link", name="5 y")
    expect(chosen).to_have_attribute("aria-current", "true")
    right = "e => e.getBoundingClientRect().right"
    bar = page.locator(".gh-ranges .gh-segments").evaluate(right)
    until(lambda: chosen.evaluate(right) <= bar + 1)


def test_how_long_readings_are_kept_is_chosen_and_shown_again(visit, house):
    page = visit(f"/devices/{house['room']}", "Living room")
    page.locator("summary", has_text="Settings").click()
    days = page.get_by_label("Days", exact=True)
    expect(days).to_be_hidden()
    expect(page.get_by_label("Single readings are kept")).to_contain_text("Default: for ever")
    page.get_by_label("Single readings are kept").select_option("For so many days")
    days.fill("400")
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_text("Saved.")).to_be_visible()

    page.reload()
    page.locator("summary", has_text="Settings").click()
    expect(days).to_have_value("400")
    page.get_by_label("Single readings are kept").select_option("For ever")
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.reload()
    page.locator("summary", has_text="Settings").click()
    expect(page.get_by_label("Single readings are kept")).to_have_value("forever")


def test_a_device_is_told_to_seal_in_its_settings(portal, visit, house):
    page = visit(f"/devices/{house['room']}", "Living room")
    page.locator("summary", has_text="Settings").click()
    box = page.get_by_label("Sealed messages only")
    expect(box).not_to_be_checked()
    box.check()
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_text("Saved.")).to_be_visible()

    page.reload()
    page.locator("summary", has_text="Settings").click()
    expect(page.get_by_label("Sealed messages only")).to_be_checked()
    with portal.server.app_context():
        device = db.base.db.session.query(Device).filter_by(public_id=house["room"]).one()
        assert device.sealed


def test_what_a_page_fetches_ahead_is_fetched_once_and_used(visit, house):
    page = visit(f"/devices/{house['room']}", "Living room")
    expect(page.locator(".js-plotly-plot .scatterlayer .js-line").first).to_be_attached()

    ahead = page.eval_on_selector_all(
        "link[rel=preload]", "links => links.map(link => link.getAttribute('href'))"
    )
    fetched = page.evaluate(
        "performance.getEntriesByType('resource').map(one => new URL(one.name).pathname)"
    )
    assert len(ahead) == 4
    assert {path: fetched.count(path) for path in ahead} == dict.fromkeys(ahead, 1)


def test_a_page_without_charts_does_not_fetch_what_draws_them(visit):
    page = visit("/devices/new", "Add device")
    assert page.locator("link[rel=preload][as=script]").count() == 0
