"""The queue itself: rows of the caller's transaction, one claimant, nothing lost by a crash."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest

from clock import utcnow
from db.base import db, transaction
from db.models.mail import OutboxMessage
from errors import Invalid
from notify import local, mail, outbox, post, worker
from tests.notify.conftest import write
from tests.stack import until

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SEND = """
import sys
from datetime import datetime
from pathlib import Path
from flask import Flask
import db.base
from config import Settings
from notify import language, post, worker

server = Flask("gatehouse")
settings = Settings(
    instance_dir=Path(sys.argv[1]), mail_server="127.0.0.1", mail_port=int(sys.argv[2])
)
db.base.init_app(server, app_url=settings.app_database, telemetry_url=settings.telemetry_database)
language.init_app(server)
post.init_app(server, settings)
with server.app_context():
    worker.run_once(datetime.fromisoformat(sys.argv[3]))
"""


def stop_in_the_middle(process: subprocess.Popen, reached: threading.Event) -> None:
    assert reached.wait(20)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def farewell(session, to: str = "person@example.org") -> None:
    mail.enqueue(
        session, to=to, template="account_deleted", language="en", now=NOON, at=NOON, by_admin=False
    )


def fail_after_writing() -> None:
    with transaction() as session:
        farewell(session)
        session.flush()
        raise RuntimeError


def test_a_mail_of_a_transaction_that_fails_is_never_sent(office):
    with pytest.raises(RuntimeError):
        fail_after_writing()

    assert outbox.counts() == {}


def test_the_commit_rings_the_bell(office):
    bell = post.current().bell
    with transaction() as session:
        farewell(session)
        assert not bell.is_set()

    assert bell.is_set()


def test_who_chose_no_language_gets_the_one_of_their_browser(office, settings):
    with office.test_request_context(headers={"Accept-Language": "de"}), transaction() as session:
        mail.enqueue(
            session,
            to="a@example.org",
            template="account_deleted",
            language="",
            now=NOON,
            at=NOON,
            by_admin=False,
        )
    worker.run_once(NOON)

    (written,) = local.mails(local.folder_of(settings.instance_dir))
    assert written.subject == "Ihr Konto wurde gelöscht"


@pytest.mark.parametrize("address", ["a@example.org\r\nBcc: b@example.org", "a" * 400])
def test_an_address_that_cannot_be_one_is_refused_in_words(office, address):
    with pytest.raises(Invalid), transaction() as session:
        farewell(session, address)


def test_of_many_workers_one_gets_the_message(office):
    written = write(now=NOON)
    start, won = threading.Barrier(8), []

    def compete():
        start.wait()
        with office.app_context():
            if outbox.claim(written, NOON) is not None:
                won.append(1)

    threads = [threading.Thread(target=compete) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_a_killed_worker_loses_nothing_and_doubles_nothing(
    make_office, settings, mailbox, monkeypatch
):
    reached, go_on = threading.Event(), threading.Event()
    take = mailbox.handle_RCPT

    async def hold(*args):
        reached.set()
        while not go_on.is_set():
            await asyncio.sleep(0.01)
        return await take(*args)

    monkeypatch.setattr(mailbox, "handle_RCPT", hold)
    make_office(mail_server="127.0.0.1", mail_port=mailbox.port)
    written = write(now=NOON)
    other = subprocess.Popen(
        [sys.executable, "-c", SEND, str(settings.instance_dir), str(mailbox.port), str(NOON)]
    )
    stop_in_the_middle(other, reached)
    go_on.set()
    message_id = db.session.get_one(OutboxMessage, written).message_id

    worker.run_once(NOON + timedelta(minutes=5))
    worker.run_once(NOON + timedelta(minutes=10))

    assert [one["Message-ID"] for one in mailbox.mails] == [message_id]


def test_a_repeat_after_a_crash_can_be_told_by_its_message_id(
    make_office, settings, mailbox, monkeypatch
):
    reached, go_on = threading.Event(), threading.Event()
    take = mailbox.handle_DATA

    async def hold(*args):
        answer = await take(*args)
        reached.set()
        while not go_on.is_set():
            await asyncio.sleep(0.01)
        return answer

    monkeypatch.setattr(mailbox, "handle_DATA", hold)
    make_office(mail_server="127.0.0.1", mail_port=mailbox.port)
    write(now=NOON)
    other = subprocess.Popen(
        [sys.executable, "-c", SEND, str(settings.instance_dir), str(mailbox.port), str(NOON)]
    )
    stop_in_the_middle(other, reached)
    go_on.set()

    worker.run_once(NOON + timedelta(minutes=5))

    first, second = mailbox.mails
    assert first["Message-ID"] == second["Message-ID"]


def test_a_fresh_claim_of_another_worker_is_left_alone(office):
    written = write(now=NOON)
    assert outbox.claim(written, NOON) is not None

    assert worker.run_once(NOON + timedelta(minutes=2)) == 0
    assert worker.run_once(NOON + timedelta(minutes=4)) == 1


def test_a_worker_whose_claim_was_lost_changes_nothing(office):
    written = write(now=NOON)
    slow = outbox.claim(written, NOON)
    outbox.release_stale(NOON + timedelta(minutes=4))
    quick = outbox.claim(written, NOON + timedelta(minutes=4))

    outbox.failed(slow, "too late", sender="slow")

    outbox.sent(quick, sender="quick", now=NOON)
    assert db.session.get_one(OutboxMessage, written).sender == "quick"


def test_what_was_done_long_ago_is_removed_and_what_waits_is_not(office):
    done, waiting = write(now=NOON), write(now=NOON)
    outbox.sent(outbox.claim(done, NOON), sender="x", now=NOON)

    assert outbox.prune(NOON + timedelta(days=31)) == 1

    assert [row.id for row in outbox.recent()] == [waiting]


def test_the_thread_sends_at_once_and_stops(office, settings):
    others = set(threading.enumerate())
    thread = worker.Worker(office)
    thread.start()
    [sending] = [one for one in set(threading.enumerate()) - others if one.name == "outbox"]
    write(now=utcnow())

    until(lambda: local.mails(local.folder_of(settings.instance_dir)))
    thread.stop()
    assert not sending.is_alive()


def test_the_thread_survives_a_database_that_is_away(office, settings, monkeypatch):
    calls = []

    def broken(_now):
        calls.append(1)
        raise OSError("away")

    monkeypatch.setattr(outbox, "release_stale", broken)
    thread = worker.Worker(office)
    thread.start()
    for expected in (1, 2):
        outbox.wake()
        until(lambda n=expected: len(calls) >= n)
    thread.stop()
