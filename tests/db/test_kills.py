"""Housekeeping that is killed at any of its steps loses nothing and keeps nothing twice."""

import multiprocessing
import signal

import pytest

from db.telemetry.records import Batch
from tests.db import dying
from tests.db.dying import FULL

T = 1_795_000_000_000
ALWAYS = (0, 2**62)
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.db.dying"])
STEPS = 200  # far more than there are


@pytest.fixture(autouse=True)
def small(monkeypatch):
    dying.make_small(monkeypatch.setattr)


def history(store):
    """A sensor with packed and fresh readings, late ones and changed ones; and what is true."""
    store.forget(7)
    sensor = store.add_series(7, "temperature", "number").id
    truth = {T + i * 1000: float(i * 37 % 101) for i in range(4 * FULL)}
    late = {T - 5000: 500.0, T + 500: 1.5, T + 3000: 77.5, T + 2 * FULL * 1000 + 500: 2.5}
    more = {T + i * 1000: float(i) for i in range(4 * FULL, 7 * FULL + 10)}
    store.write(Batch(values=[(sensor, *one) for one in truth.items()]))
    store.seal(before_ms=T + 10**9, anyway_ms=0)
    store.write(Batch(values=[(sensor, *one) for one in (late | more).items()]))
    return sensor, truth | late | more


def counted(store, sensor):
    """The bytes of a sensor's chunks, counted anew, and those of its rows."""
    sql = "SELECT COALESCE(SUM(150 + LENGTH(summary) + COALESCE(LENGTH(body), 0)), 0) FROM chunk"
    with store._reading() as link:
        ((sealed,),) = link.rows(f"{sql} WHERE series_id = ?", sensor)
        ((fresh,),) = link.rows("SELECT COUNT(*) FROM reading WHERE series_id = ?", sensor)
        return sealed + fresh * link.row_bytes


def check(store, sensor, truth, forget_ms):
    """Nothing is lost, nothing is there twice, and every sum is right."""
    t, v = store.window(sensor, *ALWAYS)
    held = dict(zip(t.tolist(), v.tolist(), strict=True))
    assert len(held) == len(t)
    assert held.items() <= truth.items()
    assert {ts for ts in truth if ts >= forget_ms} <= held.keys()
    for points in (1, 7, 2000):
        chart = store.chart(sensor, T - 10**6, T + 10**9, points)
        assert chart.count.sum() == len(truth)
        assert (chart.low[chart.count > 0].min(), chart.high[chart.count > 0].max()) == (
            min(truth.values()),
            max(truth.values()),
        )
    whole = store.chart(sensor, T - 10**12, T + 10**12, 3)  # from the sums of eras
    assert whole.count.sum() == len(truth)
    assert store.disk_use([7])[7].bytes == counted(store, sensor)


def test_whatever_step_it_is_killed_at(store):
    forget_ms = T + 2 * FULL * 1000
    url = store.engine.url.render_as_string(hide_password=False)
    for step in range(1, STEPS):
        sensor, truth = history(store)
        work = (url, step, sensor, T + 10**9, forget_ms)
        process = PROCESSES.Process(target=dying.die, args=work)
        process.start()
        process.join()
        check(store, sensor, truth, forget_ms)
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        dying.tidy(store, sensor, T + 10**9, forget_ms)
        check(store, sensor, truth, forget_ms)
        t, _ = store.window(sensor, *ALWAYS)
        assert int(t[0]) >= T + FULL * 1000  # whole chunks are forgotten
    assert 25 < step < STEPS - 1
