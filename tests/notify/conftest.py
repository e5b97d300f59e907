"""A server that can write to people, and real mail servers to write to."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from flask import Flask

from config import Settings
from db.base import transaction
from notify import language, mail, post
from tests.stack import free_port

MakeOffice = Callable[..., Flask]


@pytest.fixture
def make_desk(settings: Settings) -> Iterator[MakeOffice]:
    """Make a server with languages and senders, in its context; it has no database."""
    with ExitStack() as contexts:
        yield lambda **changes: _opened(Flask("gatehouse"), settings, contexts, changes)


@pytest.fixture
def make_office(server: Flask, settings: Settings) -> Iterator[MakeOffice]:
    """Give the server with databases the same; settings may be changed by name."""
    with ExitStack() as contexts:
        yield lambda **changes: _opened(server, settings, contexts, changes)


def _opened(
    server: Flask, settings: Settings, contexts: ExitStack, changes: dict[str, object]
) -> Flask:
    language.init_app(server)
    post.init_app(server, settings.model_copy(update=changes))
    contexts.enter_context(server.app_context())
    return server


@pytest.fixture
def desk(make_desk: MakeOffice) -> Flask:
    """A server that knows languages and no database, in its context."""
    return make_desk()


@pytest.fixture
def office(make_office: MakeOffice) -> Flask:
    """A server without mail server, in its context."""
    return make_office()


class Mailbox:
    """What a real SMTP server does with the mails it is given."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answers: dict[str, str] = {}  # recipient -> what is said to RCPT TO
        self.port = 0
        self.logins: list[LoginPassword] = []

    def log_in(self, _server, _session, _envelope, _mechanism, login) -> AuthResult:
        self.logins.append(login)
        return AuthResult(success=login.password != b"wrong", handled=False)

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A running SMTP server on a free port."""
    yield from _serving(smtputf8=True)


@pytest.fixture
def old_mailbox() -> Iterator[Mailbox]:
    """One that takes only ASCII in addresses."""
    yield from _serving(smtputf8=False)


def _serving(*, smtputf8: bool) -> Iterator[Mailbox]:
    box = Mailbox()
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=free_port(),
        enable_SMTPUTF8=smtputf8,
        authenticator=box.log_in,
        auth_require_tls=False,
    )
    controller.start()
    box.port = controller.port
    yield box
    controller.stop()


class Script:
    """A TCP server that says what it is told to, to show what a broken mail server does."""

    def __init__(self, talk: Callable[[socket.socket], None]) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.visits = 0
        self._talk = talk
        self._connection = self._listening
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listening.accept()
            except OSError:
                return
            self.visits += 1
            self._connection = connection
            with connection:
                try:
                    self._talk(connection)
                except OSError:
                    continue

    def close(self) -> None:
        for one in (self._listening, self._connection):
            with suppress(OSError):  # closed already
                one.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@pytest.fixture
def script() -> Iterator[Callable[[Callable[[socket.socket], None]], Script]]:
    """Start scripted servers; they end with the test."""
    started = []

    def start(talk: Callable[[socket.socket], None]) -> Script:
        started.append(Script(talk))
        return started[-1]

    yield start
    for one in started:
        one.close()


def write(to: str = "person@example.org", *, now, **values: object) -> int:
    """Put a confirmation mail into the outbox; return its id."""
    with transaction() as session:
        message = mail.enqueue(
            session,
            to=to,
            template="confirm",
            language="en",
            now=now,
            **{"link": "http://localhost/confirm/abc", "minutes": 30} | values,
        )
        session.flush()
        return message.id
