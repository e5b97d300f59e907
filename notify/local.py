"""The outbox of an installation without a mail server: a file a mail, for this machine only."""

import json
import os
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from notify.outbox import Claimed

KEPT = 200  # newest mails
CODE = re.compile(r"\b\d{6}\b")


@dataclass(frozen=True, slots=True)
class LocalMail:
    """A mail that lies in the outbox."""

    to: str
    subject: str
    text: str
    html: str
    at: str  # ISO 8601, UTC


def deliver(message: Claimed, *, folder: Path, site: str) -> None:
    """Put a mail into the folder, and say on the terminal that it is there.

    The name follows from the message: delivering it twice leaves one file.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    at = message.created_at.astimezone(UTC)
    name = f"{at:%Y%m%dT%H%M%S%f}Z-{message.id:09}.json"
    mail = LocalMail(message.recipient, message.subject, message.text, message.html, at.isoformat())
    draft = folder / f".{name}.{os.getpid()}"
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(json.dumps(asdict(mail), ensure_ascii=False).encode())
    draft.replace(folder / name)
    with suppress(OSError, UnicodeError):  # a terminal that cannot show it loses nothing
        subject = CODE.sub("······", mail.subject)  # what a terminal shows may be kept as a log
        click.echo(f"Mail waiting for {mail.to}: {subject}  (open {site}/outbox)")
    for old in _newest_first(folder)[KEPT:]:
        old.unlink(missing_ok=True)


def mails(folder: Path) -> list[LocalMail]:
    """Return what lies in the folder, newest first."""
    found = []
    for file in _newest_first(folder):
        with suppress(FileNotFoundError):  # the worker removes old ones meanwhile
            found.append(LocalMail(**json.loads(file.read_text("utf-8"))))
    return found


def folder_of(instance: Path) -> Path:
    """Return where the mails of an installation lie."""
    return instance / "outbox"


def at_of(mail: LocalMail) -> datetime:
    """Return when a mail was written."""
    return datetime.fromisoformat(mail.at)


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"), reverse=True)
