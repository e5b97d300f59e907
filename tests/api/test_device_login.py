"""Simple locks: what their old firmware does, against the real thing."""

import base64
import logging
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from dataclasses import dataclass, field

import pytest
from flask import has_app_context

import wiring
from auth.keys import sha256
from clock import utcnow
from config import Settings
from db.base import db
from db.models import AuditEvent, Device, Handshake
from devices import registry
from tests.api.test_devices import add
from tests.mqtt.conftest import Speaker
from tests.stack import until

HEX = frozenset("0123456789abcdef")


def call(server, path, method="POST", **options):
    answer = Context().run(server.test_client().open, path, method=method, **options)
    if has_app_context():  # what the test has read before may have changed
        db.session.rollback()
    return answer


@dataclass
class OldFirmware:
    """A lock of the older kind: one login, three strings, and nothing else."""

    server: object
    port: int
    name: str
    username: str
    password: str
    opened: int = 0
    alive: int = 0
    asked_to_log_in: int = 0
    told: dict = field(default_factory=dict)
    _speaker: Speaker | None = None
    _read: int = 0

    def log_in(self) -> None:
        form = {"name": self.name, "password": self.password}
        self.told = call(self.server, "/device_login", data=form).json
        assert self.told.pop("status") == "OK"
        if self._speaker is None:
            self._speaker = Speaker(self.port, self.username, self.password)
        self._speaker.subscribe(self.told["topic"])

    def work(self) -> None:
        """Read what came, as the firmware's loop does."""
        messages = self._speaker.got if self._speaker else []
        while self._read < len(messages):
            topic, payload = messages[self._read]
            self._read += 1
            if topic != self.told["topic"]:
                continue
            if payload.decode() == self.told["trigger"]:
                self.opened += 1
            elif payload.decode() == self.told["lifesign"]:
                self.alive += 1
            else:
                self.asked_to_log_in += 1
                self.log_in()

    def until(self, check) -> None:
        def checked():
            self.work()
            return check()

        until(checked)

    def close(self) -> None:
        if self._speaker:
            self._speaker.close()


@pytest.fixture
def lock(running, program, settings):
    """Alice, her old lock (logged in), and what adding it answered."""
    alice = program()
    made = add(alice)
    mqtt = made["mqtt"]
    firmware = OldFirmware(
        running, settings.mqtt_port, made["controller_id"], mqtt["username"], mqtt["password"]
    )
    firmware.log_in()
    yield alice, firmware, made
    firmware.close()


@pytest.fixture
def known(server, program):
    """What adding a device answered, where no broker runs."""
    return add(program())


def state(alice, made, command):
    path = f"/devices/{made['id']}/commands/{command.json['id']}"
    return alice("GET", path).json["state"]


def unlock(alice, made):
    return alice("POST", f"/devices/{made['id']}/commands", json={"name": "unlock"})


def test_an_old_lock_opens_once_a_press_and_logs_in_again_by_itself(lock):
    alice, firmware, made = lock
    first = dict(firmware.told)

    pressed = unlock(alice, made)
    firmware.until(lambda: firmware.asked_to_log_in == 1)

    assert firmware.opened == 1
    assert set(first.values()).isdisjoint(firmware.told.values())
    until(lambda: state(alice, made, pressed) == "delivered")

    unlock(alice, made)
    firmware.until(lambda: firmware.opened == 2 and firmware.asked_to_log_in == 2)


def test_a_login_answers_four_secrets_of_64_hex_digits(known, server):
    given = {"name": known["mqtt"]["username"], "password": known["mqtt"]["password"]}

    told = call(server, "/device_login", json=given)

    assert told.headers["Cache-Control"] == "no-store"
    assert set(told.json) == {"status", "token", "topic", "trigger", "lifesign"}
    secrets = [value for name, value in told.json.items() if name != "status"]
    assert len(set(secrets)) == 4
    assert all(len(one) == 64 and set(one) <= HEX for one in secrets)


def test_form_json_and_basic_are_understood(known, server):
    name, password = known["controller_id"], known["mqtt"]["password"]
    basic = base64.b64encode(f"{name}:{password}".encode()).decode()
    for options in (
        {"data": {"name": name, "password": password}},
        {"json": {"name": name, "password": password}},
        {"headers": {"Authorization": f"Basic {basic}"}},
    ):
        assert call(server, "/device_login", **options).json["status"] == "OK"


@pytest.mark.parametrize(
    "given",
    [
        {"password": "no"},
        {"password": "Ä\ud800"},
        {"password": None},
        {"password": ["x"]},
        {"name": "nobody"},
        {"name": "a\0b"},
        {"name": {}},
        {"name": "%" * 2000},
    ],
)
def test_a_wrong_name_or_password_is_one_answer(known, server, given):
    right = {"name": known["controller_id"], "password": known["mqtt"]["password"]}

    answer = call(server, "/device_login", json=right | given)

    assert answer.status_code == 401
    assert answer.json == {"status": "ERROR", "error": "wrong_credentials"}
    assert db.session.query(Handshake).count() == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"null"])
def test_a_body_that_says_nothing_is_a_wrong_login(known, server, body):
    answer = call(server, "/device_login", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["error"]) == (401, "wrong_credentials")


def test_a_long_body_is_refused(server):
    answer = call(server, "/device_login", data={"name": "x" * 10_000})
    assert (answer.status_code, answer.json["status"]) == (413, "ERROR")


def test_passwords_cannot_be_tried_for_long(known, server):
    tries = [
        call(server, "/device_login", data={"name": known["controller_id"], "password": "no"})
        for _ in range(7)
    ]
    assert [one.status_code for one in tries[:5]] == [401] * 5
    assert tries[-1].status_code == 429
    assert tries[-1].json == {"status": "ERROR", "error": "too_many_requests"}
    assert int(tries[-1].headers["Retry-After"]) > 0


def test_the_password_is_not_taken_from_the_address(known, server):
    query = {"name": known["controller_id"], "password": known["mqtt"]["password"]}
    answer = call(server, "/device_login", "GET", query_string=query)
    assert (answer.status_code, answer.json["error"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"
    assert call(server, "/device_login", query_string=query).status_code == 401


def test_the_address_serves_where_the_setting_allows_it(known, server, settings, monkeypatch):
    wired = wiring.current()
    monkeypatch.setattr(wired, "settings", settings.model_copy(update={"legacy_device_get": True}))
    query = {"name": known["controller_id"], "password": known["mqtt"]["password"]}
    assert call(server, "/device_login", "GET", query_string=query).json["status"] == "OK"
    assert call(server, "/device_login", "HEAD", query_string=query).status_code == 405


def test_a_revoked_device_cannot_log_in(known, server):
    device = db.session.query(Device).one()
    owner = device.grants[0].user
    registry.revoke(device, by=owner, now=utcnow(), broker=wiring.current().broker)
    form = {"name": known["controller_id"], "password": known["mqtt"]["password"]}
    assert call(server, "/device_login", data=form).status_code == 401


def test_who_has_the_first_controller_id_of_another_logs_in_by_it(server, program):
    alice = program()
    renamed = add(alice, controller_id="c1")
    alice("PATCH", f"/devices/{renamed['id']}", json={"controller_id": "c2"})
    second = add(alice, name="Back door", controller_id="c1")
    for made, name in ((second, "c1"), (renamed, "c2"), (renamed, renamed["mqtt"]["username"])):
        form = {"name": name, "password": made["mqtt"]["password"]}
        assert call(server, "/device_login", data=form).status_code == 200
        spoken = db.session.query(Handshake).order_by(Handshake.logged_in_at.desc()).first()
        assert spoken.device.public_id == made["id"]


def test_no_secret_is_kept_or_written_down(known, server, caplog):
    caplog.set_level(logging.DEBUG)
    form = {"name": known["controller_id"], "password": known["mqtt"]["password"]}
    told = call(server, "/device_login", data=form).json

    row = db.session.query(Handshake).one()
    kept = [str(getattr(row, column.key)) for column in Handshake.__table__.columns]
    kept += [str(one.detail) + one.actor for one in db.session.query(AuditEvent)]
    for secret in (told["token"], told["trigger"], told["lifesign"], form["password"]):
        assert secret not in " ".join(kept) + caplog.text
    assert db.session.query(AuditEvent).filter_by(action="device.login").count() == 1


def test_a_ping_is_answered_over_mqtt_and_shows_that_the_lock_lives(lock, running):
    alice, firmware, made = lock

    assert call(running, "/device_ping", data={"token": firmware.told["token"]}).json == {
        "status": "OK"
    }

    firmware.until(lambda: firmware.alive == 1)
    assert firmware.opened == firmware.asked_to_log_in == 0
    until(lambda: alice("GET", f"/devices/{made['id']}").json["state"] == "online")


def test_what_an_earlier_login_told_is_worth_nothing(lock, running, settings):
    alice, firmware, made = lock
    before = dict(firmware.told)
    firmware.log_in()

    refused = call(running, "/device_ping", data={"token": before["token"]})
    assert (refused.status_code, refused.json["error"]) == (401, "wrong_token")

    unlock(alice, made)
    firmware.until(lambda: firmware.opened == 1)
    assert all(topic != before["topic"] for topic, _ in firmware._speaker.got)
    assert all(payload.decode() != before["trigger"] for _, payload in firmware._speaker.got)


def test_nobody_else_hears_the_topic_of_a_lock(lock, running, program, settings):
    alice, firmware, made = lock
    other = add(program("mallory"))["mqtt"]
    spy = Speaker(settings.mqtt_port, other["username"], other["password"])
    try:
        spy.subscribe(firmware.told["topic"])
        spy.subscribe("#")
        unlock(alice, made)
        firmware.until(lambda: firmware.opened == 1)
        assert spy.got == []
    finally:
        spy.close()


def test_a_lock_that_has_not_logged_in_again_is_not_opened_again(lock):
    alice, firmware, made = lock
    unlock(alice, made)
    until(lambda: len(firmware._speaker.got) == 2)  # it hangs: it reads nothing of this

    second = unlock(alice, made)

    assert second.json["state"] in {"queued", "failed"}
    until(lambda: state(alice, made, second) == "failed")
    until(lambda: len(firmware._speaker.got) == 3)
    trigger = firmware.told["trigger"].encode()
    assert [payload == trigger for _, payload in firmware._speaker.got] == [True, False, False]


def test_of_many_presses_at_once_one_opens(lock):
    alice, firmware, made = lock
    with ThreadPoolExecutor(8) as pool:
        presses = [pool.submit(unlock, alice, made) for _ in range(8)]
        answers = [press.result() for press in presses]

    assert [answer.status_code for answer in answers] == [202] * 8
    until(lambda: len(firmware._speaker.got) == 9)  # and eight times: log in again
    assert [payload for _, payload in firmware._speaker.got].count(
        firmware.told["trigger"].encode()
    ) == 1


def test_of_many_logins_at_once_the_last_counts(known, server):
    form = {"name": known["controller_id"], "password": known["mqtt"]["password"]}
    with ThreadPoolExecutor(4) as pool:
        logins = [pool.submit(call, server, "/device_login", data=form) for _ in range(4)]
        told = [login.result().json for login in logins]

    assert [one["status"] for one in told] == ["OK"] * 4
    kept = db.session.query(Handshake).one().token_hash
    assert [sha256(one["token"]) for one in told].count(kept) == 1


def test_a_lock_that_says_nothing_has_not_answered(lock):
    alice, _, made = lock
    command = alice(
        "POST", f"/devices/{made['id']}/commands", json={"name": "unlock", "expires_in": 0.2}
    )
    until(lambda: state(alice, made, command) == "no_answer")


def test_a_login_soon_after_shows_that_the_lock_has_it(lock):
    alice, firmware, made = lock
    command = alice(
        "POST", f"/devices/{made['id']}/commands", json={"name": "unlock", "expires_in": 0.2}
    )
    until(lambda: state(alice, made, command) == "no_answer")

    firmware.log_in()

    assert state(alice, made, command) == "delivered"


def test_the_login_of_a_lock_that_was_away_says_nothing_of_a_command(lock, settings):
    alice, firmware, made = lock
    firmware.close()
    login = (settings.mqtt_port, firmware.username, firmware.password)
    firmware._speaker = Speaker(*login, clean_session=False)
    firmware._speaker.subscribe(firmware.told["topic"])
    firmware.close()
    missed = unlock(alice, made)
    until(lambda: state(alice, made, missed) == "sent")

    firmware._speaker = None
    firmware.log_in()

    until(lambda: state(alice, made, missed) == "no_answer")
    firmware.work()
    assert firmware.opened == 0
    firmware.log_in()
    assert state(alice, made, missed) == "no_answer"


def test_a_trigger_that_waited_at_the_broker_opens_nothing_late(lock, settings):
    alice, firmware, made = lock
    firmware.close()
    login = (settings.mqtt_port, firmware.username, firmware.password)
    firmware._speaker = Speaker(*login, clean_session=False)
    firmware._speaker.subscribe(firmware.told["topic"])
    firmware.close()
    missed = unlock(alice, made)
    until(lambda: state(alice, made, missed) == "no_answer")

    firmware._speaker, firmware._read = Speaker(*login, clean_session=False), 0

    firmware.until(lambda: firmware.asked_to_log_in == 1)  # the word that followed the trigger
    assert firmware.opened == 0


def test_a_trigger_that_nobody_heard_opens_later(lock, settings):
    alice, firmware, made = lock
    firmware.close()
    missed = unlock(alice, made)
    until(lambda: state(alice, made, missed) == "no_answer")

    firmware._speaker = Speaker(settings.mqtt_port, firmware.username, firmware.password)
    firmware._speaker.subscribe(firmware.told["topic"])
    unlock(alice, made)

    firmware.until(lambda: firmware.opened == 1)


def test_other_commands_go_their_usual_way(lock):
    alice, firmware, made = lock
    firmware._speaker.subscribe(made["mqtt"]["topics"]["commands"])
    alice("POST", f"/devices/{made['id']}/commands", json={"name": "restart"})
    until(lambda: firmware._speaker.got)
    assert firmware._speaker.got[0][0] == made["mqtt"]["topics"]["commands"]


def test_a_new_broker_password_ends_what_was_told(lock, running):
    alice, firmware, made = lock
    assert alice("POST", f"/devices/{made['id']}/credentials").status_code in {200, 201}
    answer = call(running, "/device_ping", data={"token": firmware.told["token"]})
    assert answer.status_code == 401
    pressed = unlock(alice, made)
    until(lambda: state(alice, made, pressed) == "failed")


def test_the_setting_is_off_unless_somebody_turns_it_on():
    assert not Settings().legacy_device_get


def test_wrong_passwords_leave_a_line(known, server):
    for _try in range(8):
        call(server, "/device_login", json={"name": "front", "password": "wrong"})
    [row] = db.session.query(AuditEvent).filter_by(action="device.login_fail")
    assert (row.actor, row.result, row.address) == ("front", "refused", "127.0.0.1")
