"""E-mail addresses: one form for comparing, the typed one for people and for sending.

Both have the domain as people write it; `notify.smtp` turns it into ASCII.
"""

from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from errors import Invalid
from notify.mark import N_


@dataclass(frozen=True, slots=True)
class Address:
    """An e-mail address that mail can be sent to."""

    normal: str  # two that differ only in case or form of writing are one
    typed: str


def parse(text: str) -> Address:
    """Return an e-mail address that somebody typed.

    Raises:
        Invalid: mail cannot be sent there.
    """
    try:
        valid = validate_email(text.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise Invalid(
            "email_invalid", N_("This is not a complete e-mail address."), field="email"
        ) from error
    return Address(valid.normalized.lower(), valid.normalized)


def shown(text: str) -> str:
    """Return an address that somebody typed as people write it; browsers send domains in ASCII."""
    try:
        return parse(text).typed
    except Invalid:
        return text


def key(text: str) -> str:
    """Return what tries under this name are counted as, whether it is an address or not."""
    try:
        return parse(text).normal
    except Invalid:
        return text.strip().lower()[:320]
