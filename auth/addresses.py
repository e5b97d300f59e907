"""E-mail addresses: one form for comparing, the typed one for sending."""

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
    return Address(valid.normalized.casefold(), valid.ascii_email or valid.normalized)


def readable(text: str) -> str:
    """Return an address with its domain as people write it, not as it is sent to."""
    try:
        return validate_email(text, check_deliverability=False, allow_smtputf8=False).normalized
    except EmailNotValidError:
        return text  # a number, a chat


def key(text: str) -> str:
    """Return what tries under this name are counted as, whether it is an address or not."""
    try:
        return parse(text).normal
    except Invalid:
        return text.strip().casefold()[:320]
