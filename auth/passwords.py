"""Passwords: how they are kept, compared and judged.

A password is normalised (NFKC), so that it works from every keyboard, put through HMAC-SHA384
with a key of this server, so that it fits into bcrypt's 72 bytes whole and a stolen database
alone is of no use, and then through bcrypt.
"""

import base64
import hashlib
import hmac
import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import bcrypt

import wiring
from errors import AppError, Unavailable
from notify.mark import N_

SHORTEST = 8  # characters
LONGEST = 1024  # bytes; a limit only against abuse
JUDGED = 72  # zxcvbn refuses more characters
GOOD_ENOUGH = 3  # of 4
PATIENCE_S = 20.0

# Hashing is slow on purpose and runs outside the interpreter's lock: one at a time leaves the
# other processors to pages and live streams however many people log in at once.
_one_at_a_time = threading.Lock()
_turns = [threading.Lock() for _ in range(64)]


def hash_password(password: str) -> str:
    """Return the form in which a password is kept.

    Raises:
        AppError: the password is longer than LONGEST bytes.
        Unavailable: too many others are waiting to be hashed.
    """
    cost = wiring.current().settings.bcrypt_cost
    return _bcrypt(_prepared(password), bcrypt.gensalt(cost)).decode()


def verify(password: str, stored: str) -> bool:
    """Return whether `stored` was made from this password.

    It takes the same time whether there is a stored hash or none (an empty text).

    Raises:
        AppError: the password is longer than LONGEST bytes.
        Unavailable: too many others are waiting to be hashed.
    """
    salt = stored.encode() or bcrypt.gensalt(wiring.current().settings.bcrypt_cost)
    return hmac.compare_digest(_bcrypt(_prepared(password), salt), stored.encode())


def take_time() -> None:
    """Hash for nothing: what differs for known and unknown addresses drowns in it.

    Raises:
        Unavailable: too many others are waiting to be hashed.
    """
    verify("", "")


def is_outdated(stored: str) -> bool:
    """Return whether a hash was made with another cost than is set now."""
    cost = re.match(r"\$2b\$(\d\d)\$", stored)
    return cost is None or int(cost[1]) != wiring.current().settings.bcrypt_cost


def check_length(password: str) -> None:
    """Refuse what is too long to be worth hashing.

    Raises:
        AppError: the password is longer than LONGEST bytes.
    """
    if len(password.encode("utf-8", "replace")) > LONGEST:
        raise AppError("password_too_long", N_("This password is too long."))


def check(password: str, context: Iterable[str] = ()) -> None:
    """Refuse passwords that are easily guessed; rules on kinds of characters there are none.

    Args:
        password: what the person wants.
        context: words an attacker would try first, such as the parts of the e-mail address.

    Raises:
        AppError: too short, too long, or one of the first billion guesses.
    """
    from zxcvbn import zxcvbn  # its lists of words take 12 MB: not before somebody needs them

    check_length(password)
    if len(password) < SHORTEST:
        raise AppError(
            "password_too_short",
            N_("The password needs at least %(shortest)s characters."),
            shortest=SHORTEST,
        )
    words = ["gatehouse", *(word for part in context for word in (part, *re.split(r"\W+", part)))]
    judged = zxcvbn(password[:JUDGED], user_inputs=[word for word in words if word])
    if judged["score"] < GOOD_ENOUGH:
        raise AppError(
            "password_too_weak",
            N_("This password is easily guessed. Several unrelated words make a good one."),
        )


def _prepared(password: str) -> bytes:
    check_length(password)
    normal = unicodedata.normalize("NFKC", password).encode("utf-8", "replace")
    pepper = wiring.current().keys.derive("password")
    return base64.b64encode(hmac.digest(pepper, normal, hashlib.sha384))


def _bcrypt(prepared: bytes, salt: bytes) -> bytes:
    """Return the bcrypt hash; the one place where it is made."""
    with _patiently(_one_at_a_time):
        return bcrypt.hashpw(prepared, salt)


@contextmanager
def in_turn(name: str) -> Iterator[None]:
    """Let those of one name come one after another, so that each sees what the last one counted.

    Hashing is one at a time anyway, so nobody waits longer for it, and others wait less.

    Raises:
        Unavailable: too many others are waiting.
    """
    with _patiently(_turns[hash(name) % len(_turns)]):
        yield


@contextmanager
def _patiently(lock: threading.Lock) -> Iterator[None]:
    if not lock.acquire(timeout=PATIENCE_S):
        raise Unavailable("busy", N_("Too many people are logging in just now. Please try again."))
    try:
        yield
    finally:
        lock.release()
