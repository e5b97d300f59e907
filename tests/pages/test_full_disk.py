"""While readings cannot be stored every page says so, until they can be again."""

import pytest

from db.telemetry.records import DiskFull
from tests.db.limits import limit

WORDS = "New readings cannot be stored just now"


def test_every_page_says_that_the_disk_is_full_until_it_is_not(portal, alice):
    door = portal.device(alice, "Door")
    portal.says(door, "note", "first")
    assert WORDS not in alice.get("/_dash-layout").text
    limit(portal.store, pages=1)  # not below what it has: it must not grow
    with pytest.raises(DiskFull):
        portal.says(door, "note", *["x" * 200 + str(number) for number in range(5000)])
    assert WORDS in alice.get("/_dash-layout").text
    limit(portal.store, pages=2**31)
    portal.says(door, "note", "last")
    assert WORDS not in alice.get("/_dash-layout").text
