"""The mark of a guest page that was shown: a press counts only with one.

The server makes it, bound to a link, a moment and a random number, and keeps nothing of it: it
comes back with the form.  A link that somebody found in a log opens nothing by itself, and one
page is one opening.
"""

import hmac
import re
import secrets
from datetime import datetime, timedelta

from auth.keys import Keys
from clock import from_ms, to_ms
from db.models import GuestLink
from errors import Conflict
from notify.mark import N_

FRESH = timedelta(hours=1)
AHEAD = timedelta(minutes=1)  # the clocks of two web servers may differ by so much
FORM = re.compile(r"([0-9a-f]{12})-[0-9a-f]{32}-[0-9a-f]{64}")  # one way to write each


def mark(link: GuestLink, *, keys: Keys, now: datetime) -> str:
    """Return the mark of a page that is shown now."""
    body = f"{to_ms(now):012x}-{secrets.token_hex(16)}"
    return f"{body}-{_signature(link, body, keys)}"


def check(given: str, link: GuestLink, *, keys: Keys, now: datetime) -> None:
    """Let a mark through that a page of this link was shown with not long ago.

    Raises:
        Conflict: page_stale.
    """
    found = FORM.fullmatch(given)
    body, _, signature = given.rpartition("-")
    if (
        found is None
        or not hmac.compare_digest(signature, _signature(link, body, keys))
        or not -AHEAD <= now - from_ms(int(found[1], 16)) < FRESH
    ):
        raise stale()


def stale() -> Conflict:
    """Return what is said to a guest whose page does not count any more."""
    return Conflict(
        "page_stale",
        N_("The door was not asked, because this page was no longer fresh. Please press again."),
    )


def _signature(link: GuestLink, body: str, keys: Keys) -> str:
    return keys.mac("guest-page", f"{link.public_id}|{body}")
