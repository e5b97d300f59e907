"""What a guest link is to the person who made it: open, waiting, or over, and why."""

from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from auth import access
from db.models import GuestLink, Level
from devices import guest_terms, hours
from devices.guests import OPENABLE
from devices.hours import Verdict, When

MOST_PIN_FAILURES = 50  # then the link is dead until its owner makes another


class LinkState(StrEnum):
    """What a press on a link would come to now, as its owner sees it."""

    OPEN = "open"
    EARLY = "early"  # it opens later, or again later
    ENDED = "ended"  # its time or its maker's right is over, or the door shut out or no door now
    USED_UP = "used_up"
    BLOCKED = "blocked"  # too many wrong PINs
    REVOKED = "revoked"


LIVING = frozenset({LinkState.OPEN, LinkState.EARLY})


def state(link: GuestLink, *, now: datetime) -> LinkState:
    """Return what a link is at a moment."""
    if link.revoked_at is not None:
        return LinkState.REVOKED
    if link.max_uses is not None and link.uses >= link.max_uses:
        return LinkState.USED_UP
    if link.pin_failures >= MOST_PIN_FAILURES:
        return LinkState.BLOCKED
    if link.device.kind not in OPENABLE or access.shut_out(link.device) or not may_give(link):
        return LinkState.ENDED
    return {
        When.OPEN: LinkState.OPEN,
        When.EARLY: LinkState.EARLY,
        When.LATE: LinkState.ENDED,
    }[verdict(link, now=now).when]


def verdict(link: GuestLink, *, now: datetime) -> Verdict:
    """Return what the hours of a link say of a moment, whatever else became of it."""
    return hours.verdict(
        now,
        not_before=link.not_before,
        not_after=link.not_after,
        weekly=guest_terms.spans(link.weekly),
        zone=ZoneInfo(link.timezone),
    )


def may_give(link: GuestLink) -> bool:
    """Return whether whoever made a link still manages the door."""
    return (access.level(link.creator, link.device) or 0) >= Level.MANAGER
