"""A database that can only be read costs no reading and says so; it goes on by itself."""

from collections.abc import Callable

import pytest

from db.telemetry.records import Batch, ReadOnly
from db.telemetry.store import TelemetryStore

T = 1_795_000_000_000
ALWAYS = (0, 2**62)


@pytest.fixture
def protect(store: TelemetryStore):
    """Lets nobody write, or everybody again."""

    def set_to(on: bool) -> None:
        word = "on" if on else "off"
        with store._writer.connect() as connection:
            if store.engine.dialect.name == "sqlite":
                connection.exec_driver_sql(f"PRAGMA query_only={word}")
                return
            connection.exec_driver_sql("SET default_transaction_read_only = off")
            connection.commit()
            connection.exec_driver_sql(
                f"ALTER DATABASE postgres SET default_transaction_read_only = {word}"
            )
            connection.commit()
        store.engine.dispose()

    yield set_to
    set_to(False)


def test_what_cannot_be_written_is_not_taken_for_bad_rows(
    store: TelemetryStore, protect: Callable[[bool], None]
):
    sensor = store.add_series(7, "temperature", "number").id
    store.write(Batch(values=[(sensor, T, 1.0)]))
    protect(True)

    with pytest.raises(ReadOnly):
        store.write(Batch(values=[(sensor, T + 1, 2.0)]))

    assert store.trouble == "store_read_only"
    assert store.window(sensor, *ALWAYS)[1].tolist() == [1.0]
    assert store.newest([sensor])[sensor].value == 1.0
    protect(False)
    assert store.write(Batch(values=[(sensor, T + 1, 2.0)])).stored == 1
    assert store.trouble == ""


def test_housekeeping_waits_until_it_can_be_written(
    store: TelemetryStore, protect: Callable[[bool], None]
):
    sensor = store.add_series(7, "temperature", "number").id
    store.write(Batch(values=[(sensor, T, 1.0)]))
    protect(True)

    with pytest.raises(ReadOnly):
        store.seal(before_ms=T + 1, anyway_ms=T + 1)

    protect(False)
    assert store.seal(before_ms=T + 1, anyway_ms=T + 1) == 1
