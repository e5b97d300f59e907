"""Mail over real SMTP: what arrives, and what happens when a server is down or hangs."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from clock import utcnow
from db.base import db
from db.models.mail import OutboxMessage
from notify import outbox, post, smtp, worker
from tests.notify.conftest import free_port, write
from tests.stack import until

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def row(message_id: int) -> OutboxMessage:
    db.session.rollback()
    return db.session.get_one(OutboxMessage, message_id, populate_existing=True)


def sender(name: str, port: int) -> str:
    return f'[[sender]]\nname = "{name}"\nserver = "127.0.0.1"\nport = {port}\n'


@pytest.fixture
def by_senders(make_office, tmp_path):
    """An office with a MAIL_SENDERS file of (name, port)."""

    def make(*accounts: tuple[str, int]):
        file = tmp_path / "senders.toml"
        file.write_text("".join(sender(*account) for account in accounts))
        return make_office(mail_senders=file)

    return make


def test_a_mail_arrives_with_both_parts_and_its_headers(make_office, mailbox):
    make_office(
        mail_server="127.0.0.1", mail_port=mailbox.port, mail_default_sender="Tür <g@example.org>"
    )
    written = write(now=NOON)

    assert worker.run_once(NOON) == 1

    (mail,) = mailbox.mails
    assert mail["To"] == "person@example.org"
    assert mail["From"] == "Tür <g@example.org>"
    assert mail["Subject"] == "Confirm your account"
    assert mail["Message-ID"] == row(written).message_id
    assert mail["Message-ID"].endswith("@example.org>")
    assert mail["Auto-Submitted"] == "auto-generated"
    for kind in ("plain", "html"):
        body = mail.get_body((kind,)).get_content()
        assert "http://localhost/confirm/abc" in body


def test_what_was_sent_is_forgotten(make_office, mailbox):
    make_office(mail_server="127.0.0.1", mail_port=mailbox.port)
    written = write(now=NOON)

    worker.run_once(NOON)

    done = row(written)
    assert (done.state, done.subject, done.text, done.html) == ("sent", "", "", "")
    assert NOON <= done.sent_at < NOON + timedelta(seconds=5)


def test_a_mail_is_sent_once_however_often_the_worker_looks(make_office, mailbox):
    make_office(mail_server="127.0.0.1", mail_port=mailbox.port)
    write(now=NOON)

    for minute in range(5):
        worker.run_once(NOON + timedelta(minutes=minute))

    assert len(mailbox.mails) == 1


def test_a_server_that_is_down_costs_delay_only(make_office, mailbox):
    make_office(mail_server="127.0.0.1", mail_port=free_port())
    written = write(now=NOON)

    worker.run_once(NOON)
    waiting = row(written)
    assert waiting.state == "queued"
    assert timedelta(seconds=59) < waiting.due_at - NOON < timedelta(seconds=70)
    assert "Connection refused" in waiting.last_error
    assert worker.run_once(NOON + timedelta(seconds=30)) == 0

    post.current().senders.all[0] = (
        post.current().senders.all[0].model_copy(update={"port": mailbox.port})
    )
    worker.run_once(waiting.due_at + timedelta(seconds=1))
    assert len(mailbox.mails) == 1


def test_the_delay_grows_and_ends_after_two_days(make_office):
    make_office(mail_server="127.0.0.1", mail_port=free_port())
    written = write(now=NOON)
    now, delays = NOON, []
    while row(written).state == "queued":
        worker.run_once(now)
        if row(written).attempts > len(delays):
            delays.append(round((row(written).due_at - now).total_seconds() / 60))
        now = max(now + timedelta(minutes=1), row(written).due_at + timedelta(seconds=1))

    assert delays[:6] == [1, 2, 5, 15, 60, 60]
    assert timedelta(days=2) < now - NOON < timedelta(days=2, hours=2)
    assert (row(written).state, row(written).text) == ("failed", "")


def test_a_server_that_hangs_is_left_after_the_timeout(make_office, script, monkeypatch):
    monkeypatch.setattr(smtp, "TIMEOUT_S", 0.3)
    silent = script(lambda connection: connection.recv(1024))
    make_office(mail_server="127.0.0.1", mail_port=silent.port)
    written = write(now=NOON)

    began = time.monotonic()
    worker.run_once(NOON)

    assert time.monotonic() - began < 8  # without the timeout it would be 10
    assert row(written).state == "queued"
    assert silent.visits == 1


def test_nobody_waits_for_a_server_that_hangs(make_office, script):
    silent = script(lambda connection: connection.recv(1024) and connection.recv(1024))
    office = make_office(mail_server="127.0.0.1", mail_port=silent.port)
    thread = worker.Worker(office)
    thread.start()
    write(now=utcnow())
    until(lambda: silent.visits)

    began = time.monotonic()
    for _ in range(5):
        write(now=utcnow())
    assert time.monotonic() - began < 8  # the server is waited for 10 s
    silent.close()
    thread.stop()


def test_a_server_that_drips_is_cut_at_the_deadline(make_office, script, monkeypatch):
    monkeypatch.setattr(smtp, "DEADLINE_S", 0.5)

    def drip(connection):
        connection.sendall(b"220 hello\r\n")
        while True:
            connection.sendall(b"250-more\r\n")
            time.sleep(0.05)

    make_office(mail_server="127.0.0.1", mail_port=script(drip).port)
    written = write(now=NOON)

    began = time.monotonic()
    worker.run_once(NOON)

    assert time.monotonic() - began < 30  # without the deadline it would be 60
    assert row(written).state == "queued"


def test_a_server_that_drips_its_goodbye_has_the_mail_all_the_same(
    make_office, script, monkeypatch
):
    monkeypatch.setattr(smtp, "DEADLINE_S", 0.5)

    def talk(connection):
        lines = connection.makefile("rb")
        connection.sendall(b"220 hello\r\n")
        for line in lines:
            if line.lower().startswith(b"data"):
                connection.sendall(b"354 go on\r\n")
                while lines.readline() != b".\r\n":
                    pass
            while line.lower().startswith(b"quit"):
                connection.sendall(b"221-bye\r\n")
                time.sleep(0.05)
            connection.sendall(b"250 OK\r\n")

    make_office(mail_server="127.0.0.1", mail_port=script(talk).port)
    written = write(now=NOON)

    began = time.monotonic()
    worker.run_once(NOON)

    assert time.monotonic() - began < 30  # without the deadline it would be 60
    assert row(written).state == "sent"


def test_another_sender_steps_in_at_once(by_senders, mailbox):
    by_senders(("dead", free_port()), ("alive", mailbox.port))
    for _ in range(10):
        write(now=NOON)

    worker.run_once(NOON)

    assert len(mailbox.mails) == 10
    assert set(db.session.scalars(select(OutboxMessage.sender))) == {"alive"}


def test_senders_take_turns_at_random(by_senders, mailbox):
    by_senders(("one", mailbox.port), ("two", mailbox.port))
    for _ in range(40):
        write(now=NOON)

    worker.run_once(NOON)

    assert set(db.session.scalars(select(OutboxMessage.sender))) == {"one", "two"}


def test_a_sender_that_failed_rests(by_senders, script, mailbox):
    rude = script(lambda connection: connection.sendall(b"554 go away\r\n"))
    by_senders(("rude", rude.port), ("kind", mailbox.port))
    while not rude.visits:
        write(now=NOON)
        worker.run_once(NOON)

    for _ in range(20):
        write(now=NOON)
    worker.run_once(NOON + timedelta(seconds=50))
    assert rude.visits == 1

    for _ in range(30):
        write(now=NOON)
    worker.run_once(NOON + timedelta(seconds=70))
    assert rude.visits == 2


def test_while_all_senders_rest_nobody_is_bothered(by_senders, script):
    rude = script(lambda connection: connection.sendall(b"421 later\r\n"))
    by_senders(("rude", rude.port))
    for _ in range(5):
        write(now=NOON)

    worker.run_once(NOON)

    assert rude.visits == 1
    assert outbox.counts() == {"queued": 5}
    attempts = db.session.scalars(select(OutboxMessage.attempts)).all()
    assert sorted(attempts) == [0, 0, 0, 0, 1]


def test_an_address_that_does_not_exist_ends_only_its_own_mail(make_office, mailbox):
    make_office(mail_server="127.0.0.1", mail_port=mailbox.port)
    mailbox.answers["nobody@example.org"] = "550 5.1.1 no such user"
    wrong = write("nobody@example.org", now=NOON)
    right = write(now=NOON)

    worker.run_once(NOON)

    assert row(wrong).state == "failed"
    assert "5.1.1" in row(wrong).last_error
    assert row(right).state == "sent"


def test_a_refusal_of_the_sender_is_not_held_against_the_address(by_senders, mailbox):
    by_senders(("one", mailbox.port))
    mailbox.answers["person@example.org"] = "554 5.7.1 relaying denied"
    written = write(now=NOON)

    worker.run_once(NOON)

    assert row(written).state == "queued"


def test_greylisting_is_waited_for(make_office, mailbox):
    make_office(mail_server="127.0.0.1", mail_port=mailbox.port)
    mailbox.answers["person@example.org"] = "451 4.7.1 come back later"
    written = write(now=NOON)
    worker.run_once(NOON)
    mailbox.answers.clear()

    worker.run_once(NOON + timedelta(minutes=2))

    assert row(written).state == "sent"


def test_letters_beyond_ascii_arrive(make_office, mailbox):
    make_office(mail_server="127.0.0.1", mail_port=mailbox.port)
    write("person@bücher.example.org", now=NOON)
    write("person@straße.example.org", now=NOON)
    write("ünal@example.org", now=NOON)

    worker.run_once(NOON)

    assert {mail["To"] for mail in mailbox.mails} == {
        "person@xn--bcher-kva.example.org",
        "person@xn--strae-oqa.example.org",
        "ünal@example.org",
    }


def test_letters_beyond_ascii_that_a_server_cannot_take_stop_nothing(make_office, old_mailbox):
    make_office(mail_server="127.0.0.1", mail_port=old_mailbox.port)
    odd = write("ünal@example.org", now=NOON)
    plain = write(now=NOON)

    worker.run_once(NOON)

    assert row(odd).state == "failed"
    assert row(plain).state == "sent"


def test_an_address_cannot_add_headers(make_office, mailbox):
    make_office(mail_server="127.0.0.1", mail_port=mailbox.port)
    written = write("a@example.org, b@example.org", now=NOON)

    worker.run_once(NOON)

    assert row(written).state == "failed"
    assert mailbox.mails == []


def login(mailbox, password: str) -> dict[str, object]:
    return {
        "mail_server": "127.0.0.1",
        "mail_port": mailbox.port,
        "mail_username": "gate",
        "mail_password": SecretStr(password),
    }


def test_the_worker_logs_in(make_office, mailbox):
    make_office(**login(mailbox, "open sesame"))
    written = write(now=NOON)

    worker.run_once(NOON)

    assert row(written).state == "sent"
    assert (mailbox.logins[0].login, mailbox.logins[0].password) == (b"gate", b"open sesame")


@pytest.mark.parametrize(
    ("password", "said"), [("wrong", "535"), ("schlüssel", "password is not ASCII")]
)
def test_a_login_that_fails_is_the_senders_fault(make_office, mailbox, password, said):
    make_office(**login(mailbox, password))
    written = write(now=NOON)

    worker.run_once(NOON)

    assert row(written).state == "queued"
    assert said in row(written).last_error


def test_mails_can_be_suppressed(make_office, mailbox):
    make_office(mail_server="127.0.0.1", mail_port=mailbox.port, mail_suppress_send=True)
    written = write(now=NOON)

    worker.run_once(NOON)

    assert row(written).state == "sent"
    assert mailbox.mails == []
