"""The guest page in Chromium without JavaScript: small, told in words, usable by everybody."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from freezegun import freeze_time
from playwright.sync_api import Page, expect

import wiring
from clock import utcnow
from db.base import db, transaction
from db.models import Command, Device, GuestLink, User
from devices import guests
from devices.guest_terms import Terms
from tests.guest import mark_of, open_page, press

AXE = (Path(__file__).parent.parent / "vendor/axe.min.js").read_text()
HOUR = timedelta(hours=1)
PHONE = {"width": 390, "height": 844}
LANGUAGES = ("en", "de", "fr", "es", "sr")
LARGEST = 30_000  # bytes of all that a guest loads


@pytest.fixture(scope="module")
def address(portal) -> Iterator[str]:
    with portal.served() as url:
        yield url


@pytest.fixture(scope="module")
def door(portal) -> Device:
    return portal.device(portal.person("host@example.org"), "Ferienwohnung am Dorfplatz", "lock")


@pytest.fixture
def link(portal, door):
    """Makes a link, open now unless told otherwise; returns the path of its page."""

    def make(begins=-HOUR, ends=24 * HOUR, **more) -> str:
        with portal.server.app_context():
            now = utcnow()
            _, url = guests.create(
                db.session.get_one(Device, door.id),
                Terms("Mia", now + begins, now + ends, "Europe/Berlin", **more),
                by=db.session.get_one(User, portal.person("host@example.org").user.id),
                keys=wiring.current().keys,
                url="",
                now=now,
                address="",
            )
            return url

    return make


@pytest.fixture
def phone(chromium, address):
    """Opens a page on a phone; `scripts` for checkers only."""
    contexts = []

    def opened(path: str, **options) -> Page:
        context = chromium.new_context(
            **({"base_url": address, "viewport": PHONE, "java_script_enabled": False} | options)
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()


def asked(portal, state: str) -> None:
    """Bring the newest command into a state, as door and broker would."""
    with portal.server.app_context(), transaction() as session:
        command = session.query(Command).order_by(Command.id.desc()).first()
        command.state, command.answered_at = state, utcnow()


def presses(portal) -> int:
    with portal.server.app_context():
        return db.session.query(Command).count()


def pressed(portal, path: str) -> str:
    """The path of the page that says what came of a press."""
    answer = press(portal.server, path)
    assert answer.status_code == 303
    return answer.headers["Location"]


def pages(portal, link) -> Iterator[tuple[str, str]]:
    """Every page that a guest can come to."""
    yield "open", link(max_uses=3, pin="4711")
    yield "early", link(begins=2 * HOUR)
    yield "ended", "/g/unknown"
    for state in ("sent", "done", "refused", "failed", "expired", "no_answer"):
        path = pressed(portal, link())
        asked(portal, state)
        yield state, path


def without_refresh(route) -> None:
    """Let a page stay that would load itself again while it is looked at."""
    answer = route.fetch()
    headers = {name: text for name, text in answer.headers.items() if name != "refresh"}
    route.fulfill(response=answer, headers=headers)


@pytest.mark.parametrize(
    ("theme", "languages"), [("light", LANGUAGES), ("dark", LANGUAGES[:1])], ids=["light", "dark"]
)
def test_every_page_of_a_guest_is_usable_by_everybody(portal, link, phone, theme, languages):
    shown = list(pages(portal, link))
    for language in languages:
        page = phone("about:blank", color_scheme=theme, java_script_enabled=True, locale=language)
        page.route("**/g/**", without_refresh)
        for state, path in shown:
            page.goto(path)
            page.evaluate(AXE)
            found = page.evaluate("axe.run()")["violations"]
            where = (state, language)
            assert not [(one["id"], one["nodes"][0]["html"]) for one in found], where
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where
            assert page.locator("html").get_attribute("lang").startswith(language), where


def test_all_that_a_guest_loads_is_small_and_nothing_acts(portal, link, phone):
    path = link(max_uses=1, pin="4711")
    before = presses(portal)
    page = phone("about:blank")
    sizes, paths = [], []

    def note(answer):
        paths.append(answer.request.resource_type)
        sizes.append(
            len(answer.body()) + sum(len(k) + len(v) + 4 for k, v in answer.all_headers().items())
        )

    page.on("requestfinished", lambda one: note(one.response()))
    page.goto(path, wait_until="networkidle")
    assert "script" not in paths
    assert "stylesheet" not in paths
    icon = portal.stranger().get("/assets/touch-icon.png").data
    assert sum(sizes) + len(icon) <= LARGEST
    assert presses(portal) == before


def test_a_guest_is_told_what_the_door_said(portal, link, phone):
    for state, words in {
        "sent": "Asking the door",
        "done": r"Opened at .*\d:\d\d",
        "refused": "The door refused",
        "no_answer": "The door does not answer",
    }.items():
        path = pressed(portal, link())
        asked(portal, state)
        page = phone(path, locale="en")
        expect(page.get_by_role("status")).to_have_text(re.compile(words))
        answer = portal.stranger().get(path)
        assert answer.headers.get("Refresh") == ("1" if state == "sent" else None)


def test_the_page_of_an_early_guest_comes_back_when_it_opens(portal, link):
    soon = portal.stranger().get(link(begins=HOUR))
    assert "It is too early" in soon.text
    assert 3590 <= int(soon.headers["Refresh"]) <= 3601
    assert "Refresh" not in portal.stranger().get(link(begins=20 * HOUR)).headers
    assert "Refresh" not in portal.stranger().get(link()).headers


def test_the_page_can_be_put_on_the_home_screen_of_a_phone(portal, link, door):
    path = link()
    page = portal.stranger().get(path)
    [address] = re.findall(r'rel="manifest" href="([^"]+)"', page.text)
    manifest = portal.stranger().get(address)
    assert manifest.mimetype == "application/manifest+json"
    assert manifest.headers["Cache-Control"] == "no-store"
    assert (manifest.json["name"], manifest.json["start_url"]) == (door.name, path)
    for icon in manifest.json["icons"]:
        assert portal.stranger().get(icon["src"]).mimetype == icon["type"]
    assert portal.stranger().get("/g/unknown/app.webmanifest").status_code == 404


def test_the_button_is_pressed_without_a_script(portal, link, phone):
    path = link(pin="4711")
    page = phone(path, locale="en")
    page.get_by_label("PIN").fill("0000")
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_role("alert")).to_have_text("This PIN is not right.")
    page.get_by_label("PIN").fill("4711")
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_role("status")).to_have_text(
        "The door could not be asked."
    )  # no broker here
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_role("button", name="Unlock")).to_be_visible()


@pytest.mark.parametrize("kind", ["none", "of another link", "made up"])
def test_without_a_page_that_was_shown_nothing_opens_and_the_button_is_there(
    portal, link, phone, kind
):
    path, other = link(max_uses=1), link()
    marks = {"none": "", "of another link": open_page(portal.server, other), "made up": "x" * 110}
    before = presses(portal)

    answer = press(portal.server, path, marks[kind])

    assert answer.status_code == 409
    assert "Please press again." in answer.text
    assert presses(portal) == before
    assert portal.server.test_client().post(path).status_code == 409
    again = press(portal.server, path, mark_of(answer.text))
    assert again.status_code == 303
    assert presses(portal) == before + 1


def test_a_guest_who_took_an_hour_presses_again_without_a_script(portal, link, phone):
    path = link(pin="4711")
    page = phone(path, locale="en")
    before = presses(portal)
    with freeze_time(utcnow() + HOUR):
        page.get_by_label("PIN").fill("4711")
        page.get_by_role("button", name="Unlock").click()
        expect(page.get_by_role("alert")).to_contain_text("Please press again.")
        assert presses(portal) == before
        page.get_by_label("PIN").fill("4711")
        page.get_by_role("button", name="Unlock").click()
        page.get_by_role("status").wait_for()
    assert presses(portal) == before + 1


def test_going_back_and_loading_again_presses_nothing(portal, link, phone):
    page = phone(link(max_uses=5), locale="en")
    before = presses(portal)
    page.get_by_role("button", name="Unlock").click()
    page.get_by_role("status").wait_for()
    for _ in range(3):
        page.reload()
        page.go_back()
        page.get_by_role("button", name="Unlock").wait_for()
        page.reload()
        page.go_forward()
        page.get_by_role("status").wait_for()
    assert presses(portal) == before + 1


def test_who_guessed_too_often_is_told_when_to_come_back(portal, link):
    path = link(pin="4711")
    for _ in range(5):
        assert press(portal.server, path, pin="0000").status_code == 403
    answer = press(portal.server, path, pin="4711")
    assert answer.status_code == 429
    assert 50 <= int(answer.headers["Retry-After"]) <= 60
    assert "Please try again in 1 min." in answer.text


def test_a_link_that_ends_while_it_is_pressed_looks_like_any_that_has_ended(portal, link):
    path = link(pin="4711")
    mark = open_page(portal.server, path)
    with portal.server.app_context(), transaction() as session:
        made = session.query(GuestLink).order_by(GuestLink.id.desc()).first()
        made.pin_failures = 49
    answer = press(portal.server, path, mark, pin="0000")
    assert answer.status_code == 404
    assert answer.text == portal.stranger().get("/g/unknown").text
