"""Readings over HTTP: in through a real broker, out as JSON and CSV."""

import csv
import gzip
import io

import pytest

import wiring
from clock import from_ms, now_ms
from db.telemetry.records import Batch
from devices import inventory
from tests.api.test_devices import add
from tests.api.test_errors import problem
from tests.stack import until

T0 = 1_767_225_600_000  # 2026-01-01T00:00:00Z
FROM = "from=2026-01-01T00:00:00Z"


def history(device_id: str, sensor: str, values, kind: str = "number", unit: str = "") -> None:
    """Put readings into the store as the writer does; one a second from T0 on."""
    store = wiring.current().store
    series = store.add_series(inventory.find(device_id).id, sensor, kind, unit)
    rows = [(series.id, T0 + 1000 * n, value) for n, value in enumerate(values)]
    store.write(Batch(texts=rows) if kind == "text" else Batch(values=rows))


def test_readings_go_in_and_come_out(running, program):
    alice = program()
    made = add(alice)
    device = type(alice)(running.test_client(), made["token"])
    path = f"/devices/{made['id']}"
    at = now_ms() - 60_000

    single = device("POST", f"{path}/readings", data="21.5", content_type="text/plain")
    batch = alice(
        "POST",
        f"{path}/readings",
        json=[
            {"ts": at, "values": {"temperature": -5.2, "door": True, "who": "=cat"}},
            {"ts": at + 1000, "values": {"temperature": -4.0}},
        ],
    )

    assert (single.status_code, single.json) == (202, {"accepted": 1, "rejected": []})
    assert (batch.status_code, batch.json) == (202, {"accepted": 4, "rejected": []})
    sensors = until(
        lambda: (
            found
            if len(found := alice("GET", f"{path}/sensors").json["items"]) == 4
            and all(one["last_time"] for one in found)
            else None
        )
    )
    newest = {one["name"]: (one["kind"], one["last_value"]) for one in sensors}
    assert newest == {
        "value": ("number", 21.5),
        "temperature": ("number", -4.0),
        "door": ("state", True),
        "who": ("text", "=cat"),
    }
    span = f"from={at}&to={at + 2000}"
    read = alice("GET", f"{path}/readings?sensor=temperature&{span}").json
    assert read["raw"] is True
    assert [one["value"] for one in read["items"]] == [-5.2, -4.0]
    assert read["items"][0]["t"] == from_ms(at).isoformat(timespec="milliseconds").replace(
        "+00:00", "Z"
    )


def test_what_is_refused_is_named_by_its_place_and_the_rest_is_kept(running, program):
    alice = program()
    made = add(alice)
    body = [
        {"ts": now_ms(), "values": {"ok": 1}},
        {"ts": 4_102_444_800, "values": {"late": 1}},
        {"ts": now_ms(), "values": {"bad name": 1, "fine": 2}},
        7,
    ]

    answer = alice("POST", f"/devices/{made['id']}/readings", json=body)

    assert answer.status_code == 202
    assert answer.json["accepted"] == 2
    assert [(one["index"], one["code"]) for one in answer.json["rejected"]] == [
        (1, "future"),
        (2, "bad_name"),
        (3, "bad_value"),
    ]
    store, key = wiring.current().store, inventory.find(made["id"]).id
    until(lambda: {one.reason for one in store.refusals(key)} >= {"future", "bad_name"})


@pytest.mark.parametrize(
    ("body", "status", "code", "words"),
    [
        (b"not json", 400, "bad_json", "The body is not JSON."),
        (b"\xff\xfe", 400, "not_utf8", "The body is not UTF-8."),
        (b"[" * 5000, 400, "too_deep", "The body is nested too deeply."),
        (b"1" * 70_000, 413, "too_large", "The body is too large."),
    ],
    ids=["no json", "no utf-8", "deep", "large"],
)
def test_what_cannot_be_read_at_all_is_an_error(running, program, body, status, code, words):
    alice = program()
    path = f"/devices/{add(alice)['id']}/readings"

    answer = alice("POST", path, data=body, content_type="application/json")

    refused = problem(answer, status)
    assert (refused["code"], refused["message"]) == (code, words)


@pytest.mark.parametrize("body", [b"null", b"{}", b"[]"])
def test_nothing_said_is_nothing_taken(running, program, body):
    alice = program()
    path = f"/devices/{add(alice)['id']}/readings"
    answer = alice("POST", path, data=body, content_type="application/json")
    assert (answer.status_code, answer.json) == (202, {"accepted": 0, "rejected": []})


def test_nothing_is_taken_while_the_broker_is_away(server, program):
    alice = program()
    path = f"/devices/{add(alice)['id']}/readings"

    assert problem(alice("POST", path, json={"t": 1}), 503)["code"] == "broker_away"
    assert problem(alice("POST", path, data={"t": 1}), 415)["details"]["accepted"]


def test_a_device_speaks_for_itself_only(server, program):
    alice = program()
    one, two = add(alice, "One"), add(alice, "Two")
    device = type(alice)(server.test_client(), one["token"])

    problem(device("POST", f"/devices/{two['id']}/readings", json={"t": 1}), 404)


def test_many_readings_come_in_buckets_with_their_true_extremes(server, program):
    alice = program()
    device = add(alice)["id"]
    values = [20.0] * 5000
    values[1234], values[4321] = -40.0, 85.0
    history(device, "t", values)

    read = alice(
        "GET", f"/devices/{device}/readings?sensor=t&{FROM}&to=2026-01-01T01:24:00Z&points=100"
    ).json

    assert read["raw"] is False
    assert 10 <= len(read["items"]) <= 100
    assert min(one["min"] for one in read["items"]) == -40.0
    assert max(one["max"] for one in read["items"]) == 85.0
    assert sum(one["count"] for one in read["items"]) == 5000


def test_what_is_left_of_forgotten_readings_comes_as_a_whole_and_says_how_long_it_is(
    server, program
):
    alice = program()
    device = add(alice)["id"]
    history(device, "t", [float(n) for n in range(5000)])
    store = wiring.current().store
    [series] = store.series([inventory.find(device).id])[inventory.find(device).id]
    store.drop_readings(series.id, before_ms=now_ms())

    [bucket] = alice(
        "GET",
        f"/devices/{device}/readings?sensor=t&from=2026-01-01T00:01:00Z&to=2026-01-01T00:02:00Z",
    ).json["items"]

    assert bucket == {
        "t": "2026-01-01T00:00:00.000Z",
        "last": "2026-01-01T00:04:15.000Z",
        "min": 0.0,
        "mean": 127.5,
        "max": 255.0,
        "count": 256,
    }


def test_all_readings_come_in_pages(server, program):
    alice = program()
    device = add(alice)["id"]
    history(device, "t", [float(n) for n in range(25)])
    history(device, "w", [str(n) for n in range(25)], "text")

    for sensor, kind in (("t", float), ("w", str)):
        path = f"/devices/{device}/readings?sensor={sensor}&{FROM}&to=2027-01-01T00:00:00Z&limit=10"
        got, cursor, pages = [], "", 0
        while cursor is not None:
            page = alice("GET", f"{path}&cursor={cursor}").json
            got += [one["value"] for one in page["items"]]
            cursor, pages = page["next"], pages + 1
        assert (got, pages) == (list(map(kind, range(25))), 3)


def test_states_are_true_and_false(server, program):
    alice = program()
    device = add(alice)["id"]
    history(device, "door", [1.0, 0.0], "state")

    read = alice("GET", f"/devices/{device}/readings?sensor=door&{FROM}&to=2027-01-01T00:00:00Z")

    assert [one["value"] for one in read.json["items"]] == [True, False]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (f"{FROM}&to=2026-01-02T00:00:00Z", "sensor"),
        ("sensor=t&to=2026-01-02T00:00:00Z", "from"),
        ("sensor=t&from=2026-01-01T00:00:00&to=2026-01-02T00:00:00Z", "from"),
        ("sensor=t&from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z", "to"),
        (f"sensor=t&{FROM}&to=2026-01-02T00:00:00Z&points=0", "points"),
        (f"sensor=t&{FROM}&to=2026-01-02T00:00:00Z&format=xls", "format"),
        (f"sensor=t&{FROM}&to=2026-01-02T00:00:00Z&tpyo=1", "tpyo"),
    ],
)
def test_a_question_that_cannot_be_answered_is_422(server, program, query, field):
    alice = program()
    device = add(alice)["id"]
    error = problem(alice("GET", f"/devices/{device}/readings?{query}"), 422)
    assert error["details"]["field"] == field


@pytest.mark.parametrize(
    ("query", "code", "field", "words"),
    [
        (
            f"{FROM}&to=2025-01-01T00:00:00Z",
            "bad_range",
            "to",
            "The range must end after it begins.",
        ),
        (f"{FROM}&to=2026-01-01T01:00:00%2B01:00", "bad_range", "to", "The range must end"),
        (f"{FROM}&to=tomorrow", "bad_time", "to", "to is not a time"),
        (f"{FROM}&to=NaN", "bad_time", "to", "to is not a time"),
        (f"{FROM}&to=inf", "bad_time", "to", "to is not a time"),
        (f"{FROM}&to=%2B10000-01-01T00:00:00Z", "bad_time", "to", "to is not a time"),
        (f"{FROM}&to=253402300800000", "bad_time", "to", "to is not a time"),
        (f"{FROM}&to=2026-01-02T00:00:00", "bad_time", "to", "to is not a time"),
        (f"from=9999-12-31T23:59:59-01:00&to={2**70}", "bad_time", "from", "from is not a time"),
        *(
            (f"{FROM}&to=2026-01-02T00:00:00Z&points={points}", "bad_number", "points", "to 2000.")
            for points in ("0", "-1", "2001", "1000000000", "NaN", "1.5", "1e3", "", "x")
        ),
        *(
            (f"{FROM}&to=2026-01-02T00:00:00Z&limit={limit}", "bad_number", "limit", "to 10000.")
            for limit in ("0", "1000000000", "NaN")
        ),
    ],
)
def test_a_time_or_a_number_that_makes_no_sense_has_its_own_code(
    server, program, query, code, field, words
):
    alice = program()
    device = add(alice)["id"]
    history(device, "t", [1.0])

    error = problem(alice("GET", f"/devices/{device}/readings?sensor=t&{query}"), 422)

    assert (error["code"], error["details"]["field"]) == (code, field)
    assert words in error["message"]
    assert error["details"]["fields"][0]["code"] == code


def test_the_future_is_empty_and_ten_thousand_years_are_not(server, program):
    alice = program()
    device = add(alice)["id"]
    history(device, "t", [1.0, 2.0])
    path = f"/devices/{device}/readings?sensor=t"

    future = alice("GET", f"{path}&from=2999-01-01T00:00:00Z&to=2999-01-02T00:00:00Z")
    assert (future.status_code, future.json["items"]) == (200, [])
    for more in ("", "&points=1", "&limit=5"):
        every = alice("GET", f"{path}&from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z{more}")
        assert every.status_code == 200
        assert sum(one.get("count", 1) for one in every.json["items"]) == 2


def test_a_sensor_that_is_not_there_is_404(server, program):
    alice = program()
    device = add(alice)["id"]
    answer = alice("GET", f"/devices/{device}/readings?sensor=t&{FROM}&to=2026-01-02T00:00:00Z")
    assert problem(answer, 404)["code"] == "sensor_not_found"


def test_csv_of_one_sensor_is_a_download(server, program):
    alice = program()
    device = add(alice, "=1+1")["id"]
    history(device, "t", [-5.2, 3.0], unit="°C")

    answer = alice(
        "GET", f"/devices/{device}/readings?sensor=t&{FROM}&to=2026-01-02T00:00:00Z&format=csv"
    )

    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="1-1_20260101T0000_20260102T0000.csv"'
    )
    rows = list(csv.reader(io.StringIO(answer.text, newline=""), strict=True))
    assert rows[1] == ["2026-01-01T00:00:00.000Z", "'=1+1", "t", "-5.2", "°C"]


def test_an_export_holds_what_one_may_see_and_nothing_else(server, program):
    alice, bob = program("alice"), program("bob")
    one, two, other = add(alice, "One"), add(alice, "Two"), add(bob, "Bobs")
    for device in (one, two, other):
        history(device["id"], "t", [1.0, 2.0])
        history(device["id"], "w", ["x"], "text")
    span = f"{FROM}&to=2026-01-02T00:00:00Z"

    def rows(query: str) -> list[list[str]]:
        answer = alice("GET", f"/export?{span}{query}")
        assert answer.status_code == 200, answer.text
        return list(csv.reader(io.StringIO(answer.text, newline=""), strict=True))[1:]

    assert {row[1] for row in rows("")} == {"One", "Two"}
    assert len(rows("")) == 6
    assert {row[1] for row in rows(f"&device={two['id']}")} == {"Two"}
    assert {row[1] for row in rows(f"&device={two['id']}&device={one['id']}")} == {"One", "Two"}
    assert {row[2] for row in rows("&sensor=w")} == {"w"}
    assert len(rows("&layout=wide")) == 2
    problem(alice("GET", f"/export?{span}&device={other['id']}"), 404)


@pytest.mark.parametrize("query", ["&sensor=nope", "&sensor=t&sensor=nope&format=parquet"])
def test_an_export_of_a_sensor_that_is_not_there_is_404(server, program, query):
    alice = program()
    device = add(alice)["id"]
    history(device, "t", [1.0])
    answer = alice("GET", f"/export?{FROM}&to=2026-01-02T00:00:00Z&device={device}{query}")
    assert problem(answer, 404)["code"] == "sensor_not_found"


FILE = "/devices/{device}/readings?sensor=t&format=csv"


@pytest.mark.parametrize(
    ("path", "field", "code"),
    [
        ("/export?step=x&layout=wide", "step", "int_parsing"),
        ("/export?step=-1&layout=wide", "step", "greater_than_equal"),
        ("/export?step=60", "step", "step_needs_wide"),
        ("/export?layout=width", "layout", "literal_error"),
        ("/export?format=json", "format", "literal_error"),
        ("/export?separator=tab", "separator", "extra_forbidden"),
        ("/export?range=bogus", "range", "extra_forbidden"),
        ("/export?sensor=a%0Ab", "sensor.0", "string_pattern_mismatch"),
        (f"{FILE}&range=bogus", "range", "extra_forbidden"),
        (f"{FILE}&step=60", "step", "extra_forbidden"),
        (f"{FILE}&layout=wide", "layout", "extra_forbidden"),
        (f"{FILE}&separator=tab", "separator", "extra_forbidden"),
        (f"{FILE}&format=xls", "format", "literal_error"),
        (f"{FILE}&limit=5", "limit", "only_json"),
        (f"{FILE}&points=5", "points", "only_json"),
        (f"{FILE}&cursor=x", "cursor", "only_json"),
        (f"{FILE}&sensor=u", "sensor", "string_type"),
    ],
)
def test_a_wrong_parameter_of_a_file_is_named(program, path, field, code):
    alice = program()
    device = add(alice)["id"]
    history(device, "t", [1.0])
    answer = alice("GET", f"{path.format(device=device)}&{FROM}&to=2026-01-02T00:00:00Z")

    error = problem(answer, 422)
    assert error["code"] == "invalid"
    assert [(one["field"], one["code"]) for one in error["details"]["fields"]] == [(field, code)]


@pytest.mark.parametrize(
    ("span", "code"),
    [
        ("from=bogus&to=2026-01-02T00:00:00Z", "bad_time"),
        (f"{FROM}&to={FROM[5:]}", "bad_range"),
    ],
)
@pytest.mark.parametrize("path", ["/export?", f"{FILE}&"])
def test_a_wrong_range_of_a_file_is_refused(program, path, span, code):
    alice = program()
    device = add(alice)["id"]
    history(device, "t", [1.0])

    assert problem(alice("GET", path.format(device=device) + span), 422)["code"] == code


def test_the_days_of_an_export_are_those_of_a_time_zone(program):
    alice = program()
    device = add(alice)["id"]
    history(device, "t", [1.0] * 86_400)
    path = f"/export?{FROM}&to=2026-01-03T00:00:00Z&layout=wide&step=86400"

    def days(query: str) -> list[str]:
        return [line[:16] for line in alice("GET", path + query).text.splitlines()[1:]]

    assert days("") == ["2026-01-01T00:00"]
    assert days("&tz=Asia/Kathmandu") == ["2025-12-31T18:15", "2026-01-01T18:15"]
    error = problem(alice("GET", f"{path}&tz=Nowhere"), 422)
    assert (error["code"], error["details"]["fields"][0]["code"]) == ("invalid", "timezone_unknown")


def test_an_export_is_compressed_for_who_can_read_it(server, program):
    alice = program()
    history(add(alice)["id"], "t", [float(n) for n in range(5000)])
    path = f"/export?{FROM}&to=2026-01-02T00:00:00Z"

    plain = alice("GET", path).data
    packed = alice("GET", path, headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.data) == plain
    assert packed.headers["Content-Encoding"] == "gzip"

    refused = alice("GET", path, headers={"Accept-Encoding": "gzip;q=0"})
    assert refused.data == plain
    assert "Content-Encoding" not in refused.headers


def test_how_a_sensor_is_shown_can_be_changed(program):
    alice = program()
    made = add(alice)
    history(made["id"], "kitchen.t", [20.0])
    path = f"/devices/{made['id']}/sensors/kitchen.t"

    answer = alice("PATCH", path, json={"label": "Kitchen", "unit": "°C", "decimals": 1})
    assert (answer.status_code, answer.json["label"], answer.json["decimals"]) == (
        200,
        "Kitchen",
        1,
    )
    answer = alice("PATCH", path, json={"decimals": None, "colour": "#AA0000"})
    shown = {name: answer.json[name] for name in ("label", "unit", "decimals", "colour")}
    assert shown == {"label": "Kitchen", "unit": "°C", "decimals": None, "colour": "#aa0000"}
    assert alice("PATCH", path, json={"low": -3, "high": 5.5}).json["low"] == -3.0
    answer = alice("PATCH", path, json={"low": 6})
    assert problem(answer, 422)["code"] == "range_reversed"
    assert alice("PATCH", path, json={"low": None}).json["high"] == 5.5
    assert alice("PATCH", path, json={"decimals": 7}).status_code == 422
    assert alice("PATCH", f"{path}x", json={"label": "x"}).status_code == 404
    assert program()("PATCH", path, json={"label": "x"}).status_code == 404
