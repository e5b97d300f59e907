"""Sealed history reads like hot history, whatever came late, and survives a crash."""

import numpy as np
import pytest
from alembic import command

from db import migrations
from db.telemetry import history, sealing
from db.telemetry.chunks import FULL
from db.telemetry.records import Batch, DiskUse
from db.telemetry.tables import era
from tests.db.test_charts import check

T = 1_795_000_000_000
ALWAYS = (0, 2**62)


@pytest.fixture
def sensor(store):
    return store.add_series(7, "temperature", "number").id


class Truth(dict):
    """What the store must hold."""

    def __init__(self, store, sensor):
        self.store, self.sensor = store, sensor

    def write(self, readings):
        self.update(readings)
        for start in range(0, len(readings), 20_000):
            part = list(readings.items())[start : start + 20_000]
            self.store.write(Batch(values=[(self.sensor, t, v) for t, v in part]))

    def seal(self, before_ms, anyway_ms=0):
        return self.store.seal(before_ms=before_ms, anyway_ms=anyway_ms)

    def check(self, start, end, points):
        held = sorted((t, v) for t, v in self.items() if start <= t < end)
        check(self.store.chart(self.sensor, start, end, points), held, points)

    def check_all(self):
        t, v = self.store.window(self.sensor, *ALWAYS)
        assert list(zip(t.tolist(), v.tolist(), strict=True)) == sorted(self.items())


@pytest.fixture
def truth(store, sensor):
    return Truth(store, sensor)


def rows(store, table):
    with store.engine.connect() as connection:
        return connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()


def steady(n, start=T, step_ms=1000):
    return {start + i * step_ms: float(i * 37 % 1009) for i in range(n)}


def test_old_readings_are_packed_and_nothing_changes_for_who_reads(truth, store):
    truth.write(steady(3 * FULL + 100))

    assert truth.seal(T + 10**9) == 3 * FULL
    assert (rows(store, "chunk"), rows(store, "reading")) == (3, 100)
    truth.check_all()


def test_what_cannot_be_packed_keeps_no_other_sensor_from_it(truth, store, sensor):
    broken = store.add_series(6, "broken", "number").id
    sums_to_nothing = [1.7e308, 1.7e308, -1.7e308, -1.7e308]
    values = [(broken, T + n * 1000, sums_to_nothing[n % 4]) for n in range(FULL)]
    behind = store.add_series(8, "behind it", "number").id
    values += [(behind, T + n * 1000, float(n)) for n in range(FULL)]
    store.write(Batch(values=values))
    truth.write(steady(FULL))

    assert truth.seal(T + 10**9) >= 2 * FULL
    truth.check_all()


def test_the_last_reading_before_a_time_is_found_in_what_is_packed(truth, store, sensor):
    truth.write({T + n * 1000: float(n) for n in range(FULL + 100)})
    truth.seal(T + 10**9)

    assert store.before(sensor, T + 5000) == (T + 4000, 4.0)
    assert store.before(sensor, T + (FULL + 50) * 1000) == (T + (FULL + 49) * 1000, FULL + 49.0)


def test_what_is_recent_stays_hot(truth, store):
    truth.write(steady(2 * FULL))

    assert truth.seal(T + (FULL + 500) * 1000) == FULL
    assert rows(store, "reading") == FULL
    assert truth.seal(T) == 0


def test_few_readings_are_packed_only_once_they_are_old(truth, store):
    truth.write(steady(100))

    assert truth.seal(T + 10**9) == 0
    assert truth.seal(T + 10**9, anyway_ms=T + 1) == 100
    assert rows(store, "reading") == 0
    truth.check_all()


def test_a_value_that_changes_in_what_is_packed_is_counted_when_it_is_merged(truth, store):
    truth.write(steady(FULL))
    truth.seal(T + 10**9)
    truth.write({T: 5.0, T + 1000: 37.0, T + 1500: 1.0})  # changed, as it was, new

    truth.seal(T + 10**9)

    assert [(one.reason, one.count) for one in store.refusals(7)] == [("replaced", 1)]
    truth.check_all()


def held(store, sensor):
    """The bytes of a sensor's chunks, counted anew."""
    sql = "SELECT SUM(150 + LENGTH(summary) + COALESCE(LENGTH(body), 0)) FROM chunk"
    with store.engine.connect() as connection:
        return connection.exec_driver_sql(f"{sql} WHERE series_id = {sensor}").scalar_one()


def test_what_a_device_takes_on_the_disk_is_counted_along(truth, store, sensor):
    assert store.disk_use([7, 8]) == {7: DiskUse(0, 0), 8: DiskUse(0, 0)}
    truth.write(steady(3 * FULL + 100))
    row_bytes = store.disk_use([7])[7].bytes // (3 * FULL + 100)
    assert row_bytes in {24, 94}

    for step in (
        lambda: truth.seal(T + 10**9),
        lambda: truth.write({T + 500: 1.0, T + 5000 * 1000 + 1: 2.0}),
        lambda: truth.seal(T + 10**9),
        lambda: store.drop_readings(sensor, before_ms=T + 2 * FULL * 1000),
    ):
        step()
        use = store.disk_use([7])[7]
        assert use.fresh == rows(store, "reading")
        assert use.bytes == held(store, sensor) + use.fresh * row_bytes


def test_a_chunk_with_room_is_filled_up(truth, store):
    for n in range(3):
        truth.write(steady(1000, start=T + n * 1_000_000))
        truth.seal(T + 10**9, anyway_ms=T + 10**9)

    assert rows(store, "chunk") == 1
    truth.check_all()


def test_late_and_changed_readings_are_right_before_and_after_they_are_merged(truth, store):
    truth.write(steady(3 * FULL))
    truth.seal(T + 10**9)
    truth.write({T - 5000: 1.0, T + 500: 2.0, T + 1000: 3.0, T + FULL * 1000 - 500: 4.0})

    for _ in range(2):
        truth.check_all()
        truth.check(T - 10_000, T + 3 * FULL * 1000, 50)
        truth.check(T - 10_000, T + 20_000, 100)
        truth.seal(T + 10**9)
    assert rows(store, "reading") == 0


@pytest.mark.parametrize("seed", range(6))
def test_charts_windows_and_pages_tell_the_truth_of_any_history(truth, store, sensor, seed):
    random = np.random.default_rng(seed)
    steps = random.choice(
        [10, 999, 1000, 1001, 3000, 600_000], 14_000, p=[0.1, 0.2, 0.4, 0.2, 0.08, 0.02]
    )
    times = T + np.cumsum(steps)
    values = np.round(random.normal(20, 5, len(times)), int(random.integers(0, 4)))
    readings = {int(t): float(v) for t, v in zip(times, values, strict=True)}
    late = dict(random.permutation(list(readings.items()))[:300].tolist())
    late = {int(t): v for t, v in late.items()}
    truth.write({t: v for t, v in readings.items() if t not in late})
    truth.seal(int(times[9_000]))
    truth.write(late)
    changed = [int(t) for t in random.choice(times, 50)]
    truth.write(dict.fromkeys(changed, 99.5))

    for round_ in range(2):
        truth.check_all()
        pages = [page for page, _ in store.pages(sensor, T, 2**62, size=1000)]
        assert np.concatenate(pages).tolist() == sorted(truth)
        assert max(map(len, pages)) <= 1000
        for _ in range(12):
            start, end = sorted(random.integers(T, times[-1] + 2, 2).tolist())
            if random.random() < 0.5:
                end = start + int((end - start) * 10.0 ** -random.integers(1, 4))
            points = int(random.choice([1, 2, 20, 100, 500, 2000]))
            truth.check(start, end + 1, points)
        if round_ == 0:
            truth.seal(int(times[12_000]), anyway_ms=int(times[100]))


@pytest.mark.parametrize("days", [1, 30, 400])
def test_every_width_of_window_is_drawn_from_the_right_level(truth, days):
    readings = steady(5 * FULL, step_ms=60_000)
    truth.write(readings)
    truth.seal(2**62)

    for points in (10, 150, 2000):
        truth.check(T + 30_000, T + days * 86_400_000, points)


@pytest.mark.parametrize("seed", range(3))
def test_years_tell_the_truth_too_with_late_readings_and_pauses(truth, seed):
    random = np.random.default_rng(seed)
    steps = random.choice([1000, 2000, 40_000_000], 60_000, p=[0.5, 0.4995, 0.0005])
    times = (T + np.cumsum(steps)).tolist()
    values = random.normal(20, 5, len(times)).tolist()
    readings = dict(zip(times, values, strict=True))
    late = [*random.choice(times, 4).tolist(), *(times[n] + 999 for n in (20_000, 41_000))]
    truth.write({t: v for t, v in readings.items() if t not in late})
    truth.seal(times[-3000])

    for moment in (None, *late):
        if moment:
            truth.write({moment: -500.0})
        for points in (30, 200):
            truth.check(T, times[-1] + 1, points)
            start, end = sorted(random.integers(T, times[-1], 2).tolist())
            truth.check(start, end + 1, points // 4)
    truth.seal(times[-2000])
    truth.check(T, times[-1] + 1, 30)


def test_what_was_sealed_before_eras_is_summed_up_by_the_migration(truth, store):
    truth.write(steady(12 * FULL + 10))
    truth.seal(2**62)
    use = store.disk_use([7])
    with store.engine.execution_options(immediate=True).begin() as connection:
        kept = connection.execute(era.select().order_by(era.c.number)).all()
        command.downgrade(migrations.config("telemetry", connection), "0004")

    migrations.upgrade("telemetry", store.engine)

    with store.engine.connect() as connection:
        assert connection.execute(era.select().order_by(era.c.number)).all() == kept
    assert len(kept) > 1
    assert store.disk_use([7]) == use
    truth.check_all()


def test_a_crash_while_packing_leaves_every_reading_in_one_place(truth, store, monkeypatch):
    truth.write(steady(2 * FULL))

    def crash(*_):
        raise SystemExit

    monkeypatch.setattr(sealing, "put", crash)
    with pytest.raises(SystemExit):
        truth.seal(T + 10**9)
    monkeypatch.undo()

    truth.check_all()
    assert truth.seal(T + 10**9) == 2 * FULL
    truth.check_all()


def test_forgotten_readings_leave_their_minimum_maximum_and_mean(truth, store, sensor):
    truth.write(steady(4 * FULL))
    truth.seal(T + 10**9)
    middle = T + 2 * FULL * 1000

    assert store.drop_readings(sensor, before_ms=middle) == 2

    t, _ = store.window(sensor, *ALWAYS)
    assert t.tolist() == [moment for moment in sorted(truth) if moment >= middle]
    assert sum(len(page) for page, _ in store.pages(sensor, *ALWAYS, size=500)) == 2 * FULL
    truth.check(T, T + 4 * FULL * 1000, 4)
    chart = store.chart(sensor, T, T + 4 * FULL * 1000, 60)
    assert chart.count.sum() == 4 * FULL


def test_nothing_is_forgotten_before_it_is_summed_up(truth, store, sensor):
    truth.write(steady(FULL + 10))

    store.drop_readings(sensor, before_ms=T + 10**9)

    assert rows(store, "reading") == 0
    assert store.chart(sensor, T, T + 10**9, 10).count.sum() == FULL + 10
    assert len(store.window(sensor, *ALWAYS)[0]) == 0


def test_readings_later_than_the_end_of_remembering_are_not_counted_twice(truth, store, sensor):
    truth.write(steady(FULL))
    store.drop_readings(sensor, before_ms=T + 10**9)

    store.write(Batch(values=[(sensor, T + 1500, 5.0)]))
    store.seal(before_ms=T + 10**9, anyway_ms=T + 10**9)

    assert store.chart(sensor, T, T + 10**9, 10).count.sum() == FULL


def test_reading_goes_on_while_history_is_packed(truth, store, sensor):
    truth.write(steady(FULL))
    with store._reading() as link:
        span = history.Span(sensor, *ALWAYS)
        before = history.window(link, span)
        truth.seal(T + 10**9)
        after = history.window(link, span)

    assert len(before[0]) == len(after[0]) == FULL
