"""History is packed when it is old, and forgotten where a device may not keep it."""

from datetime import timedelta

import pytest

import db.base
from clock import to_ms
from db.base import transaction
from db.telemetry.records import Batch
from db.telemetry.store import TelemetryStore
from devices import retention
from tests.devices.conftest import NOW

ALWAYS = (0, 2**62)


@pytest.fixture
def store(door):
    made = TelemetryStore(db.base.telemetry_engine())
    yield made
    made.close()


def tidy(store, default_days=None):
    return retention.tidy(store, now=NOW, default_days=default_days)


def hourly(series_id, days):
    first = to_ms(NOW - timedelta(days=days))
    return [(series_id, first + hour * 3_600_000, float(hour)) for hour in range(days * 24)]


def test_a_device_keeps_its_readings_for_ever_unless_told_otherwise(store, door):
    sensor = store.add_series(door.id, "temperature", "number").id
    store.write(Batch(values=hourly(sensor, 30)))

    assert tidy(store) > 20 * 24
    assert tidy(store) == 0
    assert len(store.window(sensor, *ALWAYS)[0]) == 30 * 24


def test_what_is_past_its_time_leaves_only_its_sums(store, door):
    sensor = store.add_series(door.id, "temperature", "number").id
    mode = store.add_series(door.id, "mode", "text").id
    store.write(Batch(values=hourly(sensor, 30)[:240]))
    store.write(Batch(texts=[(mode, to_ms(NOW - timedelta(days=9)), "old")]))
    store.write(Batch(texts=[(mode, to_ms(NOW), "new")]))
    with transaction():
        door.retention_days = 8

    tidy(store)

    assert len(store.window(sensor, *ALWAYS)[0]) == 0
    assert store.chart(sensor, *(0, to_ms(NOW)), 100).count.sum() == 240
    assert [text for _, text in store.texts(mode, *ALWAYS, limit=10)] == ["new"]


def test_logs_are_kept_for_three_months_and_not_longer_than_readings(store, door):
    lines = [(door.id, to_ms(NOW - timedelta(days=days)), str(days)) for days in (100, 80, 9, 1)]
    store.write(Batch(logs=lines))

    tidy(store)
    assert [line.text for line in store.logs(door.id)] == ["1", "9", "80"]
    with transaction():
        door.retention_days = 8
    tidy(store)

    assert [line.text for line in store.logs(door.id)] == ["1"]


def test_the_default_counts_for_devices_that_do_not_say(store, door):
    sensor = store.add_series(door.id, "temperature", "number").id
    mode = store.add_series(door.id, "mode", "text").id
    store.write(Batch(values=hourly(sensor, 30)))
    store.write(Batch(texts=[(mode, to_ms(NOW - timedelta(days=9)), "old")]))
    store.write(Batch(logs=[(door.id, to_ms(NOW - timedelta(days=9)), "old")]))

    def left():
        return len(store.window(sensor, *ALWAYS)[0]) // 24

    with transaction():
        door.retention_days = 0  # for ever, whatever the default
    tidy(store, default_days=8)
    assert left() == 30
    with transaction():
        door.retention_days = 20
    tidy(store, default_days=8)
    assert left() == 20
    with transaction():
        door.retention_days = None
    tidy(store)
    assert left() == 20
    tidy(store, default_days=8)

    assert left() == 8
    assert store.texts(mode, *ALWAYS, limit=10) == store.logs(door.id) == []
    whole = store.chart(sensor, 0, to_ms(NOW), 2000)
    assert whole.count.sum() == 30 * 24
    assert (whole.low[whole.count > 0].min(), whole.high[whole.count > 0].max()) == (0.0, 719.0)


def test_a_shorter_and_a_longer_time_lose_nothing_that_was_not_summed_up(store, door):
    sensor = store.add_series(door.id, "temperature", "number").id
    store.write(Batch(values=hourly(sensor, 30)))

    for days in (25, 3, 300, None, 1, 12):
        tidy(store, default_days=days)
        assert store.chart(sensor, 0, to_ms(NOW), 2000).count.sum() == 30 * 24
    assert len(store.window(sensor, *ALWAYS)[0]) == 24  # what is forgotten does not come back
