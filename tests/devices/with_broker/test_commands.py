import hashlib
import hmac
import json
import threading
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select

from clock import to_ms, utcnow
from db.base import db, transaction
from db.models import AuditEvent, Command, Level
from devices import commands, registry, signing
from errors import Conflict, Forbidden, Invalid, NotFound
from tests.devices.with_broker.conftest import after_sent, state, states
from tests.stack import until


@pytest.fixture
def lock(house, owner):
    """A lock that is connected and listens to its commands."""
    made = house.device(owner)
    speaker = house.connect(made.device.mqtt_username, made.mqtt_password)
    speaker.subscribe(f"{made.topics}/commands")
    return made, speaker


def test_a_command_reaches_the_device_signed_and_with_an_end(ask, lock, owner):
    made, speaker = lock
    now = utcnow()

    command = ask(made.device, "set", {"value": 21.5, "target": "Küche"}, by=owner, now=now)

    until(lambda: speaker.got)
    topic, payload = speaker.got[0]
    message = json.loads(payload)
    assert topic == f"{made.topics}/commands"
    assert message["id"] == command.public_id
    assert (message["name"], message["params"]) == ("set", {"value": 21.5, "target": "Küche"})
    assert message["issued"] == to_ms(now)
    assert message["expires"] == to_ms(now) + 4000
    signed = (
        f'{message["id"]}|set|{{"target":"Küche","value":21.5}}|'
        f"{message['issued']}|{message['expires']}"
    )
    key = made.command_key.encode()
    assert message["sig"] == hmac.new(key, signed.encode(), hashlib.sha256).hexdigest()


def test_the_row_and_its_audit_line_are_there_before_the_message(house, ask, owner):
    device = house.device(owner).device
    seen = []

    class Watching:
        def publish(self, topic, payload, **_options):
            db.session.rollback()  # what was not committed is gone
            seen.append(
                (
                    db.session.scalars(select(Command.state)).all(),
                    db.session.scalars(
                        select(AuditEvent.action).where(AuditEvent.action == "command")
                    ).all(),
                )
            )
            return True

    house.publisher, real = Watching(), house.publisher
    ask(device, by=owner)
    house.publisher = real
    assert seen == [(["queued"], ["command"])]


def test_the_true_state_follows(house, ask, lock, owner):
    made, _ = lock
    command = ask(made.device, by=owner)
    assert command.state in {"sent", "delivered"}
    until(lambda: state(command) == "delivered")

    answer = {"id": command.public_id, "status": "done", "detail": "opened"}
    assert commands.answer(made.device, answer, bus=house.bus, now=utcnow())

    assert (state(command), command.detail) == ("done", "opened")
    assert command.asked_at <= command.sent_at <= command.delivered_at <= command.answered_at
    assert after_sent(house) == ["delivered", "done"]
    event = house.events[-1]
    assert event.device == made.device.public_id
    assert event.data["id"] == command.public_id
    assert event.data["detail"] == "opened"


@pytest.mark.parametrize("status", ["refused", "failed"])
def test_a_device_may_refuse_or_fail(house, ask, lock, owner, status):
    made, _ = lock
    command = ask(made.device, by=owner)
    assert commands.answer(
        made.device, {"id": command.public_id, "status": status}, bus=house.bus, now=utcnow()
    )
    assert state(command) == status


def test_a_device_that_is_not_connected_is_known_at_once(house, ask, owner):
    command = ask(house.device(owner).device, by=owner)
    until(lambda: "no_answer" in states(house))
    assert (state(command), command.detail) == ("no_answer", "not connected")
    assert after_sent(house) == ["no_answer"]


def test_a_device_that_stays_silent_gives_no_answer_in_five_seconds(house, ask, lock, owner):
    made, _ = lock
    now = utcnow()
    command = ask(made.device, by=owner, now=now)
    until(lambda: state(command) == "delivered")

    assert commands.settle(bus=house.bus, now=now + timedelta(seconds=4)) == 0
    assert commands.settle(bus=house.bus, now=now + timedelta(seconds=4.5)) == 1
    assert commands.settle(bus=house.bus, now=now + timedelta(seconds=5)) == 0

    assert state(command) == "no_answer"
    assert states(house)[-1] == "no_answer"


def test_a_late_answer_is_believed(house, ask, lock, owner):
    made, _ = lock
    now = utcnow()
    command = ask(made.device, by=owner, now=now)
    until(lambda: state(command) == "delivered")
    commands.settle(bus=house.bus, now=now + timedelta(seconds=6))

    answer = {"id": command.public_id, "status": "done"}
    assert commands.answer(made.device, answer, bus=house.bus, now=now + timedelta(seconds=7))
    assert state(command) == "done"


def test_only_the_first_answer_counts(house, ask, lock, owner):
    made, _ = lock
    command = ask(made.device, by=owner)
    answer = {"id": command.public_id, "status": "refused"}
    assert commands.answer(made.device, answer, bus=house.bus, now=utcnow())
    answer["status"] = "done"
    assert not commands.answer(made.device, answer, bus=house.bus, now=utcnow())
    assert state(command) == "refused"


def test_another_device_cannot_answer(house, ask, lock, owner):
    made, _ = lock
    other = house.device(owner, "Back door").device
    command = ask(made.device, by=owner)
    answer = {"id": command.public_id, "status": "done"}
    assert not commands.answer(other, answer, bus=house.bus, now=utcnow())
    assert state(command) in {"sent", "delivered"}


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"id": "unknown", "status": "done"},
        {"id": None, "status": "done"},
        {"id": ["x"], "status": "done"},
        {"id": "x", "status": "unlocked"},
        {"id": "x", "status": ["done"]},
        {"id": "\0" * 36, "status": "done"},
        {"status": "done"},
    ],
)
def test_answers_to_nothing_are_not_taken(house, owner, payload):
    device = house.device(owner).device
    assert not commands.answer(device, payload, bus=house.bus, now=utcnow())


@pytest.mark.parametrize(
    ("detail", "kept"), [("x" * 999, "x" * 256), ("a\nb\x00c", "a b c"), (7, ""), (None, "")]
)
def test_words_of_a_device_are_kept_printable_and_short(house, ask, lock, owner, detail, kept):
    made, _ = lock
    command = ask(made.device, by=owner)
    answer = {"id": command.public_id, "status": "failed", "detail": detail}
    assert commands.answer(made.device, answer, bus=house.bus, now=utcnow())
    assert state(command) == "failed"
    assert command.detail == kept


def test_the_same_key_asks_once(house, ask, lock, owner):
    made, speaker = lock
    first = ask(made.device, by=owner, key="one-press")
    again = ask(made.device, by=owner, key="one-press")
    assert again.public_id == first.public_id
    until(lambda: state(first) == "delivered")
    ask(made.device, by=owner, key="another")
    until(lambda: len(speaker.got) >= 2)
    assert len(speaker.got) == 2


def test_twenty_presses_with_one_key_at_once_send_one_message(server, house, ask, lock, owner):
    made, speaker = lock
    device, person = made.device.id, owner.id
    start = threading.Barrier(20)
    ids = []

    def press() -> None:
        with server.app_context():
            mine = db.session.get(type(made.device), device)
            by = db.session.get(type(owner), person)
            start.wait(10)
            ids.append(ask(mine, by=by, key="double-click").public_id)

    threads = [threading.Thread(target=press) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(ids) == 20
    assert len(set(ids)) == 1
    ask(made.device, by=owner, key="later")
    until(lambda: len(speaker.got) >= 2)
    assert len(speaker.got) == 2


def test_a_device_that_was_off_does_not_open_when_it_is_back(house, ask, lock, owner):
    made, speaker = lock
    speaker.close()
    until(lambda: house.publisher.is_connected(made.device.mqtt_username) is False)
    command = ask(made.device, by=owner)
    until(lambda: state(command) == "no_answer")

    back = house.connect(made.device.mqtt_username, made.mqtt_password)
    back.subscribe(f"{made.topics}/commands")
    ask(made.device, "lock", by=owner)
    until(lambda: back.got)
    assert [json.loads(payload)["name"] for _, payload in back.got] == ["lock"]


def test_a_broker_that_is_away_fails_at_once_and_nothing_is_sent_later(house, ask, lock, owner):
    made, _ = lock
    house.mosquitto.stop()
    until(lambda: not house.publisher.connected)

    command = ask(made.device, by=owner)
    assert (command.state, command.detail) == ("failed", "broker not reachable")

    house.mosquitto.start()
    house.wait_for_publisher()
    back = house.connect(made.device.mqtt_username, made.mqtt_password)
    back.subscribe(f"{made.topics}/commands")
    ask(made.device, "lock", by=owner)
    until(lambda: back.got)
    assert [json.loads(payload)["name"] for _, payload in back.got] == ["lock"]


def test_a_command_that_a_dying_server_never_sent_expires(house, ask, owner):
    device = house.device(owner).device
    command = ask(device, by=owner)
    until(lambda: state(command) == "no_answer")
    with transaction():
        command.state = "queued"
    commands.settle(bus=house.bus, now=utcnow() + timedelta(seconds=6))
    assert state(command) == "expired"


def test_a_command_whose_row_had_to_wait_until_it_was_over_is_not_sent(ask, lock, owner):
    made, speaker = lock
    late = ask(made.device, by=owner, now=utcnow() - timedelta(seconds=6))
    assert late.state == "expired"
    ask(made.device, "lock", by=owner)
    until(lambda: speaker.got)
    assert [json.loads(payload)["name"] for _, payload in speaker.got] == ["lock"]


def test_settling_nothing_is_one_question_and_writes_nothing(house):
    asked: list[str] = []

    def note(connection, cursor, statement, *rest):
        asked.append(statement)

    db.session.rollback()
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        commands.settle(bus=house.bus, now=utcnow())
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert [statement.split()[0] for statement in asked] == ["BEGIN", "SELECT"]


@pytest.mark.parametrize(
    ("level", "name", "error"),
    [
        (None, "unlock", NotFound),
        (Level.VIEWER, "unlock", Forbidden),
        (Level.OPERATOR, "unlock", None),
        (Level.OPERATOR, "blink", Forbidden),
        (Level.MANAGER, "blink", None),
    ],
)
def test_levels_decide_what_one_may_ask(house, ask, owner, stranger, level, name, error):
    device = house.device(owner).device
    if level:
        house.allow(stranger, device, level)
    if error:
        with pytest.raises(error):
            ask(device, name, by=stranger)
        assert db.session.scalar(select(func.count()).select_from(Command)) == 0
    else:
        assert ask(device, name, by=stranger).actor == stranger.email


def test_a_revoked_device_is_asked_nothing(house, ask, owner):
    device = house.device(owner).device
    registry.revoke(device, by=owner, now=utcnow(), broker=house.broker)
    with pytest.raises(Conflict) as caught:
        ask(device, by=owner)
    assert caught.value.code == "device_revoked"


@pytest.mark.parametrize("name", ["", "a|b", "x" * 65, 'a"b', "a b", "é"])
def test_names_that_cannot_be_signed_without_doubt_are_refused(house, ask, owner, name):
    with pytest.raises(Invalid):
        ask(house.device(owner).device, name, by=owner)


@pytest.mark.parametrize(
    "params", [{"a": float("nan")}, {"a": "x" * 5000}, {"a": "\ud800"}, {"a": object()}, []]
)
def test_parameters_that_are_no_small_json_are_refused(house, ask, owner, params):
    with pytest.raises(Invalid):
        ask(house.device(owner).device, "blink", params, by=owner)


@pytest.mark.parametrize("name", ["on", "off", "set"])
@pytest.mark.parametrize("target", [{}, {"target": ""}, {"target": None}, {"target": ["led.a"]}])
def test_what_is_for_a_part_is_not_sent_to_the_whole_device(house, ask, lock, owner, name, target):
    made, speaker = lock
    with pytest.raises(Invalid) as refused:
        ask(made.device, name, {**target, "value": 1}, by=owner)
    assert refused.value.code == "target_needed"
    ask(made.device, "lock", by=owner)
    until(lambda: speaker.got)
    assert [json.loads(payload)["name"] for _, payload in speaker.got] == ["lock"]
    assert db.session.scalar(select(func.count()).select_from(Command)) == 1


def test_a_part_is_set_to_something(house, ask, owner):
    with pytest.raises(Invalid) as refused:
        ask(house.device(owner).device, "set", {"target": "heat"}, by=owner)
    assert refused.value.code == "value_invalid"


@pytest.mark.parametrize("seconds", [0, -1, 10.1, float("nan"), float("inf")])
def test_no_command_waits_for_long(house, ask, owner, seconds):
    with pytest.raises(Invalid):
        ask(house.device(owner).device, by=owner, expires_in_s=seconds)


def test_commands_are_listed_newest_first_and_found_by_their_device_only(house, ask, owner):
    device, other = house.device(owner).device, house.device(owner, "Other").device
    made = [ask(device, name, by=owner) for name in ("lock", "unlock", "lock")]
    assert [one.id for one in commands.recent(device, limit=2)] == [made[2].id, made[1].id]
    older = commands.recent(device, limit=2, before=made[1].id)
    assert [one.id for one in older] == [made[0].id]
    assert commands.find(device, made[0].public_id).id == made[0].id
    with pytest.raises(NotFound):
        commands.find(other, made[0].public_id)


def test_a_guest_is_named_beside_whose_right_it_is(house, ask, owner):
    command = ask(house.device(owner).device, by=owner, actor="Mia")
    assert (command.actor, command.user_id) == ("Mia", owner.id)


def test_signatures_differ_for_every_part():
    parts = ["id", "unlock", "{}", "1", "2"]
    first = signing.sign("key", *parts)
    for at in range(5):
        changed = [*parts[:at], "x", *parts[at + 1 :]]
        assert signing.sign("key", *changed) != first
    assert signing.sign("other", *parts) != first
