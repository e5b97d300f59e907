"""The bus hands events to everybody, in order, whatever one of them does."""

from devices.ports import LiveEvent
from mqtt.bus import MemoryBus

EVENTS = [LiveEvent("a", "reading", {"v": 1}), LiveEvent("a", "reading", {"v": 2})]


def test_every_subscriber_gets_each_batch_once():
    bus, one, two = MemoryBus(), [], []
    bus.subscribe(one.append)
    bus.subscribe(two.append)

    bus.publish(EVENTS)
    bus.publish([])

    assert one == two == [EVENTS]


def test_a_subscriber_that_has_ended_gets_nothing_more():
    bus, one, two = MemoryBus(), [], []
    end = bus.subscribe(one.append)
    bus.subscribe(two.append)

    end()
    bus.publish(EVENTS)

    assert (one, two) == ([], [EVENTS])


def test_a_failing_subscriber_hurts_nobody_else(caplog):
    bus, got = MemoryBus(), []
    bus.subscribe(lambda events: 1 / 0)
    bus.subscribe(got.append)

    bus.publish(EVENTS)

    assert got == [EVENTS]
    assert "a subscriber of live events failed" in caplog.text
