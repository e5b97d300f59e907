"""Links in mails: signed, for one purpose, for half an hour, dead once they have been used.

Nothing is stored for them.  A link carries a fingerprint of what was true of its account when it
was made (address, password, confirmation, ...); as soon as any of that changes, it is over.
Besides the token a link has the parameter `check`, a bcrypt hash of the address it was mailed to.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlencode

import bcrypt
import jwt

import wiring
from errors import Gone
from notify.mark import N_

LIFETIME = timedelta(minutes=30)
LONGEST = 4096  # characters of a token
EMAIL_COST = 4  # an address is no secret: the signature is what protects the link


class Purpose(StrEnum):
    """What a link is for; one made for something else is refused."""

    CONFIRM = "confirm"
    INVITE = "invite"
    RESET = "reset"
    EMAIL = "email-change"
    UNDO = "email-undo"
    SECOND_STEP = "second-step"  # never mailed: between password and second factor


@dataclass(frozen=True, slots=True)
class Link:
    """What a genuine link says."""

    subject: str  # public id of the account
    number: str  # its own name
    fingerprint: str

    def fits(self, *facts: object) -> bool:
        """Return whether these facts still are what they were when the link was made."""
        return hmac.compare_digest(self.fingerprint, _fingerprint(facts))


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a link of ours says, whether it still works or not."""

    subject: str
    purpose: str
    expires: int  # s since 1970

    def ended(self, now: datetime) -> bool:
        """Return whether its time is over."""
        return self.expires <= now.timestamp()


def dead() -> Gone:
    """Return the one answer to links that are forged, expired, used or of deleted accounts."""
    return Gone("link_ended", N_("This link does not work any more. Please ask for a new one."))


def issue(
    purpose: Purpose,
    subject: str,
    *facts: object,
    now: datetime,
    lifetime: timedelta = LIFETIME,
    number: str = "",
) -> str:
    """Return a token for a link.

    Args:
        purpose: the only page that takes it.
        subject: public id of the account.
        facts: what must not change until the link is used.
        now: when the lifetime begins.
        lifetime: how long it works.
        number: a name for the link; a random one if empty.
    """
    claims = {
        "sub": subject,
        "aud": purpose.value,
        "jti": number or secrets.token_urlsafe(12),
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
        "fp": _fingerprint(facts),
    }
    return jwt.encode(claims, _key("link"), algorithm="HS256")


def read(purpose: Purpose, token: str, *, now: datetime) -> Link:
    """Return what a link says; the caller compares the facts.

    Raises:
        Gone: forged, cut, expired, or made for another purpose; all alike.
    """
    if len(token) > LONGEST:
        raise dead()
    try:
        claims = jwt.decode(
            token,
            _key("link"),
            algorithms=["HS256"],
            audience=purpose.value,
            options={
                "require": ["exp", "iat", "aud", "sub", "jti"],
                "verify_exp": False,  # compared below with the caller's clock
                "verify_iat": False,
            },
        )
        ended = int(claims["exp"]) <= now.timestamp()
        link = Link(str(claims["sub"]), str(claims["jti"]), str(claims.get("fp", "")))
    except (jwt.PyJWTError, TypeError, ValueError) as error:
        raise dead() from error
    if ended:
        raise dead()
    return link


def claimed(token: str) -> Claimed | None:
    """Return what a link says, used and expired ones too; None for one that we did not make."""
    try:
        claims = jwt.decode(
            token[: LONGEST + 1],
            _key("link"),
            algorithms=["HS256"],
            options={
                "require": ["exp", "aud", "sub"],
                "verify_aud": False,
                "verify_exp": False,
                "verify_iat": False,
            },
        )
        return Claimed(str(claims["sub"]), str(claims["aud"]), int(claims["exp"]))
    except (jwt.PyJWTError, TypeError, ValueError):
        return None


def hashed_email(email: str) -> str:
    """Return the parameter `check` of a link: the bcrypt hash of an address, safe in URLs."""
    made = bcrypt.hashpw(_digest(email), bcrypt.gensalt(EMAIL_COST))
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def is_for_email(check: str, email: str) -> bool:
    """Return whether the parameter `check` was made from this address."""
    try:
        kept = base64.b64decode(check + "=" * (-len(check) % 4), altchars=b"-_", validate=True)
        return kept.startswith(b"$2b$04$") and bcrypt.checkpw(_digest(email), kept)
    except (binascii.Error, ValueError):
        return False


def page(path: str, token: str = "", check: str = "") -> str:
    """Return the address to put into a mail; it begins with APP_URL, whatever a request says."""
    query = {name: value for name, value in (("token", token), ("check", check)) if value}
    ending = f"?{urlencode(query)}" if query else ""
    return f"{wiring.current().settings.url}{path}{ending}"


def _digest(email: str) -> bytes:
    return base64.b64encode(hashlib.sha256(email.encode()).digest())  # bcrypt takes 72 bytes


def _key(purpose: str) -> bytes:
    return hmac.digest(wiring.current().keys.jwt_secret, purpose.encode(), hashlib.sha256)


def _fingerprint(facts: tuple[object, ...]) -> str:
    message = "\x00".join(str(fact) for fact in facts).encode()
    return hmac.digest(_key("fingerprint"), message, hashlib.sha256)[:16].hex()
