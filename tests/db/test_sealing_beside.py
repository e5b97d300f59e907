"""On PostgreSQL others write the very readings that are being packed; none of them is lost."""

import pytest
from sqlalchemy import event

from db.telemetry.chunks import FULL
from db.telemetry.records import Batch
from db.telemetry.sealing import DUE
from db.telemetry.store import TelemetryStore

T = 1_795_000_000_000
LATER = T + 10**9
ALWAYS = (0, 2**62)


@pytest.fixture
def store(emptied):
    return TelemetryStore(emptied)


@pytest.fixture
def sensor(store):
    made = store.add_series(7, "temperature", "number").id
    store.write(Batch(values=[(made, T + i * 1000, 1.0) for i in range(FULL)]))
    return made


@pytest.fixture
def before_deleting(store):
    """Does something once, after the readings to pack were read and before they are deleted."""
    todo = []

    def step(_connection, _cursor, statement, *_):
        if todo and statement.startswith("DELETE FROM reading"):
            todo.pop()()

    event.listen(store.engine, "before_cursor_execute", step)
    yield todo.append
    event.remove(store.engine, "before_cursor_execute", step)
    assert not todo


def held(store, sensor):
    t, v = store.window(sensor, *ALWAYS)
    return dict(zip(t.tolist(), v.tolist(), strict=True))


def test_a_reading_that_comes_between_stays(store, sensor, before_deleting):
    late = (sensor, T + 500, 5.0)
    before_deleting(lambda: store.write(Batch(values=[late])))

    assert store.seal(before_ms=LATER, anyway_ms=0) >= FULL

    assert len(held(store, sensor)) == FULL + 1
    assert held(store, sensor)[T + 500] == 5.0


def test_a_value_that_is_replaced_between_is_packed_as_it_was_said_last(
    store, sensor, before_deleting
):
    before_deleting(lambda: store.write(Batch(values=[(sensor, T + 1000, 7.0)])))

    assert store.seal(before_ms=LATER, anyway_ms=0) == FULL

    assert len(held(store, sensor)) == FULL
    assert held(store, sensor)[T + 1000] == 7.0


def test_the_oldest_readings_are_found_without_sorting_all(store, sensor):
    """Also in a table of which the planner knows nothing yet."""
    many = "SELECT ?::bigint, ? + i * 1000::bigint, 1.0 FROM generate_series(5000, 65000) AS i"
    with store._writing() as link:
        link.run(f"INSERT INTO reading (series_id, ts, value) {many}", *(sensor, T))
    with store._reading() as link:
        link.never_sort()
        plan = [line for (line,) in link.rows(f"EXPLAIN {DUE}", *(sensor, 0, LATER, FULL))]

    assert not [line for line in plan if "Sort" in line], plan


def test_every_span_of_time_is_planned_for_itself(store, sensor):
    with store._reading() as link:
        for _ in range(20):
            link.rows(DUE, *(sensor, 0, LATER, FULL))

        assert link.rows("SELECT statement FROM pg_prepared_statements") == []


def test_newest_texts_and_numbers_are_kept_side_by_side(store, sensor):
    said = store.add_series(7, "state", "text").id
    store.write(Batch(values=[(sensor, LATER, 2.0)], texts=[(said, LATER, 'a, {b} "c" NULL')]))

    newest = store.newest([sensor, said])

    assert (newest[sensor].value, newest[sensor].text) == (2.0, None)
    assert (newest[said].value, newest[said].text) == (None, 'a, {b} "c" NULL')
