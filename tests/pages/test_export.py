"""The export page: what its fields ask for, and the file that comes."""

import gzip
import io

import numpy as np
import pytest
import requests
from pyarrow.parquet import read_table

import wiring
from auth import access
from clock import utcnow
from db.models import Level
from db.telemetry.records import Batch
from devices import downloads, registry
from tests.portal import COOKIE, parts
from tests.stack import until

LINK = "..export-link.href...export-word.children...export-cells.hidden.."


def link(visitor, **fields):
    """The address that the page makes of its fields."""
    values = {f"export_{name}_value": value for name, value in fields.items()}
    answer = visitor.call(LINK, **values).json
    return answer["response"]["export-link"]["href"]


def test_the_page_offers_what_one_may_see(portal, alice, bob):
    seen, other = portal.device(bob, "Shared room"), portal.device(bob, "Secret room")
    portal.says(seen, "temperature", 1.0)
    portal.says(other, "secret", 1.0)
    portal.share(seen, alice, Level.VIEWER)
    page = alice.page("/export")

    [devices] = parts(page, id="export-devices")
    [sensors] = parts(page, id="export-sensors")
    assert "Shared room" in str(devices)
    assert "Secret room" not in str(devices)
    assert [one["value"] for one in sensors["options"]] == ["temperature"]


def test_all_that_one_may_see_comes_as_a_file(portal):
    carol = portal.person("carol@example.org")
    device = portal.device(carol, "Room, blue")
    portal.says(device, "temperature", 1.5, 2.5, unit="°C")
    answer = carol.get(link(carol))

    lines = answer.text.splitlines()
    assert lines[0] == "time,device,sensor,value,unit"
    assert [line.split("Z,")[1] for line in lines[1:]] == [
        '"Room, blue","temperature",1.5,"°C"',
        '"Room, blue","temperature",2.5,"°C"',
    ]
    assert 'filename="room-blue-' in answer.headers["Content-Disposition"]


def test_the_fields_choose_devices_sensors_times_and_the_form(portal, alice):
    device = portal.device(alice, "Chosen")
    portal.says(device, "a", 1.5, 2.5)
    portal.says(device, "b", 3.0)
    address = link(
        alice,
        devices=[device.public_id],
        sensors=["a"],
        layout="wide",
        step=3600,
        times="local",
        separator="semicolon",
        gzip="1",
        **{"from": "2026-01-01T00:00", "to": "2100-01-01T00:00"},
    )
    answer = alice.get(address)

    text = gzip.decompress(answer.data).decode("utf-8-sig")
    head, *rows = text.splitlines()
    assert head == 'time;"Chosen / a";time_utc'
    assert [row.split(";")[0][13:] for row in rows] in ([":00:00"], [":00:00"] * 2)
    assert {row.split(";")[1] for row in rows} <= {"2", "1,5", "2,5"}
    assert answer.headers["Content-Disposition"].endswith('.csv.gz"')


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_days_of_a_wide_file_are_those_of_the_zone(portal, alice, form):
    device = portal.device(alice, f"Through the night {form}")
    series = portal.store.add_series(device.id, "a", "number")
    midnight = 1_792_792_800_000  # 2026-10-24 in Berlin
    hours = [(series.id, midnight + hour * 3_600_000, float(hour)) for hour in range(24 + 25 + 1)]
    portal.store.write(Batch(values=hours))
    query = f"device={device.public_id}&layout=wide&step=86400&zone=Europe/Berlin&to=2026-10-27"
    answer = alice.get(f"/data/export.{form}?{query}")

    if form == "csv":
        rows = [line.split(",") for line in answer.text.splitlines()[1:]]
        found = [(time, float(value)) for time, value in rows]
    else:
        rows = read_table(io.BytesIO(answer.data)).to_pylist()
        found = [(f"{at:%Y-%m-%dT%H:%M:%S.000Z}", value) for at, value in map(dict.values, rows)]
    assert found == [
        ("2026-10-23T22:00:00.000Z", 11.5),
        ("2026-10-24T22:00:00.000Z", 36.0),
        ("2026-10-25T23:00:00.000Z", 49.0),
    ]


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "from=2026-01-02&to=2026-01-01",
        "from=99999999999999999999",
        "to=12026-01-01T00:00",
        "step=-1",
        "step=999999999999",
        "step=x",
        "step=60",
        "step=60&layout=long",
        "step=1.5&layout=wide",
        "step=%C2%B2&layout=wide",
        "range=bogus",
        "range=1h&from=2026-01-01",
        "range=1h&range=24h",
        "layout=width",
        "separator=pipe",
        "times=utc",
        "gzip=yes",
        "zone=Mars/Olympus",
        "format=json",
        "rnage=1h",
        "sensors=a",
    ],
)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_what_makes_no_sense_is_refused(portal, alice, query, form):
    answer = alice.get(f"/data/export.{form}?{query}")

    assert answer.status_code == 422
    assert answer.json["error"]["message"].endswith(".")


@pytest.mark.parametrize("query", ["times=iso", "separator=comma", "gzip=1"])
def test_what_only_csv_has_is_refused_for_parquet(portal, alice, query):
    assert alice.get(f"/data/export.csv?{query}").status_code == 200
    answer = alice.get(f"/data/export.parquet?{query}")

    assert (answer.status_code, answer.json["error"]["code"]) == (422, "unknown_choice")


def test_what_is_left_empty_is_not_asked_for(portal, alice):
    empty = "range=&from=&to=&step=&layout=&separator=&times=&gzip=&zone="

    assert alice.get(f"/data/export.csv?{empty}").status_code == 200


def test_the_page_asks_for_steps_of_wide_files_only_and_for_what_csv_has_of_csv_only(alice):
    given = {"layout": "long", "step": "60", "times": "local", "separator": "tab", "gzip": "0"}

    assert link(alice, **given).endswith("?layout=long&times=local&separator=tab&gzip=0")
    assert link(alice, **given | {"layout": "wide", "form": "parquet"}).endswith(
        "/data/export.parquet?layout=wide&step=60"
    )


def test_a_device_of_somebody_else_is_not_found(portal, alice, bob):
    device = portal.device(bob, "Not yours")

    assert alice.get(f"/data/export.csv?device={device.public_id}").status_code == 404


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_sensor_that_is_not_there_is_not_found(portal, alice, form):
    device = portal.device(alice, f"Without {form}")
    portal.says(device, "a", 1.0)
    answer = alice.get(f"/data/export.{form}?device={device.public_id}&sensor=nope")

    assert answer.status_code == 404
    assert answer.json["error"]["code"] == "sensor_not_found"


def test_a_third_download_at_the_same_time_waits(portal, alice):
    device = portal.device(alice, "Busy")
    portal.says(device, "a", 1.0)
    path = f"/data/export.csv?device={device.public_id}"
    running = [alice.client.get(path) for _ in range(downloads.MOST)]

    assert alice.get(path).status_code == 429
    for answer in running:
        answer.close()
    assert alice.get(path).status_code == 200


def test_a_file_whose_device_is_deleted_midway_does_not_end_as_a_whole(portal, alice):
    device = portal.device(alice, "Gone midway")
    series = portal.store.add_series(device.id, "a", "number")
    for start in range(0, 400_000, 50_000):
        rows = range(start, start + 50_000)
        portal.store.write(Batch(values=[(series.id, n * 1000, float(n)) for n in rows]))

    answer = alice.client.get(f"/data/export.csv?device={device.public_id}")
    parts = answer.iter_encoded()
    next(parts)
    with portal.server.app_context():
        registry.delete(
            access.visible(alice.user, device.public_id),
            by=alice.user,
            now=utcnow(),
            broker=wiring.current().broker,
            store=portal.store,
        )
    with pytest.raises(ConnectionResetError):
        list(parts)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_browser_that_is_closed_leaves_nothing_running(portal, alice, form):
    with portal.server.app_context():
        running = wiring.current().downloads
    who = f"user:{alice.user.public_id}"
    device = portal.device(alice, f"Long {form}")
    series = portal.store.add_series(device.id, "a", "number")
    values = np.random.default_rng(1).random(400_000).tolist()
    for start in range(0, len(values), 50_000):
        rows = enumerate(values[start : start + 50_000], start)
        portal.store.write(Batch(values=[(series.id, n * 1000, value) for n, value in rows]))

    with portal.served() as address, requests.Session() as browser:
        browser.cookies.set(COOKIE, alice.token)
        path = f"{address}/data/export.{form}?device={device.public_id}"
        with browser.get(path, stream=True, timeout=30) as answer:
            assert answer.raw.read(10)
            assert running.running(who) == 1
        until(lambda: not running.running(who))


def test_parquet_comes_with_types(portal, alice):
    device = portal.device(alice, "Typed")
    portal.says(device, "level", 1.5, 2.5, unit="m")
    answer = alice.get(link(alice, devices=[device.public_id], form="parquet", gzip="1"))

    assert answer.mimetype == "application/vnd.apache.parquet"
    assert answer.headers["Content-Disposition"].endswith('.parquet"')
    rows = read_table(io.BytesIO(answer.data))
    assert rows["value"].to_pylist() == [1.5, 2.5]
    assert set(rows["unit"].to_pylist()) == {"m"}
