"""A chart holds what its readings hold, checked against plain Python on random data."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.telemetry.records import Batch

T = 1_795_000_000_000

PAUSES = st.lists(st.sampled_from([1, 10, 999, 1000, 1001, 5000, 60_000, 3_600_000]), max_size=300)


@pytest.fixture
def sensor(store):
    return store.add_series(7, "temperature", "number").id


def check(chart, readings, points):
    """Every row must say what the next `count` readings say, and none may be left over."""
    assert np.count_nonzero(chart.count) <= points
    assert len(chart.t) < 2 * points
    left = list(readings)
    previous = -math.inf
    for t, low, mean, high, count in zip(
        chart.t, chart.low, chart.mean, chart.high, chart.count, strict=True
    ):
        assert t > previous
        previous = t
        if count == 0:
            assert math.isnan(low)
            assert math.isnan(mean)
            assert math.isnan(high)
            continue
        part, left = left[:count], left[count:]
        seen = [value for _, value in part]
        assert t == part[0][0]
        assert (low, high) == (min(seen), max(seen))
        assert mean == pytest.approx(sum(seen) / len(seen))
    assert left == []
    if chart.raw:
        assert set(chart.count.tolist()) <= {0, 1}


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(pauses=PAUSES, points=st.integers(1, 60), cut=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_every_row_tells_the_truth_about_its_readings(store, pauses, points, cut):
    times = np.cumsum([0, *pauses]) + T
    readings = [(int(t), float(i * 37 % 101)) for i, t in enumerate(times)]
    store.forget(7)
    sensor = store.add_series(7, "temperature", "number").id
    store.write(Batch(values=[(sensor, t, v) for t, v in readings]))
    span = int(times[-1]) + 1 - T
    start, end = sorted(T + int(share * span) for share in cut)

    chart = store.chart(sensor, start, end + 1, points)

    check(chart, [(t, v) for t, v in readings if start <= t <= end], max(points, 1))


def test_readings_that_fit_come_as_they_are(store, sensor):
    store.write(Batch(values=[(sensor, T + i * 1000, float(i)) for i in range(50)]))

    chart = store.chart(sensor, T, T + 50_000, 50)

    assert chart.raw
    assert chart.mean.tolist() == [float(i) for i in range(50)]


def bursts():
    """Three readings two seconds apart, every ten minutes of a day."""
    return [T + n * 600_000 + i * 2000 for n in range(144) for i in range(3)]


@pytest.mark.parametrize("points", [432, 500])
def test_readings_that_fit_come_as_they_are_though_there_are_gaps(store, sensor, points):
    store.write(Batch(values=[(sensor, t, t % 7.0) for t in bursts()]))

    chart = store.chart(sensor, T, T + 86_400_000, points)

    assert chart.raw
    assert chart.t[chart.count > 0].tolist() == bursts()


def test_bursts_that_do_not_fit_keep_most_of_their_detail(store, sensor):
    store.write(Batch(values=[(sensor, t, t % 7.0) for t in bursts()]))

    chart = store.chart(sensor, T, T + 86_400_000, 431)

    check(chart, [(t, t % 7.0) for t in bursts()], 431)
    assert np.count_nonzero(chart.count) > 215


def test_a_pause_of_more_than_three_intervals_is_a_gap(store, sensor):
    seconds = [0, 1, 2, 3, 10, 11, 12, 15, 16]
    store.write(Batch(values=[(sensor, T + s * 1000, float(s)) for s in seconds]))

    chart = store.chart(sensor, T, T + 60_000, 100)

    assert np.isnan(chart.mean).nonzero()[0].tolist() == [4]
    assert chart.t[3] < chart.t[4] < chart.t[5]


def test_a_device_that_begins_to_speak_oftener_keeps_the_line_of_before(store, sensor):
    slow = [60 * minute for minute in range(50)]
    fast = [60 * 49 + 2 * i for i in range(1, 300)]
    late = [fast[-1] + 300 + 2 * i for i in range(50)]
    store.write(Batch(values=[(sensor, T + s * 1000, 1.0) for s in slow + fast + late]))

    for points in (1000, 300):
        chart = store.chart(sensor, T, T + 7_200_000, points)

        (hole,) = np.isnan(chart.mean).nonzero()[0]
        assert T + fast[-1] * 1000 < chart.t[hole] < T + late[0] * 1000


def test_buckets_stay_the_same_when_the_window_moves(store, sensor):
    store.write(Batch(values=[(sensor, T + i * 100, i % 7.0) for i in range(5000)]))

    one = store.chart(sensor, T, T + 400_000, 100)
    two = store.chart(sensor, T + 40_000, T + 440_000, 100)

    assert set(two.t[1:-20].tolist()) <= set(one.t.tolist())


@pytest.mark.parametrize("points", [-1, 0, 1, 10**9])
def test_any_number_of_points_is_brought_into_bounds(store, sensor, points):
    store.write(Batch(values=[(sensor, T + i * 1000, float(i)) for i in range(5000)]))

    chart = store.chart(sensor, T, T + 5_000_000, points)

    assert 1 <= len(chart.t) <= 2000
    assert chart.count.sum() == 5000


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (T, T),
        (T + 1, T),
        (T + 10**9, T + 2 * 10**9),
        (0, 3 * 10**14),
        (-(10**17), 10**17),
        (2**62, -(2**62)),
    ],
)
def test_odd_windows_have_a_clear_answer(store, sensor, start, end):
    store.write(Batch(values=[(sensor, T + i * 1000, float(i)) for i in range(3000)]))

    chart = store.chart(sensor, start, end, 500)

    assert chart.count.sum() == (3000 if start <= 0 else 0)
    assert len(store.window(sensor, start, end)[0]) == chart.count.sum()


def test_an_unknown_sensor_has_an_empty_chart(store):
    chart = store.chart(12345, T, T + 1000, 100)

    assert len(chart.t) == 0
    assert chart.raw
