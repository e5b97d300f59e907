"""Configurations and files on the page of a device: pushed in a browser to a real edge client."""

import hashlib
import re

import pytest
from playwright.sync_api import expect

import db.base
import wiring
from clock import utcnow
from db.models import Device, DeviceFile, Level
from devices import files
from edge.client import DeviceClient
from tests.portal import COOKIE, at_work, make, parts, press, texts
from tests.stack import free_port, until

PAGE = "pages.device_files"
LOG = b"door opened\n" * 20_000


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    """An installation with its broker, listener and writer."""
    made = make(tmp_path_factory.mktemp("filed"), mqtt_port=free_port())
    with at_work(made.server):
        yield made


@pytest.fixture(scope="module")
def created(portal):
    """Alice's device with its secrets."""
    return portal.created(portal.person("alice@example.org"), "Workshop", "other")


@pytest.fixture(scope="module")
def edge(portal, created):
    """The device, connected: takes colours that it knows, and large files the second time.

    Gives what it got.
    """
    got = []

    def take(settings) -> None:
        got.append(settings)
        colour = settings.values.get("colour")
        client.settled(settings, "applied" if colour == "green" else f"no {colour} here")

    def hear(offer) -> None:
        is_small = offer.size < 100_000 or offer.name in got
        got.append(offer.name)
        client.answer(offer, "done" if is_small else "refused", "" if is_small else "no room")

    client = DeviceClient(
        portal.login(created), on_command=lambda _: None, on_settings=take, on_file=hear
    )
    client.start()
    until(lambda: client.connected)
    yield got
    client.stop()


@pytest.fixture(scope="module")
def context(portal, created, chromium):
    with portal.served() as address:
        opened = chromium.new_context(base_url=address, locale="en-GB")
        token = portal.person("alice@example.org").token
        opened.add_cookies([{"name": COOKIE, "value": token, "url": address}])
        yield opened
        opened.close()


@pytest.fixture
def page(context, created):
    errors = []
    made = context.new_page()
    made.on("pageerror", lambda error: errors.append(str(error)))
    made.goto(f"/devices/{created.device.public_id}")
    made.get_by_role("link", name="Files").click()
    made.get_by_role("heading", name="New version").wait_for()
    yield made
    made.close()
    assert not errors


def version(page, number: int):
    return page.get_by_role("article", name=f"Version {number}", exact=True)


def push(page, text: str) -> None:
    page.get_by_label("Configuration", exact=True).fill(text)
    page.get_by_role("button", name="Push", exact=True).click()


def test_a_pushed_configuration_reaches_the_device_whose_words_are_shown(page, edge):
    push(page, '{"colour": "red"}')
    expect(page.get_by_text("Version 1 is on its way.")).to_be_attached()
    expect(version(page, 1)).to_contain_text("alice@example.org")
    expect(version(page, 1)).to_contain_text("failed")  # by itself, when the device has said so
    expect(page.get_by_text("Version 1 is on its way.")).to_be_hidden()
    expect(version(page, 1)).to_contain_text("no red here")

    push(page, '{"colour": "green"}')
    expect(version(page, 2)).to_contain_text("applied")
    assert [(one.version, one.values) for one in edge] == [
        (1, {"colour": "red"}),
        (2, {"colour": "green"}),
    ]

    version(page, 1).get_by_role("link", name="Compare with 2").click()
    page.get_by_role("heading", name="From version 1 to 2").wait_for()
    assert page.locator("del").all_inner_texts() == ['-   "colour": "red"\n']
    assert page.locator("ins").all_inner_texts() == ['+   "colour": "green"\n']
    version(page, 1).get_by_role("link", name="View").click()
    page.locator("pre", has_text="red").wait_for()

    version(page, 1).get_by_role("button", name="Push again").click()
    expect(version(page, 3)).to_contain_text("no red here")
    assert edge[-1].values == {"colour": "red"}


SEEN = """([note, row]) => {
  const said = (element) => (element?.checkVisibility() && element.innerText) || "";
  window.frames_drawn = [];
  const look = () => {
    window.frames_drawn.push([note, row].map((one) => said(document.querySelector(one))));
    requestAnimationFrame(look);
  };
  look();
}"""


def test_what_a_note_says_and_what_the_list_says_are_one_in_every_frame(page, edge):
    number = page.locator("[data-named^=version-]").count() + 1
    page.evaluate(SEEN, ["#config-pushed .gh-note", f"[data-named=version-{number}] .gh-badge"])
    push(page, '{"colour": "blue"}')
    expect(version(page, number)).to_contain_text("no blue here")
    page.wait_for_timeout(300)
    seen = {tuple(one) for one in page.evaluate("window.frames_drawn")}
    way = f"Version {number} is on its way."
    assert {state for note, state in seen if note == way} <= {"", "sent, no answer yet"}
    assert ("", "failed") in seen


def test_what_is_no_configuration_is_named_beside_the_editor(page):
    push(page, '{"a": 1,\n "b" 2}')
    expect(page.get_by_text("This is no JSON: line 2, column 6.")).to_be_visible()
    push(page, "[1]")
    expect(page.get_by_text("A configuration is a JSON object")).to_be_visible()
    push(page, '{"version": 7}')
    expect(page.get_by_text("The server gives the version.")).to_be_visible()
    push(page, '{"a": NaN}')
    expect(page.get_by_text("This configuration cannot be sent")).to_be_visible()


def test_a_file_is_read_into_the_editor_and_not_pushed(page, edge, tmp_path):
    before = len(edge)
    wanted = tmp_path / "lock.json"
    wanted.write_text('{"name": "Wörkshop"}')
    field = page.get_by_label("Configuration", exact=True)
    page.locator("#config-upload input[type=file]").set_input_files(wanted)
    expect(field).to_have_value('{\n  "name": "Wörkshop"\n}')
    broken = tmp_path / "broken.json"
    broken.write_bytes(b"\xff\xfe")
    page.locator("#config-upload input[type=file]").set_input_files(broken)
    expect(page.get_by_text("This file is no text.")).to_be_visible()
    assert len(edge) == before


def upload(portal, created, name: str = "boot.log") -> None:
    with portal.server.app_context():
        own = db.base.db.session.get_one(Device, created.device.id)
        digest = hashlib.sha256(LOG).hexdigest()
        offer = files.announce(
            own,
            name=name,
            size=len(LOG),
            digest=digest,
            direction="upload",
            by=own,
            now=utcnow(),
            address="",
        )
        folder = wiring.current().settings.instance_dir / "files"
        files.receive(offer.file, [LOG], offset=0, folder=folder, now=utcnow())


def test_a_log_that_arrives_is_shown_downloaded_and_deleted(portal, created, page):
    expect(page.get_by_text("No file has travelled yet.")).to_be_visible()
    upload(portal, created)
    row = page.get_by_role("article", name="boot.log")
    expect(row).to_contain_text("240 kB")  # by itself
    expect(page.get_by_text("240 kB of 268.4 MB used")).to_be_visible()
    with page.expect_download() as download:
        row.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "boot.log"
    assert download.value.path().read_bytes() == LOG

    row.get_by_text("Delete …").click()
    row.get_by_role("button", name="Delete file").click()
    expect(row).to_have_count(0)
    with portal.server.app_context():
        assert not list((wiring.current().settings.instance_dir / "files").iterdir())


def test_a_file_is_sent_in_ranges_to_managers_only(portal, created):
    upload(portal, created, "secret.log")
    alice, bob = portal.person("alice@example.org"), portal.person("bob@example.org")
    portal.share(created.device, bob, Level.OPERATOR)
    shown = alice.page(f"/devices/{created.device.public_id}/files")
    [link] = [one["href"] for one in parts(shown) if "/data/file?" in str(one.get("href"))]

    part = alice.get(link, headers={"Range": "bytes=240-299"})
    assert (part.status_code, part.data) == (206, LOG[240:300])
    assert part.headers["Content-Security-Policy"] == "sandbox"
    assert bob.get(link).status_code == 403
    assert portal.stranger().get(link).status_code in {302, 401}
    other = portal.device(alice, "Other")
    assert alice.get(re.sub("device=[^&]*", f"device={other.public_id}", link)).status_code == 404


def choose(page, name: str, content: bytes, folder):
    """Choose a file for the device; returns the button that sends it."""
    (folder / name).write_bytes(content)
    summary = page.locator("summary", has_text="Send a file")
    if summary.locator("..").get_attribute("open") is None:
        summary.click()
    page.locator("[data-send-file] input[type=file]").set_input_files(folder / name)
    return page.get_by_role("button", name="Send to the device")


def test_a_file_is_sent_to_the_device_whose_answer_is_shown(page, edge, tmp_path):
    choose(page, "small.json", b'{"volume": 3}', tmp_path).click()
    expect(page.get_by_text("small.json is on its way.")).to_be_attached()
    row = page.get_by_role("article", name="small.json")
    expect(row).to_contain_text("fetched by the device")
    expect(page.get_by_text("small.json is on its way.")).to_be_hidden()
    expect(row).to_contain_text("to the device")
    assert "small.json" in edge

    choose(page, "large.bin", LOG, tmp_path).click()
    row = page.get_by_role("article", name="large.bin")
    expect(row).to_contain_text("refused")
    expect(row).to_contain_text("no room")
    row.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("It is on its way.")).to_be_attached()
    expect(row).to_contain_text("fetched by the device")
    expect(page.get_by_text("It is on its way.")).to_be_hidden()
    expect(row).not_to_contain_text("no room")


def test_what_cannot_be_sent_is_named_beside_the_form(page, edge, tmp_path):
    before = len(edge)
    button = choose(page, "what*ever.bin", b"x", tmp_path)
    button.click()
    expect(page.get_by_text("letters, digits, spaces and _ . ( ) + -")).to_be_visible()
    with (tmp_path / "huge.bin").open("wb") as huge:
        huge.truncate(files.LARGEST + 1)  # takes no room on the disk
    page.locator("[data-send-file] input[type=file]").set_input_files(tmp_path / "huge.bin")
    expect(page.get_by_text("The file is too large.")).to_be_visible()
    expect(button).to_be_disabled()
    assert len(edge) == before


def test_a_file_is_sent_with_the_keyboard_on_a_phone(page, edge, tmp_path):
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("summary", has_text="Send a file").focus()
    page.keyboard.press("Enter")
    (tmp_path / "phone.json").write_bytes(b"{}")
    page.keyboard.press("Tab")
    field = page.get_by_label("File", exact=True)
    expect(field).to_be_focused()
    field.set_input_files(tmp_path / "phone.json")  # in place of the system's own dialog
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Send to the device")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("article", name="phone.json")).to_contain_text("fetched by the device")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_device_that_is_not_there_is_said_to_be_and_time_ends(portal, context, tmp_path):
    away = portal.device(portal.person("alice@example.org"), "Away")
    page = context.new_page()
    page.goto(f"/devices/{away.public_id}/files")
    choose(page, "late.json", b"{}", tmp_path).click()
    row = page.get_by_role("article", name="late.json")
    expect(row).to_contain_text("not sent: the device was not reached")
    expect(page.get_by_text("late.json is here, but the device is not connected")).to_be_visible()
    row.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("It is on its way.")).to_be_attached()
    expect(page.get_by_text("It is on its way.")).to_be_hidden()

    with portal.server.app_context(), db.base.transaction() as session:
        [file] = session.query(DeviceFile).filter_by(device_id=away.id)
        file.sent_at, file.url_expires_at = utcnow(), utcnow()
    expect(row).to_contain_text("expired")
    page.close()


def test_a_version_of_another_device_is_not_shown(portal, created):
    alice = portal.person("alice@example.org")
    other = portal.device(alice, "Empty")
    shown = alice.page(f"/devices/{other.public_id}/files", "?show=1&against=2")
    assert "Nothing has been sent to this device yet." in texts(shown)
    assert "From version" not in texts(shown)
    pushed = press(
        alice, PAGE, "push_again", files_device_data=other.public_id, config_again_data={"row": "1"}
    )
    assert "There is no such version." in pushed.text


def test_a_large_file_of_readings_passes_the_check_against_forged_forms(portal, created):
    alice = portal.person("alice@example.org")
    lines = "".join(f"2026-01-01T00:{n // 60:02}:{n % 60:02}Z,{n}\n" for n in range(3_000))
    answer = alice.client.post(
        f"/data/import?device={created.device.public_id}&sensor=level&dry_run=1",
        data="time,value\n" + lines,
        headers=alice.csrf() | {"Content-Type": "text/csv"},
    )
    assert (answer.status_code, answer.json["rows"]) == (200, 3_000)
