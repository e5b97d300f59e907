"""What a guest link is to the person who made it: open, waiting, or over, and why."""

from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from auth import access
from db.models import GuestLink, Level
from devices import guests, hours
from devices.hours import When


class LinkState(StrEnum):
    """What a press on a link would come to now, as its owner sees it."""

    OPEN = "open"
    EARLY = "early"  # it opens later, or again later
    ENDED = "ended"  # its time is over, or whoever made it has lost the right
    USED_UP = "used_up"
    BLOCKED = "blocked"  # too many wrong PINs
    REVOKED = "revoked"


def state(link: GuestLink, *, now: datetime) -> LinkState:
    """Return what a link is at a moment."""
    if link.revoked_at is not None:
        return LinkState.REVOKED
    if link.max_uses is not None and link.uses >= link.max_uses:
        return LinkState.USED_UP
    if link.pin_failures >= guests.MOST_PIN_FAILURES:
        return LinkState.BLOCKED
    if link.device.revoked_at is not None or not _may_give(link):
        return LinkState.ENDED
    verdict = hours.verdict(
        now,
        not_before=link.not_before,
        not_after=link.not_after,
        weekly=guests.spans(link.weekly),
        zone=ZoneInfo(link.timezone),
    )
    return {
        When.OPEN: LinkState.OPEN,
        When.EARLY: LinkState.EARLY,
        When.LATE: LinkState.ENDED,
    }[verdict.when]


def _may_give(link: GuestLink) -> bool:
    return (access.level(link.creator, link.device) or 0) >= Level.MANAGER
