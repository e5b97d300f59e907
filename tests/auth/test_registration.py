"""Registering and confirming: nothing tells who has an account, links act once and on a button."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import bcrypt
import jwt
import pytest
from freezegun import freeze_time

from auth import links, throttle
from auth.links import Purpose
from tests.auth.conftest import (
    NOW,
    PASSWORD,
    account,
    link,
    mails,
    member,
    register,
    text,
)

EMAIL = "ana@example.org"


def test_a_new_person_registers_confirms_and_logs_in(house, visitor):
    ana = visitor()
    answer = ana.submit("/register", email=EMAIL, password=PASSWORD, repeat=PASSWORD)
    assert answer.status_code == 200
    path = link(house, EMAIL)

    assert "Confirm my account" in ana.see(path).text
    answer = ana.submit(path)
    assert "Your account is confirmed" in answer.text
    assert not ana.is_in()

    answer = ana.log_in(EMAIL)
    assert (answer.status_code, answer.location) == (303, "/")
    assert ana.is_in()


def test_nobody_logs_in_before_the_address_is_confirmed(house, visitor):
    register(house, EMAIL)
    ana = visitor()
    answer = ana.log_in(EMAIL)
    assert answer.status_code == 403
    assert "confirm your e-mail" in text(answer)
    assert ana.log_in(EMAIL, "wrong-wrong-wrong").status_code == 401


def anonymous(answer, email: str) -> tuple[int, bytes, list[str]]:
    """What differs between two people only by what they typed and by their form tokens."""
    body = re.sub(rb'value="[\w.-]{60,}"|content="[\w.-]{60,}"', b"", answer.data)
    cookies = [line.split("=")[0] for line in answer.headers.getlist("Set-Cookie")]
    return answer.status_code, body.replace(email.encode(), b""), cookies


def test_known_and_unknown_addresses_get_the_same_answer(house, visitor, monkeypatch):
    member(house, "known@example.org")
    register(house, "waiting@example.org")
    hashed = []
    real = bcrypt.hashpw
    monkeypatch.setattr(
        bcrypt,
        "hashpw",
        lambda password, salt: (
            hashed.append(1) if len(password) == 64 else None,
            real(password, salt),
        )[1],
    )
    answers = {}
    for email in ("known@example.org", "waiting@example.org", "nobody@example.org"):
        for page, fields in (
            ("/register", {"password": PASSWORD, "repeat": PASSWORD}),
            ("/confirm", {}),
            ("/login", {"password": "wrong-wrong-wrong"}),
        ):
            hashed.clear()
            answer = visitor().submit(page, email=email, **fields)
            answers.setdefault(page, set()).add(repr(anonymous(answer, email)))
            assert len(hashed) == 1, (page, email)
    assert {page: len(kinds) for page, kinds in answers.items()} == {
        "/register": 1,
        "/confirm": 1,
        "/login": 1,
    }


def test_the_owner_of_a_known_address_is_told_and_nothing_changes(house, visitor):
    member(house, EMAIL)
    before = account(house, EMAIL).password_hash
    visitor().submit("/register", email="Ana@Example.ORG", password="x" + PASSWORD, repeat="")
    visitor().submit(
        "/register", email="Ana@Example.ORG", password="x" + PASSWORD, repeat="x" + PASSWORD
    )
    mail = mails(house, EMAIL)[-1]
    assert "already have an account" in mail.subject
    assert "token=" not in mail.text + mail.html
    assert account(house, EMAIL).password_hash == before


def test_opening_the_link_does_not_confirm_and_pressing_twice_says_so(house, visitor):
    register(house, EMAIL, now=NOW)
    path = link(house, EMAIL)
    with freeze_time(NOW):
        ana = visitor()
        assert ana.client.head(path).status_code == 200
        for _ in range(10):
            assert ana.see(path).status_code == 200
        assert account(house, EMAIL).confirmed_at is None
        ana.submit(path)
        assert account(house, EMAIL).confirmed_at == NOW
        answer = ana.submit(path)
    assert answer.status_code == 410
    assert "confirmed already" in text(answer)
    assert not ana.is_in()


@pytest.mark.parametrize(("seconds", "status"), [(1799, 200), (1801, 410)])
def test_a_link_lives_for_half_an_hour(house, visitor, seconds, status):
    register(house, EMAIL, now=NOW)
    with freeze_time(NOW + timedelta(seconds=seconds)):
        assert visitor().submit(link(house, EMAIL)).status_code == status


def forged(house, change=None, key=None, algorithm="HS256", drop=()):
    """A link like the real one, changed."""
    with house.app_context():
        real = links.issue(
            Purpose.CONFIRM,
            account(house, EMAIL).public_id,
            *facts(house),
            now=NOW,
        )
        claims = jwt.decode(real, options={"verify_signature": False})
        claims.update(change or {})
        for name in drop:
            del claims[name]
        return jwt.encode(claims, key or links._key("link"), algorithm=algorithm)


def facts(house):
    from auth.people import facts as of

    return of(account(house, EMAIL))


def test_forged_links_are_refused(house, visitor):
    register(house, EMAIL, now=NOW)
    page = link(house, EMAIL)
    check = page.partition("&check=")[2]
    with house.app_context():
        own = links._key("link")
    tokens = {
        "real": forged(house),
        "no algorithm": jwt.encode({"sub": "x"}, "", algorithm="none"),
        "other key": forged(house, key=b"k" * 32),
        "other algorithm": forged(house, key=own * 2, algorithm="HS512"),
        "no end": forged(house, drop=["exp"]),
        "other purpose": forged(house, {"aud": "reset"}),
        "no purpose": forged(house, drop=["aud"]),
        "other person": forged(house, {"sub": "a" * 16}),
        "person is a number": forged(house, {"sub": 1}),
        "end is a word": forged(house, {"exp": "soon"}),
        "end is a list": forged(house, {"exp": []}),
        "changed facts": forged(house, {"fp": "0" * 32}),
        "facts are a number": forged(house, {"fp": 5}),
        "long": "x" * 100_000,
        "not ASCII": "é.é.é",
        "cut": forged(house)[:-2],
        "empty": "",
    }
    refused = []
    with freeze_time(NOW):
        for name, token in tokens.items():
            if name != "real":
                ana = visitor()
                answer = ana.submit(page, token=token, check=check)
                refused.append((name, answer.status_code))
        assert {status for _, status in refused} <= {410, 413}, refused
        assert account(house, EMAIL).confirmed_at is None
        for wrong in ("", "é", "JDJiJDA0JA", check[:-3], "x" * 5000):
            answer = visitor().submit(page, token=tokens["real"], check=wrong)
            assert answer.status_code == 410
        assert visitor().submit(page, token=tokens["real"], check=check).status_code == 200


def test_who_registers_an_address_once_more_does_not_choose_its_password(house, visitor):
    others, chosen = "another-" + PASSWORD, "third-" + PASSWORD
    register(house, EMAIL)
    register(house, EMAIL, others)
    with freeze_time(NOW):
        assert visitor().submit(link(house, EMAIL, 0)).status_code == 410
        register(house, EMAIL, others)
        assert mails(house, EMAIL)[-1].template == "invitation"
        answer = visitor().submit(link(house, EMAIL), password=chosen, repeat=chosen)
        assert "Your account is ready" in answer.text
        for password, status in ((PASSWORD, 401), (others, 401), (chosen, 303)):
            assert visitor().log_in(EMAIL, password).status_code == status


def test_registering_again_with_the_same_password_sends_another_link(house, visitor):
    register(house, EMAIL)
    register(house, EMAIL)
    with freeze_time(NOW):
        assert "Your account is confirmed" in visitor().submit(link(house, EMAIL, 0)).text
        assert "confirmed already" in visitor().submit(link(house, EMAIL, 1)).text


def test_a_registration_that_is_sent_twice_at_once_keeps_its_password(house):
    def send(_number: int) -> None:
        with house.app_context():
            register(house, EMAIL)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(4)))
    assert {mail.template for mail in mails(house, EMAIL)} == {"confirm"}


def test_a_fresh_link_can_be_asked_for(house, visitor):
    register(house, EMAIL)
    visitor().submit("/confirm", email=EMAIL)
    assert len(mails(house, EMAIL)) == 2
    assert "Your account is confirmed" in visitor().submit(link(house, EMAIL)).text


def test_mails_to_one_address_are_few(house, visitor):
    with house.app_context():
        for _ in range(5):
            register(house, EMAIL)
        with pytest.raises(throttle.TooMany):
            register(house, EMAIL)
    answer = visitor().submit("/register", email=EMAIL, password=PASSWORD, repeat=PASSWORD)
    assert answer.status_code in {200, 429}


@pytest.mark.parametrize(
    "email",
    ["", "ana", "ana@", "a b@example.org", "a@example.org\nBcc: b@example.org", "@", "ü" * 400],
)
def test_what_is_no_address_is_refused(house, visitor, email):
    answer = visitor().submit("/register", email=email, password=PASSWORD, repeat=PASSWORD)
    assert answer.status_code in {400, 422}


def test_links_begin_with_app_url_whatever_host_a_request_names(house, visitor):
    ana = visitor()
    ana.client.environ_base["HTTP_HOST"] = "evil.example"
    ana.submit("/register", email=EMAIL, password=PASSWORD, repeat=PASSWORD)
    assert "evil" not in mails(house, EMAIL)[0].text


def test_account_pages_are_not_kept_and_tell_no_referrer(house, visitor):
    register(house, EMAIL, now=NOW)
    answer = visitor().see(link(house, EMAIL))
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
