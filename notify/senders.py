"""The mail accounts to send by: chosen at random, left alone for a while after an error."""

import json
import random
import tomllib
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config import ConfigError, Settings
from notify.smtp import SmtpSender

COOL_DOWN = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15))


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    sender: list[SmtpSender] = Field(min_length=1)


class Senders:
    """All senders of an installation; without any, mails stay on this machine."""

    def __init__(self, settings: Settings) -> None:
        self.all = _configured(settings)
        self._errors: dict[str, int] = {}  # in a row
        self._rests_until: dict[str, datetime] = {}

    @property
    def local(self) -> bool:
        """Whether there is no mail server, so that mails go to the local outbox."""
        return not self.all

    def pick(self, now: datetime, besides: str = "") -> SmtpSender | None:
        """Return a random sender that is well, another one than `besides` if there is one."""
        well = [one for one in self.all if self._rests_until.get(one.label, now) <= now]
        others = [one for one in well if one.label != besides]
        chosen = others or well
        return random.choice(chosen) if chosen else None  # noqa: S311  no secret hangs on it

    def well_at(self) -> datetime | None:
        """Return when the first resting sender may be tried again."""
        return min(self._rests_until.values(), default=None)

    def succeeded(self, sender: SmtpSender) -> None:
        """Forget the errors of a sender."""
        self._errors.pop(sender.label, None)
        self._rests_until.pop(sender.label, None)

    def failed(self, sender: SmtpSender, now: datetime) -> None:
        """Let a sender rest, longer after each error in a row."""
        errors = self._errors.get(sender.label, 0) + 1
        self._errors[sender.label] = errors
        self._rests_until[sender.label] = now + COOL_DOWN[min(errors, len(COOL_DOWN)) - 1]


def _configured(settings: Settings) -> list[SmtpSender]:
    senders = _from_file(settings.mail_senders) if settings.mail_senders else []
    if settings.mail_server:
        senders.append(
            SmtpSender(
                server=settings.mail_server,
                port=settings.mail_port,
                use_tls=settings.mail_use_tls,
                use_ssl=settings.mail_use_ssl,
                username=settings.mail_username,
                password=settings.mail_password,
                debug=settings.mail_debug,
            )
        )
    senders = [
        one if one.default_sender else one.model_copy(update={"default_sender": default})
        for default in [settings.mail_default_sender]
        for one in senders
    ]
    if len({one.label for one in senders}) < len(senders):
        raise ConfigError("MAIL_SENDERS: two senders have the same name; give each its own")
    return senders


def _from_file(path: Path) -> list[SmtpSender]:
    """Read `[[sender]]` tables of a TOML file, or the list "sender" of a JSON file."""
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        return _File.model_validate(found).sender
    except OSError as error:
        raise ConfigError(f"MAIL_SENDERS: cannot be read ({type(error).__name__})") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"MAIL_SENDERS: {where}: {first['msg']}") from error
    except ValueError as error:
        raise ConfigError(f"MAIL_SENDERS: is neither TOML nor JSON ({error})") from error
