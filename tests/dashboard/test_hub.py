"""The hub: who hears what, what a browser that comes back gets, and what a slow one loses."""

import re
import time
from queue import Empty

import orjson
import pytest

from dashboard import hub as hubs
from dashboard.hub import STREAMS_PER_SESSION, WAITING_BATCHES, Full, Hub, Stream
from devices.ports import LiveEvent

A, B = frozenset({"a"}), frozenset({"b"})


def reading(device: str = "a", value: float = 1.0) -> LiveEvent:
    return LiveEvent(device, "reading", {"s": "t", "t": 1, "v": value, "k": "number"})


def frames(stream: Stream) -> list[tuple[str, int | None, dict]]:
    """Everything that waits, as (kind, id, data)."""
    raw = b""
    while True:
        try:
            more = stream.next(0)
        except Empty:
            break
        if more is None:
            break
        raw += more
    found = re.findall(rb"(?:id: (\d+)\n)?event: (\w+)\ndata: (.*)\n\n", raw)
    return [
        (kind.decode(), int(id_) if id_ else None, orjson.loads(data)) for id_, kind, data in found
    ]


def values(stream: Stream) -> list[float]:
    return [data["v"] for kind, _, data in frames(stream) if kind == "reading"]


def test_a_stream_hears_of_the_devices_it_may_see_and_of_no_others():
    hub = Hub(10)
    stream = hub.join(1, A, None)
    hub.receive([reading("a", 1.0), reading("b", 2.0), reading("a", 3.0)])

    assert [(kind, data.get("d"), data.get("v")) for kind, _, data in frames(stream)] == [
        ("hello", None, None),
        ("reading", "a", 1.0),
        ("reading", "a", 3.0),
    ]


def test_who_comes_back_gets_exactly_what_was_missed():
    hub = Hub(10)
    first = hub.join(1, A, None)
    hub.receive([reading("a", 1.0)])
    last = frames(first)[-1][1]
    hub.leave(first)
    hub.receive([reading("a", 2.0), reading("b", 9.0), reading("a", 3.0)])

    assert values(hub.join(1, A, last)) == [2.0, 3.0]


def test_who_missed_more_than_is_kept_gets_a_gap():
    hub = Hub(10, kept=3)
    last = frames(hub.join(1, A, None))[-1][1]
    hub.receive([reading("a", float(n)) for n in range(4)])

    kinds = [kind for kind, _, _ in frames(hub.join(1, A, last))]
    assert kinds == ["hello", "gap"]


def test_what_is_just_kept_is_replayed_without_a_gap():
    hub = Hub(10, kept=3)
    last = frames(hub.join(1, A, None))[-1][1]
    hub.receive([reading("a", float(n)) for n in range(3)])

    kinds = [kind for kind, _, _ in frames(hub.join(1, A, last))]
    assert kinds == ["reading", "reading", "reading", "hello"]


@pytest.mark.parametrize("other", ["before", "after"])
def test_an_id_of_another_process_is_a_gap_and_never_a_wrong_replay(other: str, monkeypatch):
    earlier = Hub(10)
    began = time.time_ns()
    monkeypatch.setattr(hubs.time, "time_ns", lambda: began + 1_000_000)
    later = Hub(10)
    source, target = (earlier, later) if other == "before" else (later, earlier)
    source.receive([reading()] * 5)
    last = frames(source.join(1, A, None))[-1][1]
    target.receive([reading()] * 5)

    assert "gap" in [kind for kind, _, _ in frames(target.join(1, A, last))]


def test_ids_rise_across_devices_and_streams():
    hub = Hub(10)
    stream = hub.join(1, A | B, None)
    hub.receive([reading("b"), reading("a")])
    hub.receive([reading("a")])

    ids = [number for _, number, _ in frames(stream)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_a_slow_browser_loses_what_waits_and_is_told_so_while_others_lose_nothing():
    hub = Hub(10)
    slow, quick = hub.join(1, A, None), hub.join(2, A, None)
    seen = values(quick)
    for n in range(WAITING_BATCHES + 1):
        hub.receive([reading("a", float(n))])
        seen += values(quick)

    assert seen == [float(n) for n in range(WAITING_BATCHES + 1)]
    assert [kind for kind, _, _ in frames(slow)] == ["gap", "reading"]


def test_the_id_of_a_gap_is_where_the_stream_goes_on():
    hub = Hub(10)
    slow = hub.join(1, A, None)
    for n in range(WAITING_BATCHES):
        hub.receive([reading("a", float(n))])
    (_, after, _), *_ = frames(slow)
    hub.receive([reading("a", -1.0)])

    assert values(hub.join(1, A, after)) == [-1.0]


def test_a_taken_away_right_ends_what_is_heard_and_a_given_one_begins_it():
    hub = Hub(10)
    stream = hub.join(1, A, None)
    hub.allow({1}, {1: B})
    hub.receive([reading("a", 1.0), reading("b", 2.0)])

    heard = frames(stream)[1:]
    assert [(kind, data["d"]) for kind, _, data in heard] == [
        ("device", "a"),
        ("device", "b"),
        ("reading", "b"),
    ]


def test_an_ended_session_ends_its_streams_and_no_others():
    hub = Hub(10)
    ended, other, newer = hub.join(1, A, None), hub.join(2, A, None), hub.join(3, A, None)
    hub.allow({1, 2}, {2: A})  # the third came while the question was under way
    hub.receive([reading()])

    assert frames(ended) == [("bye", None, {"why": "session"})]
    assert values(other) == [1.0]
    assert values(newer) == [1.0]


def test_no_more_streams_than_there_is_room_for():
    hub = Hub(2)
    first = hub.join(1, A, None)
    hub.join(2, A, None)
    with pytest.raises(Full):
        hub.join(3, A, None)
    hub.leave(first)
    hub.leave(first)

    assert hub.join(3, A, None)


def test_one_browser_cannot_take_all_the_room():
    hub = Hub(100)
    streams = [hub.join(1, A, None) for _ in range(STREAMS_PER_SESSION + 1)]

    assert len(hub.streams()) == STREAMS_PER_SESSION
    ended = [stream for stream in streams if ("bye", None, {"why": "replaced"}) in frames(stream)]
    assert ended == [streams[0]]


def test_stopping_says_goodbye_to_all_and_lets_nobody_in():
    hub = Hub(10)
    stream = hub.join(1, A, None)
    hub.stop()

    assert frames(stream)[-1] == ("bye", None, {"why": "restart"})
    with pytest.raises(Full):
        hub.join(2, A, None)


def test_text_of_a_device_cannot_break_out_of_its_frame():
    event = LiveEvent("a", "refused", {"sample": "x\n\nevent: bye\ndata: {}\n\n", "topic": "\r"})

    raw = hubs.of_event(1, event)
    assert raw.count(b"\n\n") == 1
    assert b"\r" not in raw
