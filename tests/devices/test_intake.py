"""What becomes of messages before they are stored."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import create_engine

from db import migrations
from db.base import tune
from db.telemetry.records import Batch, PresenceRow
from db.telemetry.store import TelemetryStore
from devices.bucket import Bucket
from devices.directory import Directory, KnownDevice
from devices.foreign.entities import Source
from devices.foreign.reader import Reader
from devices.intake import BULK, Arrival, Intake, Outcome, fitting
from devices.payloads import Limits, Reading
from devices.presence import State
from mqtt.sealing import Seal

T = 1_795_000_000_000
KEY = "mfrggzdfmztwq2lknnwg23tpobyxe43u"
DOOR = KnownDevice(7, "public", "door", expected_interval_s=10)
SEALED_DOOR = replace(DOOR, sealed=True)


@pytest.fixture
def store(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'telemetry.sqlite'}")
    tune(engine)
    migrations.upgrade("telemetry", engine)
    made = TelemetryStore(engine)
    yield made
    made.close()
    engine.dispose()


@pytest.fixture
def intake(store):
    return started(store)


def started(store):
    made = Intake(store, limits=Limits(), max_sensors=256, rate=100, key_of=lambda _: KEY)
    made.load([DOOR], now_ms=T)
    return made


def arrival(rest, payload, at=T, *, retained=False):
    return Arrival(f"gatehouse/door/{rest}", rest, payload, at, retained)


def take(intake, *arrivals, device=DOOR):
    out = Outcome()
    for one in arrivals:
        intake.take(device, one, out)
    out.close()
    return out


def told(events, kind):
    return [event.data for event in events if event.kind == kind]


def test_a_silent_device_is_told_to_be_late_once_and_online_when_it_speaks(intake):
    take(intake, arrival("telemetry", b"1"))

    assert intake.tick(T + 30_000) == []
    assert told(intake.tick(T + 30_001), "presence") == [{"state": "late", "seen": T}]
    assert intake.tick(T + 60_000) == []
    out = take(intake, arrival("telemetry", b"2", T + 61_000))
    assert told(out.events, "presence") == [{"state": "online", "seen": T + 61_000}]


def test_what_was_known_before_a_restart_is_known_after_it(store, intake):
    store.write(Batch(presence={7: PresenceRow("online", T, T, {"firmware": "1"})}))
    again = started(store)

    assert again.load([DOOR], now_ms=T + 5000) == T
    out = take(again, arrival("telemetry", b"1", T + 6000))
    assert told(out.events, "presence") == []
    assert out.batch.presence[7] == PresenceRow("online", T, T + 6000, {"firmware": "1"})
    assert told(again.tick(T + 60_000), "presence")[0]["state"] == "late"


def test_readings_that_arrive_in_one_millisecond_do_not_take_each_others_place(intake):
    out = take(intake, *(arrival("telemetry", b"%d" % number) for number in range(5)))

    assert [(ts, value) for _, ts, value in out.batch.values] == [
        (T + number, float(number)) for number in range(5)
    ]


def test_late_readings_are_stored_but_not_shown_as_new(intake):
    out = take(
        intake,
        arrival("telemetry/a", b'{"ts": %d, "value": 2}' % T),
        arrival("telemetry/a", b'{"ts": %d, "value": 1}' % (T - 60_000)),
    )

    assert len(out.batch.values) == 2
    assert [event["v"] for event in told(out.events, "reading")] == [2.0]


def test_of_a_large_message_browsers_get_the_newest_reading_of_each_sensor(intake):
    items = b",".join(
        b'{"ts": %d, "values": {"a": %d}}' % (T - 10_000 + number, number)
        for number in range(BULK + 1)
    )

    out = take(intake, arrival("telemetry", b"[" + items + b"]"))

    assert len(out.batch.values) == BULK + 1
    assert [event["v"] for event in told(out.events, "reading")] == [float(BULK)]


def test_only_what_would_be_stored_twice_needs_a_receipt(intake):
    timed = b'{"ts": %d, "value": 2}' % T

    assert take(intake, arrival("telemetry/a", timed)).repeatable
    assert take(intake, arrival("status", b"online")).repeatable
    assert not take(intake, arrival("telemetry/a", b"2")).repeatable
    assert not take(intake, arrival("log", b"hello")).repeatable
    assert not take(intake, arrival("telemetry/a", b"?")).repeatable


def test_a_kept_status_does_not_overrule_what_a_device_says_now(intake):
    take(intake, arrival("telemetry", b"1"))

    out = take(intake, arrival("status", b"offline", T + 1, retained=True))

    assert out.batch.presence[7].said == "online"


def test_a_kept_last_will_counts_of_a_device_that_is_silent_since(intake):
    take(intake, arrival("telemetry", b"1"))

    out = take(intake, arrival("status", b"offline", T + 60_000, retained=True))

    assert told(out.events, "presence") == [{"state": State.OFFLINE, "seen": T}]


def test_a_device_may_send_its_rate_on_average_and_five_times_that_at_once():
    bucket = Bucket(2.0, T)

    assert [bucket.take(T) for _ in range(11)] == [True] * 10 + [False]
    assert [bucket.take(T + 1000) for _ in range(3)] == [True, True, False]
    assert bucket.take(T - 5000) is False


def test_what_the_broker_held_back_is_not_taken_for_a_flood():
    bucket = Bucket(2.0, T)
    bucket.grant(60_000, T + 120_000)

    assert all(bucket.take(T + 60_000) for _ in range(130))
    assert sum(bucket.take(T + 3_600_000) for _ in range(100)) == 10


def test_the_directory_asks_again_for_who_was_missing_and_who_was_changed(server, door):
    directory = Directory(server.app_context)
    device = door
    known = directory.find(device.controller_id)

    assert known is not None
    assert (known.id, known.public_id) == (device.id, device.public_id)
    assert directory.find("nobody") is None
    assert directory.everyone()[0] == known
    directory.forget(device.public_id)
    assert directory.find(device.controller_id) == known


def envelope(n, payload, rest="telemetry", key=KEY):
    return Seal(key, "gatehouse/door/sealed").seal(rest, payload, n=n)


def values(out):
    return [value for _, _, value in out.batch.values]


def reasons(out):
    return {reason: refusal.count for (_, reason), refusal in out.batch.refusals.items()}


def test_what_is_in_an_envelope_is_taken_like_any_other_message(intake):
    out = take(
        intake,
        arrival("sealed", envelope(1, {"temperature": 21.5})),
        arrival("sealed", envelope(2, "ON", "led/garage")),
        arrival("sealed", envelope(3, {"id": "x", "status": "done"}, "commands/ack")),
    )
    assert values(out) == [21.5, 1.0]
    assert [said["status"] for _, said in out.answers] == ["done"]
    assert reasons(out) == {}


def test_an_answer_can_be_overheard_before_it_is_taken(intake):
    done = {"id": "x", "status": "done"}
    plain = arrival("commands/ack", json.dumps(done).encode())
    sealed = arrival("sealed", envelope(1, done, "commands/ack"))

    assert intake.overhear(DOOR, plain)["status"] == "done"
    assert intake.overhear(SEALED_DOOR, sealed)["status"] == "done"
    assert intake.overhear(SEALED_DOOR, plain) == {}  # it must be sealed
    assert intake.overhear(DOOR, plain._replace(retained=True)) == {}
    assert intake.overhear(DOOR, arrival("telemetry", b'{"id": "x", "status": "done"}')) == {}
    assert intake.overhear(SEALED_DOOR, arrival("sealed", envelope(2, done, key="other"))) == {}
    out = take(intake, plain)
    assert [said["status"] for _, said in out.answers] == ["done"]


def test_an_envelope_counts_once_even_after_a_restart(intake, store):
    first = envelope(5, 1)
    out = take(intake, arrival("sealed", first), arrival("sealed", first))
    assert (values(out), reasons(out)) == ([1.0], {"replayed": 1})
    store.write(out.batch)

    again = take(started(store), arrival("sealed", first), arrival("sealed", envelope(4, 2)))

    assert (values(again), reasons(again)) == ([], {"replayed": 2})
    assert values(take(started(store), arrival("sealed", envelope(6, 3)))) == [3.0]


def test_an_envelope_that_was_changed_or_comes_from_elsewhere_is_refused(intake):
    good = envelope(1, 1)
    out = take(
        intake,
        arrival("sealed", good.replace(b'"n":1', b'"n":2')),
        arrival("sealed", envelope(3, 1, key="another key")),
        arrival("sealed", b"{}"),
        arrival("sealed", b"\xff"),
        arrival("sealed", b"x" * (Limits().payload + 1)),
        arrival("sealed", envelope(4, 1, "nonsense")),
    )
    assert values(out) == []
    assert reasons(out) == {
        "not_authentic": 1,
        "unknown_key": 1,
        "bad_seal": 2,
        "too_large": 1,
        "unknown_topic": 1,
    }


@pytest.mark.parametrize(
    ("rest", "payload"),
    [
        ("telemetry", b"21.5"),
        ("telemetry/kitchen", b"21.5"),
        ("led/red", b"ON"),
        ("temperature", b"21.5"),
        ("commands/ack", b'{"id": "1", "status": "done"}'),
        ("log", b"all is well"),
        ("status", b'{"online": true, "state": "locked"}'),
        ("status", b'{"command_id": "1", "status": "done"}'),
    ],
)
def test_a_device_that_seals_is_not_believed_in_the_clear(intake, rest, payload):
    out = take(intake, arrival(rest, payload), device=SEALED_DOOR)
    assert (values(out), out.answers, out.batch.logs, out.heard) == ([], [], [], {})
    assert reasons(out) == {"not_sealed": 1}
    assert [one["reason"] for one in told(out.events, "refused")] == ["not_sealed"]


def test_a_device_that_seals_is_heard_sealed_and_says_in_the_clear_whether_it_is_there(intake):
    out = take(intake, arrival("status", b"online"), device=SEALED_DOOR)
    assert told(out.events, "presence")[0]["state"] == "online"
    assert values(take(intake, arrival("sealed", envelope(1, 5)), device=SEALED_DOOR)) == [5.0]
    out = take(intake, arrival("status", b"offline"), device=SEALED_DOOR)
    assert told(out.events, "presence")[0]["state"] == "offline"
    assert reasons(out) == {}


def test_what_the_broker_kept_from_before_a_device_had_to_seal_is_passed_over(intake):
    kept = arrival("telemetry", b'{"ts": 1794999999, "values": {"x": 1}}', retained=True)
    out = take(intake, kept, device=SEALED_DOOR)
    assert (values(out), reasons(out)) == ([], {})


def test_an_envelope_that_the_broker_kept_is_passed_over_in_silence(intake):
    take(intake, arrival("sealed", envelope(1, 1)))
    out = take(intake, arrival("sealed", envelope(1, 1), retained=True))
    assert (values(out), reasons(out)) == ([], {})


def test_a_forged_envelope_does_not_move_the_counter(intake):
    take(intake, arrival("sealed", envelope(1, 1).replace(b'"n":1', b'"n":9000')))
    assert values(take(intake, arrival("sealed", envelope(2, 7)))) == [7.0]


def test_the_store_keeps_the_highest_counter(store):
    for n in (5, 9, 7):
        store.write(Batch(counters={7: n}))
    assert store.counters([7, 8]) == {7: 9}
    store.forget(7)
    assert store.counters([7]) == {}


MOTION = Reader([Source("hall/motion", "", "motion", "state", off_delay=30)])


def said_of_motion(intake, out, *said):
    """Take what a motion detector says, each with the seconds since T."""
    for after_s, word in said:
        at = T + after_s * 1000
        intake.take_foreign(DOOR, MOTION, Arrival("hall/motion", "", word, at), out)


def stored(out):
    return [((ts - T) / 1000, value) for _, ts, value in out.batch.values]


def test_a_sensor_goes_off_by_itself_after_it_was_last_on(intake):
    out = Outcome()
    said_of_motion(intake, out, (0, b"ON"), (20, b"ON"))
    intake.fall_back(DOOR, MOTION, T + 49_999, out)
    assert stored(out) == [(0, 1.0), (20, 1.0)]
    for _ in range(2):
        intake.fall_back(DOOR, MOTION, T + 51_000, out)
    assert stored(out) == [(0, 1.0), (20, 1.0), (50, 0.0)]
    assert told(out.events, "reading")[-1] == {
        "s": "motion",
        "t": T + 50_000,
        "v": 0.0,
        "k": "state",
    }


def test_a_sensor_that_was_said_to_be_off_does_not_go_off_again(intake):
    out = Outcome()
    said_of_motion(intake, out, (0, b"ON"), (10, b"OFF"))
    intake.fall_back(DOOR, MOTION, T + 60_000, out)
    assert stored(out) == [(0, 1.0), (10, 0.0)]


def test_a_sensor_that_is_on_again_went_off_in_time_before(intake):
    out = Outcome()
    said_of_motion(intake, out, (0, b"ON"), (40, b"ON"))
    assert stored(out) == [(0, 1.0), (30, 0.0), (40, 1.0)]


def test_a_sensor_goes_off_at_its_time_although_the_server_was_down_then(intake, store):
    out = Outcome()
    said_of_motion(intake, out, (0, b"ON"))
    store.write(out.close())
    again, out = started(store), Outcome()
    again.fall_back(DOOR, MOTION, T + 3_600_000, out)
    assert stored(out) == [(30, 0.0)]
    assert not out.heard, "that is no sign of life"


@pytest.mark.parametrize(
    ("number", "text"),
    [(20261121.0, "20261121"), (-0.1, "-0.1"), (21.123456789, "21.123456789"), (1e22, "1e+22")],
)
def test_a_text_that_is_a_number_for_once_keeps_all_its_digits(number, text):
    assert fitting("text", Reading("serial", "number", 0, number)) == text
