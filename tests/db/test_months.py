"""PostgreSQL keeps hot readings in a table a month, and loses none where a month is missing."""

import threading
from datetime import UTC, datetime

import pytest

from clock import to_ms
from db.telemetry import months
from db.telemetry.months import Month
from db.telemetry.records import Batch
from db.telemetry.store import TelemetryStore
from tests.stack import until

ALWAYS = (0, 2**62)
NOVEMBER = to_ms(datetime(2026, 11, 20, 12, tzinfo=UTC))
FEBRUARY = to_ms(datetime(2027, 2, 1, 12, tzinfo=UTC))
DAY = 86_400_000


@pytest.fixture
def store(emptied):
    made = TelemetryStore(emptied)
    yield made
    for name in tables(made):
        if name != months.REST:
            with emptied.begin() as connection:
                connection.exec_driver_sql(f"DROP TABLE {name}")


@pytest.fixture
def sensor(store):
    return store.add_series(7, "temperature", "number").id


def write(store, sensor, *times):
    store.write(Batch(values=[(sensor, ts, float(ts)) for ts in times]))


def times(store, sensor):
    return store.window(sensor, *ALWAYS)[0].tolist()


def tables(store):
    sql = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'reading'::regclass"
    with store.engine.connect() as connection:
        return {name for (name,) in connection.exec_driver_sql(sql)}


def rows(store, table):
    with store.engine.connect() as connection:
        return connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()


def test_months_are_made_ahead_of_time(store, sensor):
    store.keep_months(NOVEMBER)
    store.keep_months(NOVEMBER)
    write(store, sensor, NOVEMBER, NOVEMBER + 30 * DAY)

    assert tables(store) == {
        "reading_rest",
        "reading_2026_11",
        "reading_2026_12",
        "reading_2027_01",
    }
    assert (rows(store, "reading_2026_11"), rows(store, "reading_2026_12")) == (1, 1)
    assert times(store, sensor) == [NOVEMBER, NOVEMBER + 30 * DAY]


def test_without_a_month_nothing_is_lost_and_the_month_takes_over_what_came(store, sensor):
    write(store, sensor, 1_000_000_000_000, NOVEMBER)
    assert rows(store, "reading_rest") == 2

    store.keep_months(NOVEMBER)

    assert (rows(store, "reading_rest"), rows(store, "reading_2026_11")) == (1, 1)
    assert times(store, sensor) == [1_000_000_000_000, NOVEMBER]


def test_an_emptied_month_is_dropped_and_one_with_readings_stays(store, sensor):
    store.keep_months(NOVEMBER)
    write(store, sensor, NOVEMBER + 30 * DAY)

    store.keep_months(FEBRUARY)

    assert tables(store) == {
        *("reading_rest", "reading_2026_12", "reading_2027_02"),
        *("reading_2027_03", "reading_2027_04"),
    }
    store.seal(before_ms=FEBRUARY, anyway_ms=FEBRUARY)
    store.keep_months(FEBRUARY)
    assert "reading_2026_12" not in tables(store)
    write(store, sensor, NOVEMBER + 31 * DAY)
    assert times(store, sensor) == [NOVEMBER + 30 * DAY, NOVEMBER + 31 * DAY]


def test_a_month_that_fills_again_before_it_is_dropped_stays(store, sensor):
    store.keep_months(NOVEMBER)
    write(store, sensor, NOVEMBER)

    with store._writing() as link:
        assert not months.drop(link, Month(2026, 11))

    assert times(store, sensor) == [NOVEMBER]


def test_two_processes_that_keep_months_do_not_disturb_each_other(store, sensor):
    month = Month(2026, 11)
    for _ in range(2):
        with store._writing() as link:
            assert months.make(link, month)
    write(store, sensor, NOVEMBER)
    assert rows(store, month.name) == 1
    store.forget(7)

    for dropped in (True, False):
        with store._writing() as link:
            assert months.drop(link, month) == dropped
    assert store.trouble == ""


def test_a_table_that_is_in_use_is_left_for_the_next_time(store, sensor, monkeypatch):
    monkeypatch.setattr(months, "LOCK_MS", 20)
    write(store, sensor, NOVEMBER)

    with store.engine.connect() as other:
        other.exec_driver_sql("SELECT count(*) FROM reading")
        store.keep_months(NOVEMBER)
        assert tables(store) == {"reading_rest"}
    assert store.trouble == ""
    store.keep_months(NOVEMBER)

    assert "reading_2026_11" in tables(store)
    assert times(store, sensor) == [NOVEMBER]


def test_writers_and_readers_go_on_while_months_come_and_go(store, sensor):
    ended, written = threading.Event(), []

    def work(number):
        while not ended.is_set():
            ts = NOVEMBER + number * 40 * DAY + len(written)
            store.write(Batch(values=[(sensor, ts, 1.0)]))
            written.append(ts)
            store.window(sensor, *ALWAYS, 10)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        for moment in (NOVEMBER, FEBRUARY, FEBRUARY + 60 * DAY):
            seen = len(written)
            until(lambda seen=seen: len(written) > seen + 20)
            store.keep_months(moment)
    finally:
        ended.set()
        for thread in threads:
            thread.join()

    assert sorted(set(written)) == times(store, sensor)


@pytest.mark.parametrize(
    ("month", "after"), [((2026, 11), (2026, 12)), ((2026, 12), (2027, 1)), ((2027, 1), (2027, 2))]
)
def test_months_follow_each_other(month, after):
    assert Month(*month).next() == after
