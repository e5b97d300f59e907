"""A message that is stored is recognised when the broker sends it again."""

import pytest
from sqlalchemy import create_engine

from db import migrations
from db.base import tune
from db.telemetry.records import Batch
from db.telemetry.store import TelemetryStore
from mqtt.inbox import Message
from mqtt.receipts import REMEMBERED, Receipts


@pytest.fixture
def store(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'telemetry.sqlite'}")
    tune(engine)
    migrations.upgrade("telemetry", engine)
    made = TelemetryStore(engine)
    yield made
    made.close()
    engine.dispose()


def message(mid, payload=b"1", *, repeated=False):
    return Message("t", payload, mid, 1, 0, repeated=repeated)


def test_a_repetition_is_known_and_anything_else_is_not():
    receipts = Receipts("listener")
    receipts.issue([message(1), message(2, b"2")])

    assert receipts.has(message(1, repeated=True))
    assert receipts.has(message(2, b"2", repeated=True))
    assert not receipts.has(message(1))
    assert not receipts.has(message(1, b"other", repeated=True))
    assert not receipts.has(message(3, repeated=True))


def test_receipts_outlive_the_process(store):
    receipts = Receipts("listener")
    for mid in (1, 2):
        store.write(Batch(receipt=receipts.issue([message(mid)])))

    again = Receipts("listener")
    again.load(store)

    assert again.has(message(1, repeated=True))
    assert again.has(message(2, repeated=True))
    assert again.issue([message(3)]).number == 3


def test_old_receipts_go_before_message_ids_come_round(store):
    receipts = Receipts("listener")
    half = REMEMBERED // 2
    for first in (0, half, 2 * half):
        batch = [message(mid) for mid in range(first + 1, first + half + 1)]
        store.write(Batch(receipt=receipts.issue(batch)))

    assert not receipts.has(message(1, repeated=True))
    assert receipts.has(message(half + 1, repeated=True))
    assert [number for number, _ in store.receipts("listener")] == [2, 3]


def test_with_a_new_session_nothing_is_known():
    receipts = Receipts("listener")
    receipts.issue([message(1)])

    receipts.clear()

    assert not receipts.has(message(1, repeated=True))
