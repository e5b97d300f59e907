"""Phone apps reach what vouched for them, until somebody who may says no."""

import pytest

from db.base import db
from db.models import AuditEvent, Device, Level, User
from devices import app_tokens, invitations
from errors import Conflict, Invalid, NotFound, Unauthenticated
from tests.devices.conftest import NOW, person
from tests.devices.test_sharing import DAY, answer, share


def test_an_app_reaches_the_devices_that_vouched_for_it(parts, door, owner, stranger):
    app_tokens.vouch(door, "a-token-of-an-app", Level.OPERATOR, now=NOW)
    assert app_tokens.discover("a-token-of-an-app", now=NOW) == [(door, Level.OPERATOR)]
    row, acting = app_tokens.require("a-token-of-an-app", door.public_id, Level.OPERATOR)
    assert (row.device, acting) == (door, owner)
    with pytest.raises(NotFound):
        app_tokens.require("a-token-of-an-app", door.public_id, Level.MANAGER)
    with pytest.raises(Unauthenticated):
        app_tokens.discover("some-other-token-x", now=NOW)
    with pytest.raises(NotFound):
        app_tokens.of(door, by=stranger)


def test_a_revoked_app_is_refused_at_its_next_request(parts, door, owner):
    row = app_tokens.vouch(door, "a-token-of-an-app", Level.VIEWER, now=NOW)
    app_tokens.revoke(door, row.public_id, by=owner, bus=parts.bus, now=NOW, address="")
    with pytest.raises(Unauthenticated):
        app_tokens.discover("a-token-of-an-app", now=NOW)


def revoke_app(parts, door: Device, app, by: User | None) -> None:
    app_tokens.revoke(door, app.public_id, by=by, bus=parts.bus, now=NOW, address="")


def test_an_app_that_a_person_revoked_does_not_come_back_with_the_same_token(parts, door, owner):
    app = app_tokens.vouch(door, "a-token-of-an-app", Level.OPERATOR, now=NOW)
    revoke_app(parts, door, app, owner)
    revoke_app(parts, door, app, None)  # what the device says then changes nothing
    for later in (NOW, NOW + 1000 * DAY):
        app_tokens.forget_ended(now=later)
        with pytest.raises(Conflict) as refused:
            app_tokens.vouch(door, "a-token-of-an-app", Level.VIEWER, now=later)
        assert refused.value.code == "app_token_revoked"
        with pytest.raises(Unauthenticated):
            app_tokens.discover("a-token-of-an-app", now=later)
    anew = app_tokens.vouch(door, "a-new-token-of-the-app", Level.OPERATOR, now=NOW)
    assert app_tokens.discover("a-new-token-of-the-app", now=NOW) == [(door, Level.OPERATOR)]
    assert anew.public_id != app.public_id


def test_an_app_that_its_device_revoked_is_paired_again(parts, door, owner):
    app = app_tokens.vouch(door, "a-token-of-an-app", Level.OPERATOR, now=NOW)
    revoke_app(parts, door, app, None)
    app_tokens.vouch(door, "a-token-of-an-app", Level.VIEWER, now=NOW)
    assert app_tokens.discover("a-token-of-an-app", now=NOW) == [(door, Level.VIEWER)]
    revoke_app(parts, door, app, None)
    revoke_app(parts, door, app, owner)  # to be sure
    with pytest.raises(Conflict):
        app_tokens.vouch(door, "a-token-of-an-app", Level.VIEWER, now=NOW)


def test_paired_apps_end_with_a_new_owner(parts, door, owner, stranger):
    app = app_tokens.vouch(door, "a-token-of-an-app", Level.OPERATOR, now=NOW)
    offer = invitations.offer_ownership(door, stranger.email, by=owner, now=NOW, address="")
    app_tokens.require("a-token-of-an-app", door.public_id, Level.OPERATOR)  # until accepted
    answer(parts, offer, stranger)
    with pytest.raises(NotFound):
        app_tokens.require("a-token-of-an-app", door.public_id, Level.VIEWER)
    with pytest.raises(Unauthenticated):
        app_tokens.discover("a-token-of-an-app", now=NOW)
    with pytest.raises(Conflict):
        app_tokens.vouch(door, "a-token-of-an-app", Level.OPERATOR, now=NOW)
    line = db.session.query(AuditEvent).filter_by(action="app_token.revoke").one()
    assert line.detail == {"app": app.public_id}


def test_paired_apps_stay_when_no_owner_changes(parts, door, owner):
    app_tokens.vouch(door, "a-token-of-an-app", Level.OPERATOR, now=NOW)
    offer = share(parts, door, "manager@example.org", Level.MANAGER, owner)
    answer(parts, offer, person("manager"))
    declines = person("declines")
    offer = invitations.offer_ownership(door, declines.email, by=owner, now=NOW, address="")
    answer(parts, offer, declines, accept=False)
    app_tokens.require("a-token-of-an-app", door.public_id, Level.OPERATOR)


@pytest.mark.parametrize(
    ("secret", "level"), [("short", Level.VIEWER), ("a-token-of-an-app", Level.MANAGER)]
)
def test_an_app_token_must_be_secret_and_no_manager(parts, door, secret, level):
    with pytest.raises(Invalid):
        app_tokens.vouch(door, secret, level, now=NOW)
