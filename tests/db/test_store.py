"""The store keeps what it is given, once, on both engines."""

import threading

import numpy as np
import pytest
from sqlalchemy import create_engine

from db.telemetry.records import Batch, PresenceRow, Receipt, Refusal, StoreAway
from db.telemetry.store import TelemetryStore

T = 1_795_000_000_000
ALWAYS = (0, 2**62)


@pytest.fixture
def sensor(store):
    return store.add_series(7, "temperature", "number", "°C").id


def values(store, series_id):
    t, v = store.window(series_id, *ALWAYS)
    return list(zip(t.tolist(), v.tolist(), strict=True))


def test_a_sensor_is_made_once_and_keeps_its_kind(store):
    first = store.add_series(7, "door", "state")
    again = store.add_series(7, "door", "number", "V")

    assert again == first
    assert (first.device_id, first.name, first.kind, first.unit) == (7, "door", "state", "")


def test_the_key_of_a_sensor_that_is_gone_is_given_to_no_other(store, sensor):
    store.forget(7)
    other = store.add_series(8, "temperature", "number").id
    store.write(Batch(values=[(sensor, T, 1.0)]))  # by somebody who has not heard of it

    assert values(store, other) == []


def test_sensors_of_several_devices_come_by_name_and_a_device_without_any_has_none(store):
    for device_id, name in [(1, "b"), (1, "a"), (2, "c")]:
        store.add_series(device_id, name, "number")

    found = store.series([1, 2, 3])

    assert {k: [one.name for one in v] for k, v in found.items()} == {
        1: ["a", "b"],
        2: ["c"],
        3: [],
    }


def test_readings_come_back_in_order_of_time(store, sensor):
    written = store.write(Batch(values=[(sensor, T + 5, 2.5), (sensor, T, 1.0)]))

    assert (written.stored, written.repeated, written.replaced) == (2, 0, 0)
    assert values(store, sensor) == [(T, 1.0), (T + 5, 2.5)]


def test_the_same_reading_again_changes_nothing_and_is_counted(store, sensor):
    batch = Batch(values=[(sensor, T, 1.0), (sensor, T + 1, 2.0)])
    store.write(batch)

    written = store.write(batch)

    assert (written.stored, written.repeated, written.replaced) == (0, 2, 0)
    assert values(store, sensor) == [(T, 1.0), (T + 1, 2.0)]


def test_another_value_at_the_same_time_replaces_it_and_is_counted(store, sensor):
    store.write(Batch(values=[(sensor, T, 1.0), (sensor, T + 1, 2.0)]))

    written = store.write(Batch(values=[(sensor, T, 9.0), (sensor, T + 1, 2.0)]))

    assert (written.stored, written.repeated, written.replaced) == (0, 1, 1)
    assert values(store, sensor) == [(T, 9.0), (T + 1, 2.0)]


def test_replaced_values_are_counted_for_their_devices(store, sensor):
    ids = [sensor, store.add_series(7, "b", "number").id, store.add_series(8, "c", "number").id]
    store.write(Batch(values=[(one, T, 1.0) for one in ids]))
    for value in (2.0, 3.0):
        store.write(Batch(values=[(one, T, value) for one in ids[1:]] + [(sensor, T, 1.0)]))

    assert [(one.reason, one.count, one.sample) for one in store.refusals(7)] == [
        ("replaced", 2, "b")
    ]
    assert [(one.reason, one.count, one.sample) for one in store.refusals(8)] == [
        ("replaced", 2, "c")
    ]


def test_of_two_values_at_one_time_in_one_batch_the_last_stays(store, sensor):
    store.write(Batch(values=[(sensor, T, 1.0), (sensor, T, 2.0)]))

    assert values(store, sensor) == [(T, 2.0)]
    assert store.newest([sensor])[sensor].value == 2.0


def test_texts_are_kept_with_the_same_promise(store):
    mode = store.add_series(7, "mode", "text").id
    store.write(Batch(texts=[(mode, T, "eco"), (mode, T + 1, "boost")]))
    written = store.write(Batch(texts=[(mode, T, "off"), (mode, T + 1, "boost")]))

    assert (written.repeated, written.replaced) == (1, 1)
    assert store.texts(mode, *ALWAYS, limit=10) == [(T, "off"), (T + 1, "boost")]
    assert store.texts(mode, *ALWAYS, limit=1) == [(T + 1, "boost")]
    assert store.newest([mode])[mode].text == "boost"


def test_a_late_reading_does_not_become_the_newest(store, sensor):
    store.write(Batch(values=[(sensor, T + 10, 5.0)]))
    store.write(Batch(values=[(sensor, T, 1.0)]))

    newest = store.newest([sensor, 999])

    assert list(newest) == [sensor]
    assert (newest[sensor].ts_ms, newest[sensor].value, newest[sensor].text) == (T + 10, 5.0, None)


def test_one_bad_row_does_not_cost_the_others_of_its_batch(store, sensor):
    written = store.write(
        Batch(
            values=[(sensor, T, 1.0), (sensor, 2**70, 2.0), (sensor, T + 1, 3.0)],
            presence={7: PresenceRow("online", T, T)},
        )
    )

    assert values(store, sensor) == [(T, 1.0), (T + 1, 3.0)]
    assert written.stored == 2
    assert len(written.failed) == 1
    assert store.presence([7])[7].said == "online"


def test_presence_is_what_was_said_last(store):
    store.write(Batch(presence={7: PresenceRow("online", T, T + 5, {"rssi": -60.0})}))
    store.write(Batch(presence={7: PresenceRow("offline", T + 9, T + 5, {"rssi": -61.0})}))

    assert store.presence([7, 8]) == {7: PresenceRow("offline", T + 9, T + 5, {"rssi": -61.0})}


def test_an_older_presence_of_another_listener_does_not_win(store):
    store.write(Batch(presence={7: PresenceRow("online", T, T + 5)}))
    store.write(Batch(presence={7: PresenceRow("offline", T, T + 4)}))

    assert store.presence([7])[7].said == "online"


def test_refusals_are_added_up_by_reason_with_the_last_example(store):
    for last, sample in [(T, "first"), (T + 1, "second")]:
        refusal = Refusal("bad_json", 2, last, "gatehouse/x/telemetry", sample)
        store.write(Batch(refusals={(7, "bad_json"): refusal}))

    assert store.refusals(7) == [Refusal("bad_json", 4, T + 1, "gatehouse/x/telemetry", "second")]
    assert store.refusals(8) == []


def test_the_log_comes_newest_first(store):
    store.write(Batch(logs=[(7, T, "started"), (7, T + 1, "running"), (8, T, "other")]))

    assert [line.text for line in store.logs(7)] == ["running", "started"]
    assert [line.text for line in store.logs(7, limit=1)] == ["running"]


def test_old_lines_of_a_log_go_and_those_beyond_the_newest(store):
    store.write(Batch(logs=[(7, T + i, str(i)) for i in range(5000)] + [(8, T, "other")]))

    store.drop_logs(7, before_ms=T + 4900, most=200)
    assert [line.text for line in store.logs(7, 5000)] == [str(i) for i in range(4999, 4899, -1)]
    store.drop_logs(7, before_ms=T, most=10)

    assert [line.text for line in store.logs(7)] == [str(i) for i in range(4999, 4989, -1)]
    assert [line.text for line in store.logs(8)] == ["other"]


def test_old_texts_go_however_many(store):
    mode = store.add_series(7, "mode", "text").id
    store.write(Batch(texts=[(mode, T + i, "eco") for i in range(4500)]))

    store.drop_texts(mode, before_ms=T + 4400)

    assert [ts - T for ts, _ in store.texts(mode, *ALWAYS, 5000)] == list(range(4400, 4500))


def test_receipts_of_other_listeners_and_old_ones_are_not_mixed_up(store):
    for number in (1, 2, 3):
        store.write(Batch(receipt=Receipt("a", number, b"%d" % number, keep_from=2)))
    store.write(Batch(receipt=Receipt("b", 1, b"b", keep_from=1)))

    assert store.receipts("a") == [(2, b"2"), (3, b"3")]


def test_pages_hold_every_reading_once(store, sensor):
    store.write(Batch(values=[(sensor, T + i, float(i)) for i in range(1003)]))

    pages = list(store.pages(sensor, T, T + 1000, size=100))

    assert [len(t) for t, _ in pages] == [100] * 10
    assert np.concatenate([v for _, v in pages]).tolist() == [float(i) for i in range(1000)]


def test_a_window_has_its_start_and_not_its_end(store, sensor):
    store.write(Batch(values=[(sensor, T + i, float(i)) for i in range(5)]))

    assert store.window(sensor, T + 1, T + 3)[1].tolist() == [1.0, 2.0]
    assert store.window(sensor, T, T + 5, 2)[1].tolist() == [0.0, 1.0]
    assert store.window(sensor, T + 3, T)[1].tolist() == []


def test_the_last_reading_before_a_time_is_found(store, sensor):
    store.write(Batch(values=[(sensor, 1000, 1.0), (sensor, 2000, 2.0)]))

    assert store.before(sensor, 1000) is None
    assert store.before(sensor, 1001) == (1000, 1.0)
    assert store.before(sensor, 9000) == (2000, 2.0)


def test_a_sensor_is_described_and_what_is_not_given_stays(store, sensor):
    store.describe(sensor, decimals=2, label="Room", low=-5, high=0.1 + 0.2)
    store.describe(sensor, colour="#c00", low=None)

    (described,) = store.series([7])[7]
    assert (described.unit, described.decimals) == ("°C", 2)
    assert (described.label, described.colour) == ("Room", "#c00")
    assert (described.low, described.high) == (None, 0.1 + 0.2)


def test_a_forgotten_device_leaves_nothing_and_others_keep_theirs(store, sensor):
    other = store.add_series(8, "temperature", "number").id
    for device_id, series_id in ((7, sensor), (8, other)):
        store.write(
            Batch(
                values=[(series_id, T, 1.0)],
                presence={device_id: PresenceRow("online", T, T)},
                refusals={(device_id, "x"): Refusal("x", 1, T, "", "")},
                logs=[(device_id, T, "hello")],
            )
        )

    store.forget(7)

    assert values(store, sensor) == []
    assert (store.series([7]), store.newest([sensor])) == ({7: []}, {})
    assert (store.presence([7]), store.refusals(7), store.logs(7)) == ({}, [], [])
    assert values(store, other) == [(T, 1.0)]
    assert store.presence([8])
    assert store.refusals(8)
    assert store.logs(8)


def test_sparks_are_one_reading_a_step(store, sensor):
    store.write(Batch(values=[(sensor, T + i * 100, float(i)) for i in range(30)]))

    sparks = store.sparks([sensor], T, T + 4000, 4)

    assert sparks[sensor][:3].tolist() == [0.0, 10.0, 20.0]
    assert np.isnan(sparks[sensor][3])


def test_many_threads_write_and_read_at_once(store, sensor):
    def work(number):
        for i in range(20):
            store.write(Batch(values=[(sensor, T + number * 1000 + i, 1.0)]))
            store.newest([sensor])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(values(store, sensor)) == 120


def test_a_store_that_is_away_says_so(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'missing' / 'telemetry.sqlite'}")
    store = TelemetryStore(engine)

    with pytest.raises(StoreAway):
        store.write(Batch(values=[(1, T, 1.0)]))
    with pytest.raises(StoreAway):
        store.newest([1])
