"""The whole story of a new user, in a browser, with programs that are not ours."""

import csv
import io
import json
import re
import subprocess

from playwright.sync_api import Page, expect

from tests.e2e.conftest import sign_up
from tests.e2e.devices import create_device, publish
from tests.stack import Stack, until


def test_a_new_user_gets_from_sign_up_to_a_live_chart_csv_and_an_opened_door(
    page: Page, house: Stack
):
    sign_up(page, house, "ana@example.org")
    expect(page.get_by_role("link", name="Add device").first).to_be_visible()

    sensor = create_device(page, "Greenhouse", "sensor")
    publish(house, sensor, "telemetry", '{"temperature": 21.57, "heater": true}')
    expect(page.get_by_text("21.57").first).to_be_visible()

    page.goto("/")
    card = page.get_by_role("region", name="Greenhouse")
    value = card.locator("[data-sensor=temperature]").first
    expect(value).to_have_text("21.57")
    publish(house, sensor, "telemetry", '{"temperature": 22.84}')
    expect(value).to_have_text("22.84")

    card.get_by_role("link", name=re.compile("Greenhouse")).first.click()
    page.wait_for_url(re.compile("/devices/[a-z0-9]+"))
    chart = page.locator("[data-chart][data-sensor=temperature] .js-plotly-plot")
    expect(chart).to_be_visible()
    publish(house, sensor, "telemetry", '{"temperature": 23.41}')
    page.wait_for_function(
        """() => {
            const chart = document.querySelector(
                "[data-chart][data-sensor=temperature] .js-plotly-plot");
            return chart && chart.data && Array.from(chart.data[0].y).at(-1) === 23.41;
        }""",
        timeout=15_000,
    )

    page.get_by_role("link", name="15 min").click()
    expect(page).to_have_url(re.compile("range=15m"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    rows = list(csv.reader(io.StringIO(download.value.path().read_text("utf-8-sig"))))
    assert [row for row in rows if "22.84" in row], rows
    assert rows[0][0] == "time"

    door = create_device(page, "Front door", "lock")
    answering = subprocess.Popen(
        [
            *("stdbuf", "-oL"),  # a line when it is said, not when there are many
            "mosquitto_sub",
            "-d",
            "-h",
            "127.0.0.1",
            "-p",
            str(house.mqtt_port),
            "-q",
            "1",
            "-C",
            "1",
            "-u",
            door["username"],
            "-P",
            door["password"],
            "-t",
            f"gatehouse/{door['controller_id']}/commands",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert answering.stdout is not None
    while not answering.stdout.readline().startswith("Subscribed"):
        assert answering.poll() is None
    page.goto("/")
    card = page.get_by_role("region", name="Front door")
    card.get_by_role("button", name="Unlock").click()
    said = answering.communicate(timeout=30)[0].splitlines()
    command = json.loads(next(line for line in said if line.startswith("{")))
    assert command["name"] == "unlock"
    assert command["expires"] - command["issued"] <= 10_000
    publish(house, door, "commands/ack", json.dumps({"id": command["id"], "status": "done"}))
    expect(card.get_by_role("status")).to_contain_text("Done", ignore_case=True)
    assert page.console_errors == []


def test_a_door_that_is_not_there_is_said_to_give_no_answer(page: Page, house: Stack):
    sign_up(page, house, "bo@example.org")
    create_device(page, "Garden gate", "gate")
    page.goto("/")
    card = page.get_by_role("region", name="Garden gate")
    card.get_by_role("button", name=re.compile("Unlock|Open")).first.click()
    expect(card.get_by_role("status")).to_contain_text("No answer", ignore_case=True)


def test_the_browser_comes_back_by_itself_and_fills_the_gap(page: Page, house: Stack):
    sign_up(page, house, "cleo@example.org")
    sensor = create_device(page, "Cellar", "sensor")
    publish(house, sensor, "telemetry", "11.5")
    page.goto("/")
    value = page.get_by_role("region", name="Cellar").locator("[data-sensor=value]").first
    expect(value).to_have_text("11.5")
    page.context.set_offline(True)
    publish(house, sensor, "telemetry", "12.5")
    page.context.set_offline(False)
    expect(value).to_have_text("12.5", timeout=15_000)


def test_a_killed_web_process_is_back_by_itself_and_lost_nothing(page: Page, house: Stack):
    sign_up(page, house, "dora@example.org")
    sensor = create_device(page, "Attic", "sensor")
    publish(house, sensor, "telemetry", "1.25")
    page.goto("/")
    value = page.get_by_role("region", name="Attic").locator("[data-sensor=value]").first
    expect(value).to_have_text("1.25")
    workers = subprocess.run(
        ["pgrep", "-f", "gunicorn.*app:create_app"], capture_output=True, text=True, check=True
    ).stdout.split()
    mine = [pid for pid in workers if f"INSTANCE_DIR={house.instance}" in environ(pid)]
    youngest = max(mine, key=int)
    subprocess.run(["kill", "-9", youngest], check=True)
    publish(house, sensor, "telemetry", "2.5")
    until(house.answers, 20)
    expect(value).to_have_text("2.5", timeout=20_000)


def environ(pid: str) -> str:
    """The environment of a process, as one text."""
    try:
        with open(f"/proc/{pid}/environ") as file:
            return file.read()
    except OSError:
        return ""
