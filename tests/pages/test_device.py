"""The page of one device."""

import json
from datetime import datetime

import pytest

import db.base
import wiring
from auth import tokens
from clock import now_ms, to_ms, utcnow
from db.models import Device, Level, User
from db.telemetry.records import Batch, Refusal
from tests.portal import body_of, parts, texts

RENAME = "..device-renamed.children...device-title.children.."


def kept(portal, device):
    """The row of a device as it is now, or None."""
    with portal.server.app_context():
        return db.base.db.session.get(Device, device.id)


def test_numbers_and_states_have_charts_and_texts_a_list(portal, alice):
    device = portal.device(alice, "House")
    portal.says(device, "temperature", 20.0, 21.5, unit="°C")
    portal.says(device, "mode", "auto", "holiday")
    store = portal.store
    window = store.add_series(device.id, "window", "state")
    store.write(Batch(values=[(window.id, now_ms(), 0.0)]))
    page = alice.page(f"/devices/{device.public_id}")

    charts = {one["data-sensor"]: one["data-kind"] for one in parts(page, data_chart="")}
    assert charts == {"temperature": "number", "window": "state"}
    assert parts(page, data_sensor="mode")[0]["children"] == "holiday"
    assert parts(page, data_texts="")  # the script fills it
    figures = [one["figure"] for one in parts(page, responsive=True)]
    assert all(trace["x"] == [] for figure in figures for trace in figure["data"])


@pytest.mark.parametrize(
    ("search", "shown"),
    [
        ("", "1h"),
        ("?range=6h", "6h"),
        ("?range=24h", "24h"),
        ("?range=5y", "5y"),
        ("?range=6y", "1h"),
        ("?range=", "1h"),
        ("?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "1h"),
        ("?from=x&to=", "1h"),
        ("?from=2999-01-01&to=3999-01-01", "1h"),
        ("?from=0001-01-01&to=9999-12-31", "1h"),
        ("?range=6h&range=24h", "6h"),
    ],
)
def test_the_range_is_in_the_address_and_in_the_download(portal, alice, search, shown):
    device = portal.device(alice, f"Range {search}")
    page = alice.page(f"/devices/{device.public_id}", search)

    assert [one["data-range"] for one in parts(page, aria_current="true")] == [shown]
    [link] = parts(page, data_csv="")
    assert link["href"] == f"/data/export.csv?device={device.public_id}&range={shown}"
    assert "Download CSV" in texts(link["children"])
    assert alice.get(link["href"]).status_code == 200


def test_times_of_ones_own_are_in_the_address_and_in_the_download(portal, alice):
    device = portal.device(alice, "Own times")
    search = "?from=2026-01-01T00:00:00.000Z&to=2026-01-01T02:00:00%2B01:00"
    page = alice.page(f"/devices/{device.public_id}", search)

    [link] = parts(page, data_csv="")
    assert link["href"].endswith("&from=1767225600000&to=1767229200000")
    assert not parts(page, aria_current="true")


@pytest.mark.parametrize(
    ("search", "start", "width"),
    [
        ("?from=2026-03-01T10:00&to=2026-03-01T11:00", "2026-03-01T09:00:00+00:00", 3_600_000),
        ("?from=2026-03-01&to=2026-03-02&zone=device", "2026-02-28T18:30:00+00:00", 86_400_000),
    ],
)
def test_times_without_offset_are_those_of_the_account_or_of_the_device(
    portal, search, start, width
):
    berta = portal.person(f"berta{width}@example.org")
    device = portal.device(berta, "Far away")
    with portal.server.app_context(), db.base.transaction() as session:
        session.get(User, berta.user.id).timezone = "Europe/Berlin"
        session.get(Device, device.id).timezone = "Asia/Kolkata"
    page = berta.page(f"/devices/{device.public_id}", search)

    [link] = parts(page, data_csv="")
    start_ms = to_ms(datetime.fromisoformat(start))
    assert link["href"].endswith(f"&from={start_ms}&to={start_ms + width}")


def test_what_was_refused_is_shown_with_an_example(portal, alice):
    device = portal.device(alice, "Chatterbox")
    sample = Refusal("bad_json", 3, now_ms(), "gatehouse/chatterbox/telemetry", '{"t": ')
    portal.store.write(Batch(refusals={(device.id, "bad_json"): sample}))
    words = texts(alice.page(f"/devices/{device.public_id}"))

    assert "Not JSON" in words
    assert '{"t": ' in words


def test_a_value_that_took_anothers_place_is_shown_and_so_is_the_disk_that_readings_take(
    portal, alice
):
    device = portal.device(alice, "Doubtful")
    sensor = portal.store.add_series(device.id, "level", "number").id
    for value in (1.0, 2.0):
        values = [(sensor, 1_795_000_000_000 + i, value) for i in range(100)]
        portal.store.write(Batch(values=values))
    words = texts(alice.page(f"/devices/{device.public_id}"))

    assert "Another value for the same time, which took its place 100" in words
    assert "Readings on the disk 2 kB" in words


def test_a_device_of_somebody_else_looks_like_none(portal, alice, bob):
    device = portal.device(alice, "Private gate", "gate")
    strange, missing = (
        bob.page(f"/devices/{one}") for one in (device.public_id, "aaaaaaaaaaaaaaaa")
    )

    assert strange == missing
    assert "There is no such device." in texts(strange)


def test_the_query_cannot_smuggle_another_device_in(portal, alice, bob):
    own = portal.device(bob, "Own gate")
    other = portal.device(alice, "Foreign gate")
    page = bob.page(f"/devices/{own.public_id}", f"?device_id={other.public_id}")

    assert "Foreign gate" not in texts(page)
    assert "There is no such device." in texts(page)


def test_the_tab_names_the_device_only_to_those_who_may_know_it(portal, alice, bob):
    from tests.portal import ROUTER

    device = portal.device(alice, "Secret lab")
    where = {"_pages_location_pathname": f"/devices/{device.public_id}"}
    assert "Secret lab · Gatehouse" in alice.call(ROUTER, **where).text
    assert "Secret lab" not in bob.call(ROUTER, **where).text


def rename(visitor, device, name):
    answer = visitor.call(
        RENAME, device_rename_n_clicks=1, device_name_value=name, device_id_data=device.public_id
    )
    return answer.json


def test_renaming_has_three_answers(portal, alice):
    device = portal.device(alice, "Shed")
    portal.device(alice, "Garage")

    assert "Renamed." in str(rename(alice, device, "Tool shed"))
    assert kept(portal, device).name == "Tool shed"
    assert "It has this name already." in str(rename(alice, device, "Tool shed"))
    assert "Another device of yours has this name." in str(rename(alice, device, "Garage"))
    assert kept(portal, device).name == "Tool shed"


@pytest.mark.parametrize("level", [Level.VIEWER, Level.OPERATOR])
def test_who_does_not_manage_a_device_changes_nothing(portal, alice, bob, level):
    device = portal.device(alice, f"Fixed {level}")
    portal.share(device, bob, level)
    page = bob.page(f"/devices/{device.public_id}")

    assert not parts(page, id="device-rename")
    assert "You" in str(rename(bob, device, "Mine")) or "level" in str(rename(bob, device, "Mine"))
    assert kept(portal, device).name == f"Fixed {level}"


def test_settings_are_kept(portal, alice):
    device = portal.device(alice, "Gate to the yard", "gate")
    answer = alice.call(
        "device-saved.children",
        device_save_n_clicks=1,
        device_interval_value=15,
        device_notes_value="Fuse 7",
        device_hold_value=True,
        device_sealed_value=True,
        device_id_data=device.public_id,
    )

    assert "Saved." in answer.text
    row = kept(portal, device)
    assert (row.expected_interval_s, row.notes, row.hold_to_act) == (15, "Fuse 7", True)
    assert row.sealed


def save(visitor, device, **values):
    """Press Save with these values in the form of how the device behaves."""
    fields = {"interval": 90, "notes": "", "hold": False, "sealed": False, "zone": ""} | values
    given = {f"device_{name}_value": value for name, value in fields.items()}
    return visitor.call(
        "device-saved.children", device_save_n_clicks=1, device_id_data=device.public_id, **given
    )


@pytest.mark.parametrize(
    ("keep", "days", "row"),
    [("days", 30, 30), ("forever", 30, 0), ("", 30, None), (None, None, None)],
)
def test_how_long_readings_are_kept_is_chosen(portal, alice, keep, days, row):
    device = portal.device(alice, f"Kept {keep}")

    assert "Saved." in save(alice, device, keep=keep, kept=days).text
    assert kept(portal, device).retention_days == row
    page = alice.page(f"/devices/{device.public_id}")
    [choice] = parts(page, id="device-keep")
    [number] = parts(page, id="device-kept")
    assert (choice["value"], number["value"]) == (keep or "", row or None)


@pytest.mark.parametrize("days", [None, "", 0, -1, 36_501, 1.5, "x", [1]])
def test_days_that_make_no_sense_are_refused_beside_the_form(portal, alice, days):
    device = portal.device(alice, f"Odd days {days}")

    assert "a whole number from 1 to 36500" in save(alice, device, keep="days", kept=days).text
    assert kept(portal, device).retention_days is None


def test_what_counts_for_readings_is_shown(portal, alice, bob, monkeypatch):
    device = portal.device(alice, "Counts")
    portal.share(device, bob, Level.VIEWER)

    def said(visitor):
        return texts(visitor.page(f"/devices/{device.public_id}"))

    assert "Default: for ever" in str(alice.page(f"/devices/{device.public_id}"))
    assert "Single readings are kept for ever" in said(bob)
    with portal.server.app_context():
        settings = wiring.current().settings
        monkeypatch.setattr(
            wiring.current(), "settings", settings.model_copy(update={"retention_days": 365})
        )
    assert "Default: 365 days" in str(alice.page(f"/devices/{device.public_id}"))
    assert "Single readings are kept 365 days" in said(bob)
    save(alice, device, keep="forever")
    assert "Single readings are kept for ever" in said(bob)


@pytest.mark.parametrize("interval", [0, -5, "x", None, 1.5, 10**12, [1], {"a": 1}])
def test_an_interval_that_makes_no_sense_is_refused_beside_the_form(portal, alice, interval):
    device = portal.device(alice, f"Interval {interval}"[:60])
    answer = alice.call(
        "device-saved.children",
        device_save_n_clicks=1,
        device_interval_value=interval,
        device_id_data=device.public_id,
    )

    assert answer.status_code in {200, 204}
    assert "Saved." not in answer.text
    assert kept(portal, device).expected_interval_s == 90


def test_a_new_password_is_shown_once_and_is_new(portal, alice):
    device = portal.device(alice, "Old lock", "lock")
    before = kept(portal, device).mqtt_hash
    answer = alice.call(
        "device-rotated.children", device_rotate_n_clicks=1, device_id_data=device.public_id
    )

    assert "shown only this once" in answer.text
    assert kept(portal, device).mqtt_hash != before
    assert "mosquitto_pub" not in str(alice.page(f"/devices/{device.public_id}"))


def delete(visitor, device, name):
    return visitor.call(
        "device-away.href",
        device_delete_n_clicks=1,
        device_delete_name_value=name,
        device_id_data=device.public_id,
    )


def test_a_device_is_deleted_by_its_owner_who_types_its_name(portal, alice, bob):
    device = portal.device(alice, "Broken lamp")
    portal.says(device, "lux", 1.0)
    portal.share(device, bob, Level.MANAGER)

    assert "This is not the name" in delete(alice, device, "").text
    assert "level" in delete(bob, device, "Broken lamp").text
    assert kept(portal, device) is not None

    answer = delete(alice, device, "Broken lamp")
    assert answer.json["response"]["device-away"]["href"] == "/"
    assert kept(portal, device) is None
    assert portal.store.series([device.id])[device.id] == []


DESCRIBE = "..sensors-saved.children...device-sensors.children.."


def describe(visitor, device, **fields):
    """Press Save below the sensors; fields by name, each a value by sensor."""
    values = {"sensors_save_n_clicks": 1, "device_id_data": device.public_id}
    body = body_of(visitor.app, DESCRIBE, values)
    for place, spec in enumerate(visitor.app.callback_map[DESCRIBE]["state"]):
        if "{" in spec["id"]:
            kind = json.loads(spec["id"])["type"]
            rows = fields.get(kind.removeprefix("sensor-"), {})
            names = [{"type": kind, "sensor": row} for row in rows]
            body["state"][place] = [
                {
                    "id": name,
                    "property": spec["property"],
                    "value": name if spec["property"] == "id" else rows[name["sensor"]],
                }
                for name in names
            ]
    return visitor.post(body)


def test_how_sensors_are_shown_is_kept_and_shown(portal, alice):
    device = portal.device(alice, "Weather")
    portal.says(device, "t1", 20.126)
    answer = describe(
        alice,
        device,
        label={"t1": "Outside"},
        unit={"t1": "°C"},
        decimals={"t1": 1},
        colour={"t1": "#2F7ED8"},
        low={"t1": 18},
        high={"t1": 24.5},
    )

    assert "Saved." in answer.text
    page = alice.page(f"/devices/{device.public_id}")
    [chart] = parts(page, data_chart="")
    assert (chart["data-label"], chart["data-unit"]) == ("Outside", "°C")
    assert (chart["data-decimals"], chart["data-colour"]) == ("1", "#2f7ed8")
    assert (chart["data-low"], chart["data-high"]) == ("18.0", "24.5")
    assert parts(page, data_sensor="t1", data_kind="number")[0]["children"] == "20.1"
    assert "It was so already." in describe(alice, device, label={"t1": "Outside"}).text
    assert "Saved." in describe(alice, device, decimals={"t1": ""}, low={"t1": ""}).text
    [chart] = parts(alice.page(f"/devices/{device.public_id}"), data_chart="")
    assert {"data-decimals", "data-low"}.isdisjoint(chart)
    assert "must end above" in describe(alice, device, low={"t1": 24.5}).text


@pytest.mark.parametrize(
    "fields",
    [
        {"label": {"t1": "x" * 81}},
        {"label": {"t1": "a\x00b"}},
        {"unit": {"t1": "x" * 17}},
        {"decimals": {"t1": 7}},
        {"decimals": {"t1": -1}},
        {"decimals": {"t1": True}},
        {"low": {"t1": True}},
        {"low": {"t1": "cold"}},
        {"high": {"t1": 10**400}},
        {"low": {"t1": 2}, "high": {"t1": 2.0}},
        {"colour": {"t1": "red"}},
        {"colour": {"t1": ["#000000"]}},
        {"label": {"unknown": "x"}},
    ],
)
def test_what_no_sensor_can_be_shown_like_is_refused(portal, alice, fields):
    device = portal.device(alice, f"Fields {fields}"[:60])
    portal.says(device, "t1", 20.0)

    assert "Saved." not in describe(alice, device, **fields).text
    [series] = portal.store.series([device.id])[device.id]
    assert (series.label, series.unit, series.decimals, series.colour) == ("", "", None, "")
    assert (series.low, series.high) == (None, None)


@pytest.mark.parametrize("level", [None, Level.VIEWER, Level.OPERATOR])
def test_only_who_manages_a_device_says_how_its_sensors_are_shown(portal, alice, bob, level):
    device = portal.device(alice, f"Shown by {level}")
    portal.says(device, "t1", 20.0)
    if level is not None:
        portal.share(device, bob, level)

    assert "Saved." not in describe(bob, device, label={"t1": "Mine"}).text
    assert portal.store.series([device.id])[device.id][0].label == ""


def test_a_lock_says_locked_beside_on(portal, alice):
    device = portal.device(alice, "Front", "lock")
    store = portal.store
    for name, value in (("locked", 1.0), ("cellar.window", 0.0), ("pump", 1.0)):
        series = store.add_series(device.id, name, "state")
        store.write(Batch(values=[(series.id, now_ms(), value)]))
    page = alice.page(f"/devices/{device.public_id}")

    words = {one["data-word"]: one["children"] for one in parts(page) if "data-word" in one}
    assert words == {"locked": "locked", "cellar.window": "closed"}
    assert parts(page, data_sensor="locked", data_kind="state")[0]["children"] == "ON"


def test_a_file_of_readings_is_looked_at_first_and_then_taken(portal, alice, bob):
    device = portal.device(alice, "Imported")
    path = f"/data/import?device={device.public_id}&sensor=level"
    file = {"data": b"time,value\n2026-01-01,1\n2026-01-02,x\n", "content_type": "text/csv"}

    told = alice.client.post(f"{path}&dry_run=1", headers=alice.csrf(), **file)
    assert (told.json["rows"], told.json["dry_run"]) == (2, True)
    assert portal.store.series([device.id])[device.id] == []
    done = alice.client.post(path, headers=alice.csrf(), **file)
    assert (done.status_code, done.json["sensors"][0]["kind"]) == (200, "text")
    assert alice.client.post(path, **file).status_code == 400
    assert bob.client.post(path, headers=bob.csrf(), **file).status_code == 404
    bad = alice.client.post(path, headers=alice.csrf(), data=b"\xff", content_type="text/csv")
    assert (bad.status_code, bad.json["error"]["code"]) == (422, "not_utf8")


def test_tokens_are_made_shown_once_and_ended(portal, alice):
    device = portal.device(alice, "Tokens")
    page = f"/devices/{device.public_id}"
    made = alice.call(
        "..tokens-made.children...tokens-list.children..",
        tokens_make_n_clicks=1,
        tokens_label_value="backup  script",
        device_id_data=device.public_id,
    ).json["response"]

    [secret] = [one for one in texts(made["tokens-made"]["children"]).split() if "dev_" in one]
    words = texts(alice.page(page))
    assert "backup script" in words
    assert secret not in words
    with portal.server.app_context():
        assert tokens.authenticate_device(secret, utcnow()).device_id == device.id
        [_first, second] = tokens.listing(device, by=alice.user)
    [output] = [name for name in alice.app.callback_map if name.startswith("tokens-list.children@")]
    answer = alice.call(
        output,
        device_token_revoke_data={"row": second.public_id},
        device_id_data=device.public_id,
    )
    assert "backup script" not in answer.text
    with portal.server.app_context():
        assert tokens.authenticate_device(secret, utcnow()) is None
