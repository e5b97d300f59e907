"""Files out and in with a real browser: progress, cancelling, looking before importing."""

import re

import pytest
from playwright.sync_api import expect
from pyarrow.parquet import read_table

from clock import now_ms
from db.telemetry.records import Batch
from tests.portal import COOKIE


@pytest.fixture(scope="module")
def device(portal):
    made = portal.device(portal.person("files@example.org"), "Filed")
    store = portal.store
    series = store.add_series(made.id, "temperature", "number", "°C")
    now = now_ms()
    store.write(Batch(values=[(series.id, now - n * 1000, n / 4) for n in range(3000)]))
    return made


@pytest.fixture(scope="module")
def context(portal, device, chromium):
    with portal.served() as address:
        made = chromium.new_context(base_url=address, locale="en-GB", timezone_id="Europe/Berlin")
        token = portal.person("files@example.org").token
        made.add_cookies([{"name": COOKIE, "value": token, "url": address}])
        yield made
        made.close()


@pytest.fixture
def page(context):
    errors = []
    made = context.new_page()
    made.on("pageerror", lambda error: errors.append(str(error)))
    yield made
    made.close()
    assert not errors


def test_a_download_says_how_far_it_is_and_what_came(page):
    page.goto("/export")
    page.get_by_role("heading", name="Export").wait_for()
    expect(page.locator("[data-export]")).to_have_attribute(
        "href", "/data/export.csv?layout=long&times=iso&separator=comma&gzip=0"
    )
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()

    expect(page.get_by_text("Done: 3,000 rows")).to_be_visible()
    assert len(download.value.path().read_text().splitlines()) == 3001


def test_parquet_is_chosen_and_comes(page):
    page.goto("/export")
    page.get_by_label("File", exact=True).select_option("parquet")
    expect(page.get_by_label("Separator")).to_be_hidden()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download Parquet").click()

    expect(page.get_by_text("Done:")).to_be_visible()
    assert download.value.suggested_filename.endswith(".parquet")
    assert read_table(download.value.path()).num_rows >= 3000


def test_the_choice_of_devices_is_dark_in_the_dark(page):
    page.emulate_media(color_scheme="dark")
    page.goto("/export")
    choices = page.locator(".dash-dropdown")

    expect(choices).to_have_count(2)
    for choice in choices.all():
        expect(choice).to_have_css("background-color", "rgb(21, 28, 34)")


def test_a_download_can_be_cancelled(page):
    page.goto("/export")
    page.route("**/data/export.csv*", lambda route: None)  # it never begins
    page.get_by_role("link", name="Download CSV").click()
    page.get_by_role("button", name="Cancel").click()

    expect(page.get_by_text("Cancelled.")).to_be_visible()


def test_what_makes_no_sense_is_told_and_nothing_comes(page):
    page.goto("/export")
    page.get_by_label("Layout").select_option("wide")
    page.get_by_label("Seconds a line, if wide").fill("1.5")
    expect(page.locator("[data-export]")).to_have_attribute("href", re.compile("step=1.5"))
    page.get_by_role("link", name="Download CSV").click()
    expect(page.get_by_text("A step is a whole number of seconds")).to_be_visible()

    page.get_by_label("Seconds a line, if wide").fill("60")
    expect(page.locator("[data-export]")).to_have_attribute("href", re.compile("step=60"))
    page.get_by_label("From").press_sequentially("07")
    page.get_by_role("link", name="Download CSV").click()
    expect(page.get_by_text("A time is typed in part")).to_be_visible()


def test_times_are_meant_as_on_the_clock_of_the_reader(page):
    page.goto("/export")
    page.get_by_label("From").fill("2026-07-01T12:00")
    expect(page.locator("[data-export]")).to_have_attribute(
        "href", re.compile("from=2026-07-01T12%3A00")
    )
    with page.expect_request("**/data/export.csv*") as asked:
        page.get_by_role("link", name="Download CSV").click()

    assert "from=1782900000000" in asked.value.url  # 10:00 UTC
    assert "zone=Europe%2FBerlin" in asked.value.url


def test_a_file_is_imported_after_a_look(portal, device, page, tmp_path):
    file = tmp_path / "level.csv"
    file.write_text("time,value\n2026-01-01T00:00:00Z,1.5\n2026-01-02T00:00:00Z,2.5\nnever,3")
    page.goto(f"/devices/{device.public_id}")
    page.locator("summary", has_text="Settings").click()
    page.get_by_text("Readings from a file …").click()
    page.get_by_label("Sensor, if the file names none").fill("level")
    page.get_by_label("File", exact=True).set_input_files(file)

    expect(page.get_by_text("2 readings would be imported.")).to_be_visible()
    expect(page.get_by_text("level (numbers): 2 readings from")).to_be_visible()
    expect(page.get_by_text("line 4, the last one, has no end")).to_be_visible()
    expect(page.get_by_text("1 lines refused: unusable time (4)")).to_be_visible()
    assert [one.name for one in portal.store.series([device.id])[device.id]] == ["temperature"]
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("2 readings are imported.")).to_be_visible()
    assert len(portal.store.series([device.id])[device.id]) == 2
