"""Access and refresh tokens of programs."""

import base64
import json
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import jwt
import pytest
from flask import Flask
from sqlalchemy import select

import wiring
from auth import refresh
from clock import utcnow
from db.base import db, transaction
from db.models import ApiToken, AuditEvent, User
from errors import NotFound, Unauthenticated

SECOND = timedelta(seconds=1)


@pytest.fixture
def now():
    return utcnow().replace(microsecond=0)


@pytest.fixture
def keys(server: Flask):
    return wiring.current().keys


@pytest.fixture
def alice(person: Callable[..., User]) -> User:
    return person("alice")


@pytest.fixture
def pair(alice, keys, now):
    return refresh.begin(alice, keys=keys, label="script", now=now)


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(Unauthenticated) as caught:
        call()
    return caught.value.code


def test_an_access_token_names_its_person_for_half_an_hour(alice, keys, now, pair):
    almost = now + timedelta(minutes=30) - SECOND
    assert refresh.authenticate(pair.access_token, keys=keys, now=almost).user.id == alice.id

    late = now + timedelta(minutes=30)
    code = refusal(lambda: refresh.authenticate(pair.access_token, keys=keys, now=late))
    assert code == "access_token_expired"


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize(
    "forge",
    [
        lambda claims, key: jwt.encode(claims, "x" * 32, "HS256"),
        lambda claims, key: jwt.encode(claims, key, "HS512"),
        lambda claims, key: jwt.encode(claims | {"aud": "confirm"}, key, "HS256"),
        lambda claims, key: jwt.encode({"sub": claims["sub"]}, key, "HS256"),
        lambda claims, key: jwt.encode(claims | {"sid": "other"}, key, "HS256"),
        lambda claims, key: jwt.encode(claims | {"exp": "soon"}, key, "HS256"),
        lambda claims, key: jwt.encode(claims | {"exp": 10**30}, key, "HS256"),
        lambda claims, key: (
            base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
            + "."
            + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
            + "."
        ),
        lambda claims, key: "é.é.é",
        lambda claims, key: "a" * 100_000,
        lambda claims, key: "",
    ],
    ids=["key", "alg", "aud", "no exp", "sid", "exp text", "exp far", "none", "é", "long", "empty"],
)
def test_a_forged_access_token_is_refused(forge, keys, now, pair):
    claims = jwt.decode(pair.access_token, options={"verify_signature": False})
    forged = forge(claims, keys.jwt_secret)

    code = refusal(lambda: refresh.authenticate(forged, keys=keys, now=now))

    assert code == "access_token_invalid"


def test_a_refresh_token_is_exchanged_for_another_pair(alice, keys, now, pair):
    later = now + timedelta(hours=1)
    second = refresh.refresh(pair.refresh_token, keys=keys, now=later)

    assert second.refresh_token != pair.refresh_token
    assert second.expires_in == 1800
    assert refresh.authenticate(second.access_token, keys=keys, now=later).user.id == alice.id


def test_a_lost_answer_is_given_again_for_ten_seconds(keys, now, pair):
    first = refresh.refresh(pair.refresh_token, keys=keys, now=now)
    again = refresh.refresh(pair.refresh_token, keys=keys, now=now + 10 * SECOND)

    assert (again.access_token, again.refresh_token) == (first.access_token, first.refresh_token)
    assert again.expires_in == first.expires_in - 10


def test_reuse_ends_the_whole_family_and_its_access_tokens(keys, now, pair):
    second = refresh.refresh(pair.refresh_token, keys=keys, now=now)
    late = now + 11 * SECOND

    assert refusal(lambda: refresh.refresh(pair.refresh_token, keys=keys, now=late)) == (
        "refresh_token_reused"
    )
    assert refusal(lambda: refresh.refresh(second.refresh_token, keys=keys, now=late)) == (
        "refresh_token_invalid"
    )
    for one in (pair, second):
        assert refusal(lambda one=one: refresh.authenticate(one.access_token, keys=keys, now=late))
    assert db.session.scalar(select(AuditEvent).filter_by(action="token.reuse"))


def test_the_pause_for_lost_answers_ends_when_the_new_token_was_used(keys, now, pair):
    second = refresh.refresh(pair.refresh_token, keys=keys, now=now)
    refresh.refresh(second.refresh_token, keys=keys, now=now + SECOND)

    code = refusal(lambda: refresh.refresh(pair.refresh_token, keys=keys, now=now + 2 * SECOND))

    assert code == "refresh_token_reused"


def test_twenty_refreshes_at_once_make_one_generation(server, keys, now, pair):
    got: list[str] = []

    def exchange():
        with server.app_context():
            got.append(refresh.refresh(pair.refresh_token, keys=keys, now=now).refresh_token)

    threads = [threading.Thread(target=exchange) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(got) == 20
    assert len(set(got)) == 1
    db.session.rollback()  # ends the read that began before
    assert len(db.session.scalars(select(ApiToken)).all()) == 2


@pytest.mark.parametrize("days", [31, 91])
def test_a_token_that_nobody_used_for_a_month_has_ended(days, keys, now, pair):
    late = now + timedelta(days=days)
    code = refusal(lambda: refresh.refresh(pair.refresh_token, keys=keys, now=late))
    assert code == "refresh_token_invalid"


def test_a_family_ends_after_ninety_days_however_often_it_is_used(keys, now, pair):
    token = pair.refresh_token
    for day in (25, 50, 75, 89):
        token = refresh.refresh(token, keys=keys, now=now + timedelta(days=day)).refresh_token

    late = now + timedelta(days=90)
    assert refusal(lambda: refresh.refresh(token, keys=keys, now=late)) == "refresh_token_invalid"


@pytest.mark.parametrize(
    "change", [{"epoch": 1}, {"disabled_at": utcnow()}], ids=["epoch", "disabled"]
)
def test_a_person_who_ended_everything_or_is_disabled_has_no_tokens(change, alice, keys, now, pair):
    with transaction():
        for name, value in change.items():
            setattr(alice, name, value)

    assert refusal(lambda: refresh.authenticate(pair.access_token, keys=keys, now=now))
    assert refusal(lambda: refresh.refresh(pair.refresh_token, keys=keys, now=now))


def test_revoking_ends_access_and_an_unknown_token_is_no_error(keys, now, pair):
    refresh.revoke("ref_unknown", now=now)
    refresh.revoke(pair.refresh_token, now=now)

    assert refusal(lambda: refresh.authenticate(pair.access_token, keys=keys, now=now))


def test_people_see_and_end_their_own_programs_only(alice, person, keys, now, pair):
    (family,) = refresh.families(alice, now=now)
    assert (family.label, family.created_at) == ("script", now)

    with pytest.raises(NotFound):
        refresh.end_family(person("mallory"), family.id, now=now)
    refresh.end_family(alice, family.id, now=now)

    assert refresh.families(alice, now=now) == []
    with pytest.raises(NotFound):
        refresh.end_family(alice, family.id, now=now)


def test_no_token_is_kept_in_clear(settings, keys, now, pair):
    second = refresh.refresh(pair.refresh_token, keys=keys, now=now)
    db.session.remove()

    kept = b"".join(path.read_bytes() for path in settings.instance_dir.glob("*.sqlite*"))

    for secret in (pair.refresh_token, second.refresh_token, second.access_token):
        assert secret.encode() not in kept


def test_what_ended_is_forgotten_after_a_week_and_what_lives_is_not(alice, keys, now, pair):
    ended = refresh.begin(alice, keys=keys, label="ended", now=now)
    refresh.revoke(ended.refresh_token, now=now)
    exchanged = refresh.refresh(pair.refresh_token, keys=keys, now=now)

    assert refresh.forget_ended(now=now + refresh.KEPT) == 0
    assert refresh.forget_ended(now=now + refresh.KEPT + SECOND) == 1
    assert refresh.refresh(exchanged.refresh_token, keys=keys, now=now + SECOND)
    late = now + refresh.FAMILY_LIFETIME + refresh.KEPT + SECOND
    assert refresh.forget_ended(now=late) == 3


def test_an_ended_token_that_comes_back_leaves_a_line(alice, keys, now, pair):
    refresh.revoke(pair.refresh_token, now=now)
    for token in [pair.refresh_token] * 5 + ["ref_unknown"]:
        call = partial(refresh.refresh, token, keys=keys, now=now, address="192.0.2.1")
        assert refusal(call) == "refresh_token_invalid"
    [row] = db.session.scalars(select(AuditEvent).filter_by(action="token.ended"))
    assert (row.user_id, row.result, row.address) == (alice.id, "refused", "192.0.2.1")
