"""What the pages' scripts ask for, and what they get when they ask for something odd."""

from typing import Any

import pytest
import requests

from clock import now_ms
from tests.dashboard.watching import COOKIE, Person, Watched


@pytest.fixture(scope="module")
def person(live_house: Watched) -> Person:
    made = live_house.person(devices=2)
    rows = [(1_763_700_000_000 + n * 1000, n / 2) for n in range(3000)]
    live_house.keep(made.devices[0], "temperature", rows)
    live_house.keep(made.devices[0], "led.garage", [(1_763_700_000_000, 1.0)])
    return made


def get(house: Watched, person: Person, path: str, **query: Any) -> requests.Response:
    return requests.get(
        f"{house.url}/data/{path}", params=query, cookies={COOKIE: person.cookie}, timeout=30
    )


def test_the_state_names_every_device_with_its_newest_values(live_house, person):
    answer = get(live_house, person, "state")

    assert answer.headers["Cache-Control"] == "no-store"
    state = answer.json()
    assert abs(state["now"] - now_ms()) < 5000
    assert set(state["devices"]) == set(person.devices)
    device = state["devices"][person.devices[0]]
    assert device["sensors"]["temperature"] == {"t": 1_763_702_999_000, "v": 1499.5, "k": "number"}
    assert device["sensors"]["led.garage"] == {"t": 1_763_700_000_000, "v": 1.0, "k": "state"}
    assert device["presence"] == {"state": "never_seen", "seen": None}
    assert device["command"] is None


def test_a_chart_that_fits_comes_as_single_readings(live_house, person):
    query = {"device": person.devices[0], "sensor": "temperature", "points": 500}
    start = 1_763_700_000_000
    chart = get(live_house, person, "chart", **query, **{"from": start, "to": start + 3000}).json()

    assert chart == {"raw": True, "t": [start, start + 1000, start + 2000], "mean": [0, 0.5, 1]}


def test_a_chart_that_does_not_fit_has_lowest_and_highest(live_house, person):
    query = {"device": person.devices[0], "sensor": "temperature", "points": 100}
    start = 1_763_700_000_000
    chart = get(
        live_house, person, "chart", **query, **{"from": start, "to": start + 3_000_000}
    ).json()

    assert not chart["raw"]
    assert len(chart["t"]) == len(chart["low"]) == len(chart["high"]) <= 100
    assert (min(chart["low"]), max(chart["high"])) == (0.0, 1499.5)
    assert sum(chart["count"]) == 3000


def test_a_point_that_stands_for_long_says_for_how_long(live_house):
    person = live_house.person()
    start = 1_763_700_000_000
    rows = [(start + n * 1000, float(n)) for n in range(300)]
    live_house.keep(person.devices[0], "temperature", rows)
    [series] = live_house.series(person.devices[0])
    live_house.store.drop_readings(series.id, before_ms=now_ms())
    query = {"device": person.devices[0], "sensor": "temperature", "points": 100}

    def last(begin, end):
        chart = get(live_house, person, "chart", **query, **{"from": begin, "to": end}).json()
        assert sum(chart["count"]) == 300
        return chart.get("last")

    assert last(start, start + 300_000) == [start + 255_000, start + 299_000]
    assert last(start - 6_000_000, start + 600_000) is None
    assert last(start - 600_000, start + 300_000) == [start + 255_000, None]


def test_a_state_says_what_it_was_before_the_window(live_house, person):
    start = 1_763_700_000_000
    query = {"device": person.devices[0], "sensor": "led.garage"}
    later = get(live_house, person, "chart", **query, **{"from": start + 1, "to": start + 2}).json()
    first = get(live_house, person, "chart", **query, **{"from": start, "to": start + 2}).json()

    assert (later["before"], later["t"]) == (1.0, [])
    assert (first["before"], first["t"]) == (None, [start])


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"sensor": "nothing"}, 404, "sensor_not_found"),
        ({"device": "nothing"}, 404, "device_not_found"),
        ({"device": ""}, 404, "device_not_found"),
        ({"from": "x"}, 422, "bad_time"),
        ({"from": "-1"}, 422, "bad_time"),
        ({"from": "NaN"}, 422, "bad_time"),
        ({"from": "9" * 30}, 422, "bad_time"),
        ({"to": "9" * 15}, 422, "bad_time"),
        ({"to": "0001-01-01"}, 422, "bad_time"),
        ({"from": "5", "to": "5"}, 422, "bad_range"),
        ({"from": "6", "to": "5"}, 422, "bad_range"),
        *(
            ({"points": points}, 422, "bad_number")
            for points in ("1e9", "0", "-1", "2001", "1000000000", "NaN", "")
        ),
    ],
)
def test_an_odd_question_gets_a_clear_answer(live_house, person, change, status, code):
    query = {"device": person.devices[0], "sensor": "temperature", "from": "0", "to": "9"}
    answer = get(live_house, person, "chart", **(query | change))

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize("path", ["texts", "export.csv", "export.parquet"])
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"from": "x"}, "bad_time"),
        ({"from": "NaN"}, "bad_time"),
        ({"to": "9" * 15}, "bad_time"),
        ({"from": "5", "to": "5"}, "bad_range"),
        ({"from": "2026-01-02", "to": "2026-01-01"}, "bad_range"),
    ],
)
def test_a_range_that_makes_no_sense_has_the_same_code_everywhere(
    live_house, person, path, change, code
):
    query = {"device": person.devices[0], "from": "0", "to": "9"}
    answer = get(live_house, person, path, **(query | change))

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)


def test_a_range_without_a_meaning_is_not_taken_for_all_readings(live_house, person):
    answer = get(live_house, person, "export.csv", device=person.devices[0], range="bogus")

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_range")


def test_the_future_is_empty_and_all_of_time_is_not(live_house, person):
    query = {"device": person.devices[0], "sensor": "temperature", "points": 1}
    future = {"from": now_ms() + 10**9, "to": now_ms() + 2 * 10**9}

    assert get(live_house, person, "chart", **query, **future).json()["t"] == []
    all_of_it = {"from": "1970-01-01", "to": "9999-12-31T23:59:59Z"}
    assert get(live_house, person, "chart", **query, **all_of_it).json()["count"] == [3000]


def test_texts_come_newest_first_and_say_if_there_are_more(live_house):
    person = live_house.person()
    start = 1_763_700_000_000
    live_house.say(person.devices[0], "mode", [(start + n, f"{n}") for n in range(150)])
    live_house.say(person.devices[0], "note", [(start + 150, "last")])

    def texts(begin, end):
        got = get(
            live_house, person, "texts", device=person.devices[0], **{"from": begin, "to": end}
        )
        return got.json()

    assert texts(start + 148, start + 151) == {
        "texts": [
            {"t": start + 150, "s": "note", "v": "last"},
            {"t": start + 149, "s": "mode", "v": "149"},
            {"t": start + 148, "s": "mode", "v": "148"},
        ],
        "more": False,
    }
    assert texts(start + 151, start + 160) == {"texts": [], "more": False}
    every = texts(start, start + 200)
    assert every["more"]
    assert [one["t"] for one in every["texts"]] == [start + 150 - n for n in range(100)]


def test_csv_is_streamed_for_one_device(live_house, person):
    start = 1_763_700_000_000
    answer = get(
        live_house,
        person,
        "export.csv",
        **{"device": person.devices[0], "from": start, "to": start + 2000, "sensor": "temperature"},
    )

    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    lines = answer.text.splitlines()
    assert lines[0] == "time,device,sensor,value,unit"
    assert len(lines) == 3


@pytest.mark.parametrize("path", ["chart", "texts", "export.csv"])
def test_somebody_elses_device_looks_like_none(live_house, person, path):
    other = live_house.person()
    query = {"device": other.devices[0], "sensor": "temperature", "from": 0, "to": 9}

    assert get(live_house, person, path, **query).status_code == 404
