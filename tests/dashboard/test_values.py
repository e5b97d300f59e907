"""Newest values, lights and presence on the page, in a real browser."""

import re
import time

import requests
from playwright.sync_api import expect

from clock import now_ms
from tests.dashboard.browsing import Tab, Visit
from tests.stack import until


def test_the_text_of_a_value_moves_and_is_written_as_published(visit: Visit):
    tab = visit().open()
    tab.reading(21.57)
    tab.shows("21.57")
    tab.reading(21.5)
    tab.shows("21.50")
    tab.reading(21.5, "raw")
    tab.shows("21.5", "raw")
    tab.reading(1234.5678, "raw")
    tab.shows("1,234.5678", "raw")


def test_numbers_are_written_in_the_language_of_the_page(visit: Visit):
    tab = visit()
    tab.page.add_init_script("""
        new MutationObserver(() => (document.documentElement.lang = "de"))
          .observe(document, { childList: true });
    """)
    tab.open()
    tab.reading(21.57)

    tab.shows("21,57")


def test_huge_numbers_are_written_as_the_server_writes_them(visit: Visit):
    tab = visit().open()
    tab.reading(-1.23456e22)
    tab.shows("-1.235E22")
    tab.reading(1e300, "raw")
    tab.shows("1E300", "raw")
    tab.reading(1e14, "raw")
    tab.shows("100,000,000,000,000", "raw")


def test_a_reading_that_comes_late_does_not_replace_the_newest(visit: Visit):
    tab = visit().open()
    now = now_ms()
    tab.reading(2.0, t=now)
    tab.reading(1.0, t=now - 5000)
    tab.reading(7.0, "raw")

    tab.shows("7", "raw")
    tab.shows("2.00")


def test_a_light_goes_on_and_off(visit: Visit):
    tab = visit().open()
    light = tab.page.locator(".led")
    tab.reading(1.0, "led.garage")
    until(lambda: light.get_attribute("data-on") == "true")
    tab.shows("ON", "led.garage")
    tab.reading(0.0, "led.garage")
    until(lambda: light.get_attribute("data-on") == "false")
    tab.shows("OFF", "led.garage")


def test_presence_follows_what_is_heard(visit: Visit):
    tab = visit().open()
    badge = tab.page.locator("[data-presence]")
    tab.reading(1.0)
    until(lambda: badge.inner_text() == "online")
    seen = tab.page.locator("[data-seen]")
    until(lambda: re.fullmatch("now|[1-9] seconds? ago", seen.inner_text()))
    tab.house.publish((tab.device, "presence", {"state": "offline", "seen": now_ms() - 61_000}))
    until(lambda: badge.inner_text() == "offline")
    assert badge.get_attribute("data-state") == "offline"


def test_an_element_that_appears_later_shows_the_newest_value(visit: Visit):
    tab = visit().open()
    tab.reading(21.57)
    tab.shows("21.57")
    tab.get("""
        document.querySelector("[role=region]").insertAdjacentHTML("beforeend",
          `<div><b data-sensor="temperature" data-device="${
            document.querySelector("[role=region]").dataset.device}" data-decimals="1">–</b></div>`)
    """)

    until(lambda: tab.page.locator("b").inner_text() == "21.6")
    tab.reading(30.0)
    until(lambda: tab.page.locator("b").inner_text() == "30.0")


def test_a_page_that_opens_shows_what_the_store_has(visit: Visit):
    tab = visit()
    tab.house.keep(tab.device, "temperature", [(now_ms() - 1000, 19.25)])
    tab.open()

    tab.shows("19.25")


def test_paused_holds_everything_and_moving_again_shows_what_was_missed(visit: Visit):
    tab = visit().open()
    tab.reading(1.0)
    tab.shows("1.00")
    tab.page.get_by_label("Refresh").select_option("paused")
    tab.reading(2.0)
    tab.house.publish((tab.device, "command", {"id": "c", "state": "done", "at": 1, "detail": ""}))
    until(lambda: tab.status == "done")  # commands are never held; readings came before
    assert tab.text() == "1.00"
    assert 2.0 not in tab.trace()
    tab.page.get_by_label("Refresh").select_option("live")
    tab.shows("2.00")
    until(lambda: 2.0 in tab.trace())


def test_every_second_means_every_second(visit: Visit):
    tab = visit().open()
    tab.page.get_by_label("Refresh").select_option("1")
    seen = []
    began = time.monotonic()
    while time.monotonic() - began < 2.5:
        tab.reading(round(time.monotonic() - began, 2))
        seen.append(tab.text())

    took = time.monotonic() - began  # each reading waits for the browser, so longer on a busy one
    assert 2 <= len(set(seen) - {"–"}) <= took + 1


def test_the_choice_of_refresh_is_kept_in_this_browser(visit: Visit):
    tab = visit().open()
    tab.page.get_by_label("Refresh").select_option("5")
    again = visit(tab.person, tab.page.context).open()

    assert again.page.get_by_label("Refresh").input_value() == "5"


def test_seven_tabs_live_on_one_stream(visit: Visit):
    first = visit().open()
    tabs = [first, *(visit(first.person, first.page.context).open() for _ in range(6))]
    first.reading(42.0)

    for tab in tabs:
        tab.shows("42.00")
    assert streams(first) == 1


def test_a_closed_page_is_no_viewer_any_longer(visit: Visit):
    tab = visit().open()
    assert streams(tab) == 1
    tab.page.goto("about:blank")

    def gone() -> bool:
        tab.reading(1.0)  # a dead connection is noticed when something is sent
        return streams(tab) == 0

    until(gone)


def test_a_broken_stream_is_taken_up_again_with_what_was_missed(visit: Visit):
    tab = visit().open()
    tab.reading(1.0)
    tab.shows("1.00")
    requests.post(tab.house.url + "/test/break", timeout=30)
    tab.reading(2.0)
    asked = tab.asked.count("/data/state")

    tab.shows("2.00", seconds=8.0)
    assert tab.asked.count("/data/state") == asked  # it was replayed, not asked for


def test_a_server_that_was_away_is_found_again_and_the_store_fills_the_gap(visit: Visit):
    tab = visit().open()
    tab.reading(1.0)
    tab.shows("1.00")
    until(lambda: tab.trace() == [1.0])
    banner = tab.page.locator("[data-connection]")
    with tab.house.away():
        # the last words of a server that stops may be that its broker has gone
        until(lambda: "trying again" in banner.inner_text())
        assert banner.is_visible()
        tab.house.keep(tab.device, "temperature", [(now_ms(), 2.0)])

    tab.shows("2.00", seconds=20.0)
    until(lambda: drawn(tab) == [1.0, 2.0])
    until(lambda: "trying again" not in banner.inner_text())
    tab.reading(3.0)
    tab.shows("3.00")


def test_logging_out_elsewhere_leads_to_the_login(visit: Visit):
    tab = visit().open()
    tab.page.route("**/login*", lambda route: route.fulfill(body="please"))
    tab.house.log_out(tab.person)

    # several parts of the page may lead there at once, and one breaks the way of another off
    expect(tab.page).to_have_url(re.compile(r"/login\?next=%2Fpage"))


def test_a_device_that_came_or_went_has_the_page_drawn_again(visit: Visit):
    tab = visit().open()
    tab.get("""
        document.querySelector("[data-page-refresh]").addEventListener("click",
          () => (window.pressed = (window.pressed || 0) + 1))
    """)
    for sensor in ("a", "b", "c"):
        tab.house.publish((tab.device, "device", {"change": "sensors", "sensor": sensor}))

    tab.until("window.pressed")
    tab.reading(5.0)
    tab.shows("5.00")
    assert tab.get("window.pressed") == 1


def streams(tab: Tab) -> int:
    """How many streams the server has open for a person."""
    address = f"{tab.house.url}/test/streams/{tab.person.session_id}"
    return int(requests.get(address, timeout=30).text)


def drawn(tab: Tab) -> list[float]:
    """The numbers in the chart, without gaps."""
    return [value for value in tab.trace() if value is not None]
