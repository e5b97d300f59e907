"""Rights travel, and never further than the giver's."""

import contextlib
from datetime import timedelta
from itertools import permutations, product

import pytest
from flask import current_app

from auth import access, administration
from auth.keys import sha256
from db.base import db
from db.models import Device, Level, OutboxMessage, ShareToken, User
from devices import app_tokens, guest_visits, guests, invitations, share_tokens, sharing
from devices.guest_terms import Terms
from errors import Conflict, Forbidden, Invalid, NotFound
from tests.devices.conftest import NOW, give, person

DAY = timedelta(days=1)


def share(parts, door: Device, email: str, level: Level, by: User, now=NOW):
    return sharing.share(door, email, level, by=by, bus=parts.bus, now=now, address="192.0.2.1")


def answer(parts, offer, by: User, accept=True, now=NOW):
    return invitations.answer(
        offer.public_id, accept=accept, by=by, bus=parts.bus, now=now, address=""
    )


def test_somebody_with_an_account_has_the_level_at_once_and_is_told(parts, door, owner, stranger):
    share(parts, door, "Stranger@Example.org", Level.OPERATOR, owner)
    assert access.level(stranger, door) is Level.OPERATOR
    assert db.session.query(OutboxMessage).one().recipient == "Stranger@example.org"


def test_somebody_without_an_account_has_it_after_accepting(parts, door, owner):
    offer = share(parts, door, "new@example.org", Level.VIEWER, owner)
    new = person("new")
    assert access.level(new, door) is None
    assert [waiting.id for waiting in invitations.waiting(new, now=NOW)] == [offer.id]
    answer(parts, offer, new)
    assert access.level(new, door) is Level.VIEWER


def test_an_invitation_is_for_its_address_only_and_once(parts, door, owner, stranger):
    offer = share(parts, door, "new@example.org", Level.VIEWER, owner)
    with pytest.raises(NotFound):
        answer(parts, offer, stranger)
    new = person("new")
    answer(parts, offer, new, accept=False)
    with pytest.raises(NotFound):
        answer(parts, offer, new)
    assert access.level(new, door) is None


def test_an_invitation_ends_after_two_weeks(parts, door, owner):
    offer = share(parts, door, "new@example.org", Level.VIEWER, owner)
    with pytest.raises(NotFound):
        answer(parts, offer, person("new"), now=NOW + 14 * DAY)


def test_an_invitation_is_worth_what_its_giver_may_give_when_it_is_accepted(parts, door, owner):
    helper = person("helper")
    give(helper, door, Level.MANAGER)
    offer = share(parts, door, "new@example.org", Level.MANAGER, helper)
    sharing.remove(door, helper.public_id, by=owner, bus=parts.bus, now=NOW, address="")
    new = person("new")
    with pytest.raises(NotFound):
        answer(parts, offer, new)
    assert access.level(new, door) is None


def change(parts, door: Device, holder: str, level: Level, by: User, now=NOW):
    return sharing.change(door, holder, level, by=by, bus=parts.bus, now=now, address="")


def test_who_changes_an_invitation_gives_no_more_than_they_have(parts, door, owner, stranger):
    offer = share(parts, door, "new@example.org", Level.MANAGER, owner)
    for level, error in ((None, NotFound), (Level.VIEWER, Forbidden), (Level.OPERATOR, Forbidden)):
        helper = person(f"helper-{level}")
        if level:
            give(helper, door, level)
        with pytest.raises(error):
            change(parts, door, offer.public_id, Level.VIEWER, helper)
    hand_over = invitations.offer_ownership(door, "heir@example.org", by=owner, now=NOW, address="")
    give(stranger, door, Level.MANAGER)
    with pytest.raises(Forbidden):
        change(parts, door, hand_over.public_id, Level.VIEWER, stranger)
    with pytest.raises(Forbidden):
        invitations.withdraw(door, hand_over.public_id, by=stranger, now=NOW, address="")
    change(parts, door, offer.public_id, Level.VIEWER, stranger)
    answer(parts, offer, new := person("new"))
    assert access.level(new, door) is Level.VIEWER


def test_an_invitation_that_was_changed_is_worth_what_the_changer_may_give(parts, door, owner):
    helper = person("helper")
    give(helper, door, Level.MANAGER)
    offer = share(parts, door, "new@example.org", Level.VIEWER, helper)
    sharing.remove(door, helper.public_id, by=owner, bus=parts.bus, now=NOW, address="")
    change(parts, door, offer.public_id, Level.OPERATOR, owner)
    answer(parts, offer, new := person("new"))
    assert access.level(new, door) is Level.OPERATOR


def test_an_invitation_that_has_ended_is_not_changed(parts, door, owner):
    offer = share(parts, door, "new@example.org", Level.VIEWER, owner)
    with pytest.raises(NotFound):
        change(parts, door, offer.public_id, Level.OPERATOR, owner, now=NOW + 14 * DAY)
    invitations.withdraw(door, offer.public_id, by=owner, now=NOW, address="")
    with pytest.raises(NotFound):
        change(parts, door, offer.public_id, Level.OPERATOR, owner)


def test_nobody_gives_or_takes_more_than_they_have(parts, door, owner, stranger):
    helper = person("helper")
    give(helper, door, Level.OPERATOR)
    with pytest.raises(Forbidden):
        share(parts, door, "new@example.org", Level.VIEWER, helper)
    with pytest.raises(NotFound):
        share(parts, door, "new@example.org", Level.VIEWER, stranger)
    with pytest.raises(Invalid):
        share(parts, door, "new@example.org", Level.OWNER, owner)
    give(stranger, door, Level.MANAGER)
    with pytest.raises(Forbidden):
        sharing.remove(door, owner.public_id, by=stranger, bus=parts.bus, now=NOW, address="")


def test_everybody_but_the_owner_may_leave(parts, door, owner, stranger):
    give(stranger, door, Level.VIEWER)
    sharing.remove(door, stranger.public_id, by=stranger, bus=parts.bus, now=NOW, address="")
    assert access.level(stranger, door) is None
    with pytest.raises(Conflict):
        sharing.remove(door, owner.public_id, by=owner, bus=parts.bus, now=NOW, address="")


def test_ownership_moves_when_the_receiver_accepts(parts, door, owner, stranger):
    offer = invitations.offer_ownership(door, stranger.email, by=owner, now=NOW, address="")
    assert access.level(owner, door) is Level.OWNER
    answer(parts, offer, stranger)
    assert access.level(stranger, door) is Level.OWNER
    assert access.level(owner, door) is Level.MANAGER


def test_nobody_becomes_an_owner_while_being_switched_off(parts, door, owner, stranger):
    """The request was let in a moment before; the broker has been told already."""
    offer = invitations.offer_ownership(door, stranger.email, by=owner, now=NOW, address="")
    with current_app._get_current_object().app_context():
        administration.disable(db.session.get(User, stranger.id), by=None, now=NOW)
    assert stranger.disabled_at is None  # as the request knows it
    with pytest.raises(NotFound):
        answer(parts, offer, stranger)
    assert access.level(owner, door) is Level.OWNER


def test_sharing_twice_with_the_same_person_is_a_conflict(parts, door, owner, stranger):
    share(parts, door, stranger.email, Level.VIEWER, owner)
    with pytest.raises(Conflict):
        share(parts, door, stranger.email, Level.OPERATOR, owner)


def test_accepting_never_lowers_a_level(parts, door, owner):
    offer = share(parts, door, "new@example.org", Level.VIEWER, owner)
    new = person("new")
    give(new, door, Level.MANAGER)
    answer(parts, offer, new)
    assert access.level(new, door) is Level.MANAGER


def token(door, owner, **terms) -> str:
    wanted = {"level": Level.MANAGER, "max_uses": 1, "expires_at": NOW + DAY, "label": "Ines"}
    return share_tokens.create(door, **(wanted | terms), by=owner, now=NOW, address="")[1]


def redeem(parts, secret: str, by: User, now=NOW) -> Device:
    return share_tokens.redeem(secret, by=by, bus=parts.bus, now=now, address="")


def withdraw(parts, door, by) -> None:
    """Revoke the newest share token of a door."""
    newest = share_tokens.of(door, by=by)[0].public_id
    share_tokens.revoke(door, newest, by=by, bus=parts.bus, now=NOW, address="")


def test_a_revoked_share_token_takes_back_what_it_gave_and_nothing_else(parts, door, owner):
    ines, had, raised, more = (person(name) for name in ("ines", "had", "raised", "more"))
    give(had, door, Level.MANAGER)
    give(raised, door, Level.VIEWER)
    secret = token(door, owner, level=Level.OPERATOR, max_uses=9)
    for one in (ines, had, raised, more):
        redeem(parts, secret, one)
    sharing.change(door, more.public_id, Level.VIEWER, by=owner, bus=parts.bus, now=NOW, address="")

    withdraw(parts, door, owner)
    withdraw(parts, door, owner)  # once more: nothing is left to take

    levels = [access.level(one, door) for one in (ines, had, raised, more)]
    assert levels == [None, Level.MANAGER, Level.VIEWER, Level.VIEWER]


def revoke(parts, door, secret: str, by: User) -> None:
    mine = db.session.query(ShareToken).filter_by(token_hash=sha256(secret)).one()
    share_tokens.revoke(door, mine.public_id, by=by, bus=parts.bus, now=NOW, address="")


@pytest.mark.parametrize("by_hand", [None, Level.OPERATOR])
def test_who_redeemed_several_share_tokens_has_the_highest_that_is_left(
    parts, door, owner, by_hand
):
    orders = product(permutations(sharing.SHAREABLE), permutations(range(3)))
    for number, (given, revoked) in enumerate(orders):
        redeemer = person(f"redeemer{number}")
        if by_hand is not None:
            give(redeemer, door, by_hand)
        secrets = [token(door, owner, level=level) for level in given]
        for secret in secrets:
            redeem(parts, secret, redeemer)
        left = dict(enumerate(given))
        for place in revoked:
            revoke(parts, door, secrets[place], owner)
            del left[place]
            highest = max([by_hand or 0, *left.values()])
            assert (access.level(redeemer, door) or 0) == highest, (given, revoked, place)


def test_of_two_share_tokens_for_the_same_level_one_is_enough(parts, door, owner, stranger):
    first, second = (token(door, owner, level=Level.OPERATOR) for _ in range(2))
    redeem(parts, first, stranger)
    redeem(parts, second, stranger)
    revoke(parts, door, first, owner)
    assert access.level(stranger, door) is Level.OPERATOR
    revoke(parts, door, second, owner)
    assert access.level(stranger, door) is None


def test_a_revoked_share_token_leaves_nothing_behind_when_it_is_forgotten(
    parts, door, owner, stranger
):
    first = token(door, owner, level=Level.OPERATOR)
    second = token(door, owner, expires_at=NOW + 300 * DAY)
    redeem(parts, first, stranger)
    redeem(parts, second, stranger)
    revoke(parts, door, first, owner)
    share_tokens.forget_ended(now=NOW + 100 * DAY)
    revoke(parts, door, second, owner)
    assert access.level(stranger, door) is None


def test_a_level_that_somebody_lowered_stays_as_it_is(parts, door, owner, stranger):
    first, second = token(door, owner, level=Level.OPERATOR), token(door, owner)
    redeem(parts, first, stranger)
    lowered = {"by": owner, "bus": parts.bus, "now": NOW, "address": ""}
    sharing.change(door, stranger.public_id, Level.VIEWER, **lowered)
    redeem(parts, second, stranger)
    revoke(parts, door, second, owner)
    assert access.level(stranger, door) is Level.VIEWER
    revoke(parts, door, first, owner)
    assert access.level(stranger, door) is Level.VIEWER


def test_a_level_given_by_hand_after_a_removal_is_not_the_tokens(parts, door, owner, stranger):
    secret = token(door, owner, level=Level.OPERATOR)
    redeem(parts, secret, stranger)
    sharing.remove(door, stranger.public_id, by=owner, bus=parts.bus, now=NOW, address="")
    share(parts, door, stranger.email, Level.OPERATOR, owner, now=NOW + DAY)
    revoke(parts, door, secret, owner)
    assert access.level(stranger, door) is Level.OPERATOR


def test_a_share_token_gives_its_level_and_says_who_used_it(parts, door, owner, stranger):
    redeem(parts, token(door, owner), stranger)
    assert access.level(stranger, door) is Level.MANAGER
    assert share_tokens.of(door, by=owner)[0].redemptions[0].who == stranger.email


def test_a_share_token_for_one_use_works_for_one_person(parts, door, owner, stranger):
    secret = token(door, owner)
    redeem(parts, secret, stranger)
    redeem(parts, secret, stranger)  # again by the same person: nothing is used up
    with pytest.raises(NotFound):
        redeem(parts, secret, person("another"))


@pytest.mark.parametrize("uses", [1, 5])
def test_a_share_token_lets_nobody_back_in_who_was_removed(parts, door, owner, stranger, uses):
    secret = token(door, owner, level=Level.OPERATOR, max_uses=uses)
    redeem(parts, secret, stranger)
    sharing.remove(door, stranger.public_id, by=owner, bus=parts.bus, now=NOW, address="")
    with pytest.raises(NotFound):
        redeem(parts, secret, stranger)
    assert access.level(stranger, door) is None


def test_a_share_token_raises_nobody_again_who_was_lowered(parts, door, owner, stranger):
    secret = token(door, owner, max_uses=5)
    redeem(parts, secret, stranger)
    lowered = {"by": owner, "bus": parts.bus, "now": NOW, "address": ""}
    sharing.change(door, stranger.public_id, Level.VIEWER, **lowered)
    with pytest.raises(NotFound):
        redeem(parts, secret, stranger)
    assert access.level(stranger, door) is Level.VIEWER
    assert share_tokens.of(door, by=owner)[0].uses == 1


def test_share_tokens_end(parts, door, owner, stranger):
    late, revoked = token(door, owner), token(door, owner)
    withdraw(parts, door, owner)
    with pytest.raises(NotFound):
        redeem(parts, late, stranger, now=NOW + DAY)
    with pytest.raises(NotFound):
        redeem(parts, revoked, stranger)
    with pytest.raises(NotFound):
        redeem(parts, "share_unknown", stranger)


def test_a_share_token_is_worth_nothing_when_its_maker_has_lost_the_right(parts, door, owner):
    helper = person("helper")
    give(helper, door, Level.MANAGER)
    secret = token(door, helper, level=Level.VIEWER)
    sharing.remove(door, helper.public_id, by=owner, bus=parts.bus, now=NOW, address="")
    with pytest.raises(NotFound):
        redeem(parts, secret, person("another"))


def put_out(parts, door, holder: str, by: User) -> None:
    sharing.remove(door, holder, by=by, bus=parts.bus, now=NOW, address="")


def lower(parts, door, holder: str, by: User) -> None:
    change(parts, door, holder, Level.OPERATOR, by)


def keep(parts, door, holder: str, by: User) -> None:
    change(parts, door, holder, Level.MANAGER, by)


@pytest.mark.parametrize(("loses", "lasts"), [(lower, False), (put_out, False), (keep, True)])
def test_what_a_manager_handed_out_ends_for_good_with_the_level(parts, door, owner, loses, lasts):
    helper = person("helper")
    give(helper, door, Level.MANAGER)
    secret, engineer = token(door, helper, level=Level.VIEWER, max_uses=2), person("engineer")
    redeem(parts, secret, engineer)
    terms = Terms("Mia", NOW, NOW + DAY, "UTC")
    _, url = guests.create(door, terms, by=helper, keys=parts.keys, url="", now=NOW, address="")

    loses(parts, door, helper.public_id, owner)
    if access.level(helper, door) is None:
        give(helper, door, Level.MANAGER)
    change(parts, door, helper.public_id, Level.MANAGER, owner)

    for ask in (
        lambda: guest_visits.look(url.rpartition("/")[2], now=NOW),
        lambda: redeem(parts, secret, person("another")),
    ):
        with contextlib.nullcontext() if lasts else pytest.raises(NotFound):
            ask()
    assert access.level(engineer, door) is Level.VIEWER  # what a token gave stays


def test_tokens_that_ended_a_while_ago_are_forgotten(parts, door, owner, stranger):
    runs_out = NOW + DAY
    redeem(parts, token(door, owner, expires_at=runs_out), stranger)
    token(door, owner, expires_at=NOW + 300 * DAY)
    app = app_tokens.vouch(door, "a-token-of-an-app", Level.VIEWER, now=NOW)
    app_tokens.vouch(door, "another-token-of-an-app", Level.VIEWER, now=NOW)
    app_tokens.revoke(door, app.public_id, by=None, bus=parts.bus, now=runs_out, address="")

    for kind in (share_tokens, app_tokens):
        assert kind.forget_ended(now=runs_out + 90 * DAY) == 0
        assert kind.forget_ended(now=runs_out + 91 * DAY) == 1
        assert kind.forget_ended(now=runs_out + 91 * DAY) == 0
    assert len(share_tokens.of(door, by=owner)) == len(app_tokens.of(door, by=owner)) == 1
    assert access.level(stranger, door) is Level.MANAGER  # what a token gave stays
