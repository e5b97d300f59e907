"""Telegram and SMS through real HTTP: the library is pointed at a server of the test."""

import json
import logging
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from apprise.plugins.telegram import NotifyTelegram
from apprise.plugins.twilio import NotifyTwilio
from pydantic import SecretStr

from db.base import db, transaction
from db.models.account import User
from db.models.mail import OutboxMessage
from notify import channels, worker

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
BOT = "123456789:abcdefghijklmnopqrstuvwxyz012345678"
TWILIO = {
    "twilio_account_sid": "AC" + "0" * 32,
    "twilio_auth_token": SecretStr("1" * 32),
    "twilio_from": "+15005550006",
}


class Services:
    """What Telegram and Twilio were asked, and how they answer."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.status = 200


@pytest.fixture
def services(monkeypatch):
    """A local HTTP server in place of both."""
    seen = Services()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            seen.asked.append((self.path, body))
            answer = json.dumps({"ok": seen.status == 200, "result": {}, "sid": "SM1"}).encode()
            self.send_response(seen.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_args):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{http.server_port}"
    monkeypatch.setattr(NotifyTelegram, "notify_url", f"{base}/bot")
    monkeypatch.setattr(NotifyTwilio, "notify_sms_url", base + "/Accounts/{sid}/Messages.json")
    yield seen
    http.shutdown()
    http.server_close()


@pytest.fixture
def with_channels(make_office, mailbox):
    """An office that has mail, Telegram and SMS."""
    return make_office(
        mail_server="127.0.0.1",
        mail_port=mailbox.port,
        telegram_bot_token=SecretStr(BOT),
        **TWILIO,
    )


def person(channel: str) -> User:
    return User(
        email="person@example.org",
        email_typed="person@example.org",
        code_channel=channel,
        telegram_chat="424242",
        phone="+381601234567",
    )


def send_code(user: User, **more: object) -> int:
    with transaction() as session:
        message = channels.notify(
            session,
            user,
            template="code",
            language="en",
            now=NOON,
            code="004217",
            purpose="password",
            minutes=10,
        )
        session.flush()
        return message.id


def row(message_id: int) -> OutboxMessage:
    db.session.rollback()
    return db.session.get_one(OutboxMessage, message_id, populate_existing=True)


def test_a_code_goes_by_telegram(with_channels, services, mailbox):
    written = send_code(person("telegram"))

    worker.run_once(NOON)

    ((path, body),) = services.asked
    assert path == f"/bot{BOT}/sendMessage"
    assert json.loads(body)["chat_id"] == 424242
    assert "Your Gatehouse code: 004217" in json.loads(body)["text"]
    assert (row(written).state, row(written).sender) == ("sent", "telegram")
    assert mailbox.mails == []


def test_a_code_goes_by_sms(with_channels, services, mailbox):
    written = send_code(person("sms"))

    worker.run_once(NOON)

    ((path, body),) = services.asked
    fields = parse_qs(body)
    assert path == f"/Accounts/{TWILIO['twilio_account_sid']}/Messages.json"
    assert fields["To"] == ["+381601234567"]
    assert fields["From"] == ["+15005550006"]
    assert fields["Body"] == ["Your Gatehouse code: 004217"]
    assert row(written).state == "sent"
    assert mailbox.mails == []


@pytest.mark.parametrize("channel", ["telegram", "sms"])
def test_mail_steps_in_at_once_when_a_channel_fails(with_channels, services, mailbox, channel):
    services.status = 500
    written = send_code(person(channel))

    worker.run_once(NOON)

    (mail,) = mailbox.mails
    assert mail["To"] == "person@example.org"
    assert "004217" in mail.get_body(("plain",)).get_content()
    assert row(written).state == "sent"


def test_mail_steps_in_when_the_service_cannot_be_reached(with_channels, mailbox, monkeypatch):
    monkeypatch.setattr(NotifyTelegram, "notify_url", "http://127.0.0.1:9/bot")
    send_code(person("telegram"))

    worker.run_once(NOON)

    assert len(mailbox.mails) == 1


def test_mail_steps_in_when_the_number_is_malformed(with_channels, services, mailbox):
    user = person("sms")
    user.phone = "not a number"
    send_code(user)

    worker.run_once(NOON)

    assert services.asked == []
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize("missing", ["telegram_chat", "phone"])
def test_who_has_no_number_or_chat_gets_mail(with_channels, services, mailbox, missing):
    user = person("telegram" if missing == "telegram_chat" else "sms")
    setattr(user, missing, None)
    send_code(user)

    worker.run_once(NOON)

    assert services.asked == []
    assert len(mailbox.mails) == 1


def test_a_channel_that_is_not_set_up_is_mail(make_office, services, mailbox):
    make_office(mail_server="127.0.0.1", mail_port=mailbox.port)
    send_code(person("telegram"))

    worker.run_once(NOON)

    assert services.asked == []
    assert len(mailbox.mails) == 1


def test_a_number_that_must_first_prove_itself_never_falls_back_to_mail(
    with_channels, services, mailbox
):
    services.status = 500
    with transaction() as session:
        channels.verify(
            session,
            "sms",
            "+381601234567",
            template="code",
            language="en",
            now=NOON,
            code="004217",
            purpose="phone",
            minutes=10,
        )
    worker.run_once(NOON)
    services.status = 201
    worker.run_once(NOON + timedelta(minutes=2))

    assert len(services.asked) == 2
    assert mailbox.mails == []


def test_no_secret_reaches_the_log(with_channels, services, mailbox, caplog):
    caplog.set_level(logging.DEBUG)
    services.status = 401
    for channel in ("telegram", "sms"):
        send_code(person(channel))

    worker.run_once(NOON)

    ours = "\n".join(one.getMessage() for one in caplog.records if one.name != "mail.log")
    assert "refused the message" in ours
    for secret in (BOT, TWILIO["twilio_auth_token"].get_secret_value(), "004217"):
        assert secret not in ours


def test_what_is_available_follows_from_the_settings(settings):
    assert channels.available(settings) == ["mail"]
    changes = {"telegram_bot_token": SecretStr(BOT), **TWILIO}
    assert channels.available(settings.model_copy(update=changes)) == ["mail", "telegram", "sms"]
