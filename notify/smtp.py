"""One mail over one SMTP connection, within a bounded time whatever the server does."""

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from threading import Timer

import idna
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from notify.outbox import Claimed

TIMEOUT_S = 10  # for each answer of the server
DEADLINE_S = 60  # for the whole conversation

# RFC 3463: X.1 is about the address, X.2 about the mailbox; bare codes as RFC 5321 has them
ADDRESS_IS_WRONG = re.compile(r"5\d\d[ -]5\.[12]\.|(550|551|553)[ -](?!5\.\d)")


class SenderFailed(Exception):
    """The server is away, hangs or does not want this sender; another one may succeed."""


class RecipientRefused(Exception):
    """The address is refused; `permanent` says whether trying again makes sense."""

    def __init__(self, text: str, *, permanent: bool) -> None:
        self.permanent = permanent
        super().__init__(text)


class SmtpSender(BaseModel):
    """An SMTP account; the fields are Flask-Mail's settings without MAIL_."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(default="", max_length=120)
    server: str = Field(min_length=1)
    port: int = Field(default=25, ge=1, le=65535)
    use_tls: bool = False
    use_ssl: bool = False
    username: str = ""
    password: SecretStr = SecretStr("")
    default_sender: str = ""
    debug: bool = False

    @property
    def label(self) -> str:
        """The name under which it is logged and shown."""
        return self.name or f"{self.username or 'mail'}@{self.server}"[:120]

    def send(self, message: Claimed, *, now: datetime) -> None:
        """Hand a message to the server.

        Raises:
            SenderFailed: the server did not take it, for a reason that is not the recipient.
            RecipientRefused: it did not take the recipient.
        """
        try:
            mail = compose(message, sender=self.default_sender, now=now)
        except (ValueError, UnicodeError) as error:
            raise RecipientRefused("the address cannot be used", permanent=True) from error
        try:
            with self._connection() as smtp:
                _hand_over(smtp, mail)
        except smtplib.SMTPResponseException as error:
            raise SenderFailed(_said(error.smtp_code, error.smtp_error)) from error
        except UnicodeError as error:
            raise SenderFailed("user name or password is not ASCII") from error
        except (OSError, ValueError, smtplib.SMTPException) as error:
            raise SenderFailed(f"{type(error).__name__}: {error}") from error

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        context = ssl.create_default_context()
        smtp = (
            smtplib.SMTP_SSL(self.server, self.port, timeout=TIMEOUT_S, context=context)
            if self.use_ssl
            else smtplib.SMTP(self.server, self.port, timeout=TIMEOUT_S)
        )
        deadline = Timer(DEADLINE_S, _cut, [smtp])
        deadline.daemon = True
        deadline.start()
        try:
            if self.use_tls:
                smtp.starttls(context=context)
            if self.username:
                smtp.login(self.username, self.password.get_secret_value())
            smtp.set_debuglevel(int(self.debug))  # after the login: no password in the log
            yield smtp
        finally:
            _leave(smtp)
            deadline.cancel()


def _hand_over(smtp: smtplib.SMTP, mail: EmailMessage) -> None:
    try:
        smtp.send_message(mail)
    except smtplib.SMTPNotSupportedError as error:  # letters beyond ASCII before the @
        raise RecipientRefused(str(error), permanent=True) from error
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        said = _said(code, text)
        if code >= 500 and not ADDRESS_IS_WRONG.match(said):
            raise SenderFailed(said) from error  # relaying denied, sender blocked, ...
        raise RecipientRefused(said, permanent=code >= 500) from error


def compose(message: Claimed, *, sender: str, now: datetime) -> EmailMessage:
    """Return the mail with its headers.

    Raises:
        ValueError: an address or the subject would break out of its header.
    """
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = message.subject
    mail["From"] = sender
    mail["To"] = _ascii_domain(message.recipient)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message.message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text, cte="quoted-printable")
    if message.html:
        mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
    return mail


def _ascii_domain(address: str) -> str:
    local, at, domain = address.rpartition("@")
    if not at or parseaddr(address)[1] != address:
        raise ValueError("not an address")
    # as browsers have it: what Python has built in takes straße for strasse, another domain
    return f"{local}@{domain if domain.isascii() else idna.encode(domain, uts46=True).decode()}"


def _cut(smtp: smtplib.SMTP) -> None:
    if smtp.sock is not None:
        smtp.sock.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for an answer


def _leave(smtp: smtplib.SMTP) -> None:
    """Say goodbye; the mail is delivered or not by now, so no answer matters."""
    try:
        smtp.quit()
    except (OSError, smtplib.SMTPException):
        smtp.close()


def _said(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
