"""What is packed into a chunk comes out bit by bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.telemetry import chunks

T = 1_795_000_000_000


def same(v, w):
    return (v.view(np.uint64) == w.view(np.uint64)).all()


def regular(n, step_ms=1000):
    return T + np.arange(n, dtype=np.int64) * step_ms


VALUES = (
    st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-100_000, 100_000).map(lambda number: number / 100)
    | st.sampled_from([0.0, -0.0, 1.0])
)


@given(st.lists(st.tuples(st.integers(1, 2**40) | st.just(1000), VALUES), min_size=1, max_size=60))
def test_any_readings_come_out_as_they_went_in(readings):
    t = T + np.cumsum([pause for pause, _ in readings])
    v = np.array([value for _, value in readings])

    times, values = chunks.decode(chunks.encode(t, v))

    assert (times == t).all()
    assert same(values, v)


@pytest.mark.parametrize(
    ("kind", "most"),
    [("decimals", 1.0), ("floats", 6.5), ("states", 0.5), ("constant", 0.25)],
)
def test_a_full_chunk_with_its_summary_is_small(kind, most):
    random = np.random.default_rng(1)
    walk = 20 + np.cumsum(random.normal(0, 0.05, chunks.FULL))
    v = {
        "decimals": np.round(walk, 2),
        "floats": walk,
        "states": (random.random(chunks.FULL) < 0.5) * 1.0,
        "constant": np.full(chunks.FULL, 3.3),
    }[kind]
    t = regular(chunks.FULL)

    size = len(chunks.encode(t, v)) + len(chunks.pack_summary(chunks.summary(t, v)))

    assert size / chunks.FULL < most


def test_a_summary_tells_of_every_256_readings():
    v = np.arange(1000.0)
    parts = chunks.unpack_summaries(chunks.pack_summary(chunks.summary(regular(1000), v)))

    assert parts.n.tolist() == [256, 256, 256, 232]
    assert parts.first.tolist() == [T, T + 256_000, T + 512_000, T + 768_000]
    assert parts.last.tolist() == [T + 255_000, T + 511_000, T + 767_000, T + 999_000]
    assert parts.low.tolist() == [0, 256, 512, 768]
    assert parts.high.tolist() == [255, 511, 767, 999]
    assert parts.total.sum() == v.sum()


def test_a_chunk_of_a_later_version_is_not_guessed_at():
    body = chunks.encode(regular(3), np.arange(3.0))

    with pytest.raises(ValueError, match="version 9"):
        chunks.decode(b"\x09" + body[1:])
