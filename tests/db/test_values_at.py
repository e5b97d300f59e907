"""Single readings are found by their times, wherever they are."""

import numpy as np
import pytest

from db.telemetry.records import Batch
from tests.db.test_sealed import T, Truth


@pytest.mark.parametrize("seed", range(3))
def test_readings_are_found_by_their_times(store, seed):
    random = np.random.default_rng(seed)
    truth = Truth(store, store.add_series(7, "temperature", "number").id)
    times = T + np.cumsum(random.choice([10, 1000, 60_000], 14_000))
    truth.write({int(t): float(n) for n, t in enumerate(times)})
    truth.seal(int(times[9000]))
    truth.write({int(t): -1.0 for t in random.choice(times, 50)})
    truth.write({int(t) + 1: -2.0 for t in random.choice(times, 50)})
    asked = np.sort(random.choice([*truth, *(times + 3)], 900, replace=False))

    found = store.values_at(truth.sensor, asked)

    wanted = np.array([truth.get(int(t), np.nan) for t in asked])
    np.testing.assert_array_equal(found, wanted)


def test_what_is_forgotten_or_never_was_is_not_found(store):
    truth = Truth(store, store.add_series(7, "temperature", "number").id)
    truth.write({T + n * 1000: float(n) for n in range(5000)})
    store.drop_readings(truth.sensor, before_ms=T + 10**9)
    store.write(Batch(values=[(truth.sensor, T + 10**9, 7.0)]))

    found = store.values_at(truth.sensor, np.array([T - 1, T, T + 1000, T + 10**9]))

    np.testing.assert_array_equal(found, [np.nan, np.nan, np.nan, 7.0])
    assert len(store.values_at(truth.sensor, np.array([], np.int64))) == 0
    assert np.isnan(store.values_at(12345, np.array([T]))).all()
