"""What retention leaves of readings tells the truth in any window, on both engines."""

from bisect import bisect_left, bisect_right

import numpy as np
import pytest

from db.telemetry.chunks import FULL, PART_READINGS
from db.telemetry.records import Batch
from tests.db.test_charts import check
from tests.db.test_sealed import ALWAYS, Truth, held

T = 1_795_000_000_000
DAY_MS = 86_400_000


@pytest.fixture
def sensor(store):
    return store.add_series(7, "temperature", "number").id


@pytest.fixture
def truth(store, sensor):
    return Truth(store, sensor)


def pieces(store, truth):
    """All readings in lists: those of which only a sum is left together, any other alone."""
    with store.engine.connect() as connection:
        chunks = connection.exec_driver_sql("SELECT t0, t1 FROM chunk WHERE body IS NULL").all()
    readings = sorted(truth.items())
    times = [t for t, _ in readings]
    found, known = [], 0
    for t0, t1 in sorted(chunks):
        start, end = bisect_left(times, t0), bisect_right(times, t1)
        found += [[one] for one in readings[known:start]]
        found += [
            readings[n : min(n + PART_READINGS, end)] for n in range(start, end, PART_READINGS)
        ]
        known = end
    return found + [[one] for one in readings[known:]]


def agree(store, truth, start, end, points, runs=None):
    """A chart of [start, end) stands for these runs of readings, those that it cuts as a whole."""
    chart = store.chart(truth.sensor, start, end, points)
    readings = [
        one
        for run in runs or pieces(store, truth)
        if run[0][0] < end and run[-1][0] >= start
        for one in run
    ]
    check(chart, readings, points)
    rows = chart.count > 0
    assert chart.last[rows].tolist() == [readings[n - 1][0] for n in np.cumsum(chart.count[rows])]
    assert np.isnan(chart.last[~rows]).all()


@pytest.mark.parametrize("seed", range(6))
def test_any_window_agrees_with_plain_python_before_and_after_retention(store, truth, seed):
    random = np.random.default_rng(seed)
    slow = seed % 2
    steps = random.choice([60_000, 300_000, 40_000_000] if slow else [999, 1000, 5000], 14_000)
    times = T + np.cumsum(steps)
    values = random.normal(20, 5, len(times))
    truth.write(dict(zip(times.tolist(), values.tolist(), strict=True)))

    for known, cut in ((4_000, None), (9_500, 3_000), (13_500, 9_000)):
        truth.seal(int(times[known]), anyway_ms=int(times[known // 2]))
        if cut:
            store.drop_readings(truth.sensor, before_ms=int(times[cut]) + 1)
        runs = pieces(store, truth)
        for _ in range(16):
            start, end = sorted(random.integers(times[0] - 10**7, times[-1] + 10**7, 2).tolist())
            if random.random() < 0.6:
                end = start + int((end - start) * 10.0 ** -random.integers(1, 5))
            agree(store, truth, start, end + 1, int(random.choice([1, 2, 20, 300, 2000])), runs)
        for edge in times[random.integers(0, len(times), 4)].tolist():
            agree(store, truth, edge, edge + 1, 100, runs)
            agree(store, truth, edge - 1, edge, 100, runs)


def test_a_window_inside_what_was_summed_up_shows_it_as_a_whole(store, truth):
    truth.write({T + n * 60_000: float(n) for n in range(FULL)})
    store.drop_readings(truth.sensor, before_ms=T + 10**9)

    chart = store.chart(truth.sensor, T + 90_000, T + 100_000, 50)

    assert (chart.t.tolist(), chart.last.tolist()) == ([T], [T + 255 * 60_000])
    assert (chart.low[0], chart.mean[0], chart.high[0]) == (0, 127.5, 255)
    assert chart.count.tolist() == [256]


def test_a_slow_sensor_is_forgotten_in_time_though_its_readings_are_packed_together(store, truth):
    hours = {T + n * 3_600_000: float(n) for n in range(1000)}
    truth.write(hours)
    truth.seal(T + 10**10, anyway_ms=T + 10**10)
    limit = T + 500 * 3_600_000

    for _ in range(2):  # nothing more happens the second time
        store.drop_readings(truth.sensor, before_ms=limit)

        kept, _ = store.window(truth.sensor, *ALWAYS)
        assert kept.tolist() == [t for t in hours if t >= limit]
        agree(store, truth, T, T + 10**10, 2000)
        agree(store, truth, T + 100_000, T + 10**10, 50)
    assert store.disk_use([7])[7].bytes == held(store, truth.sensor)


def test_what_is_past_its_time_by_less_than_a_day_waits(store, truth):
    hours = {T + n * 3_600_000: float(n) for n in range(1000)}
    truth.write(hours)
    truth.seal(T + 10**10, anyway_ms=T + 10**10)
    store.drop_readings(truth.sensor, before_ms=T + 500 * 3_600_000)

    store.drop_readings(truth.sensor, before_ms=T + 520 * 3_600_000)
    assert len(store.window(truth.sensor, *ALWAYS)[0]) == 500
    store.drop_readings(truth.sensor, before_ms=T + 525 * 3_600_000)
    assert len(store.window(truth.sensor, *ALWAYS)[0]) == 475


def test_a_short_retention_does_not_leave_a_chunk_for_each_round(store, truth):
    for n in range(0, 3 * 1440, 30):
        now = T + n * 60_000
        truth.write({now + m * 60_000: float(m) for m in range(30)})
        store.drop_readings(truth.sensor, before_ms=now - DAY_MS // 2)

    with store.engine.connect() as connection:
        count = connection.exec_driver_sql("SELECT count(*) FROM chunk").scalar_one()
    assert 1 <= count <= 3


def test_what_a_state_was_before_a_window_is_known_if_all_that_was_summed_up_agrees(store, truth):
    truth.write({T + n * 60_000: float(n >= 300) for n in range(FULL)})
    store.drop_readings(truth.sensor, before_ms=T + 10**9)
    last = T + (FULL - 1) * 60_000

    assert store.before(truth.sensor, last + 1) == (last, 1.0)
    assert store.before(truth.sensor, T + 256 * 60_000) == (T + 255 * 60_000, 0.0)
    assert store.before(truth.sensor, T + 512 * 60_000) is None  # it was both
    assert store.before(truth.sensor, T + 600 * 60_000) is None  # the window cuts it
    store.write(Batch(values=[(truth.sensor, last + 5, 0.0)]))
    assert store.before(truth.sensor, last + 9) == (last + 5, 0.0)
