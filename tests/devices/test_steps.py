"""Readings on one grid of times."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from devices import steps

ROWS = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(-50, 50)), unique_by=lambda row: row[0]
).map(sorted)


def pages(rows, size):
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        yield np.array([t for t, _ in part], np.int64), np.array([float(v) for _, v in part])


@given(ROWS, st.integers(1, 7), st.integers(1, 3000))
def test_means_and_lasts_are_those_of_each_step_wherever_pages_end(rows, size, step):
    expected: dict[int, list[float]] = {}
    for t, v in rows:
        expected.setdefault(t // step * step, []).append(float(v))

    def begins(times):
        return times // step * step

    found = [
        pair for t, v in steps.means(pages(rows, size), begins) for pair in zip(t, v, strict=True)
    ]
    assert [t for t, _ in found] == list(expected)
    assert np.allclose([v for _, v in found], [np.mean(v) for v in expected.values()])

    last = [
        pair for t, v in steps.lasts(pages(rows, size), begins) for pair in zip(t, v, strict=True)
    ]
    assert last == [(t, v[-1]) for t, v in expected.items()]
