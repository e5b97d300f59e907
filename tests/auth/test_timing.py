"""How long an answer takes tells nothing either, and many logins at once slow nobody else down."""

import concurrent.futures
import time

import pytest
from freezegun import freeze_time

import wiring
from auth import accounts, recovery, throttle
from tests.auth.conftest import HERE, NOW, PASSWORD, member, register

PAIRS = 30
NEITHER_SIDE_SLOWER_IN_MORE_THAN = 24  # two-sided sign test, p < 0.001


def took(call, *arguments: str) -> float:
    began = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - began


@pytest.mark.parametrize("flow", ["register", "resend", "recover", "login"])
def test_known_addresses_are_answered_as_fast_as_unknown_ones(inside, monkeypatch, flow):
    wiring.current().settings = wiring.current().settings.model_copy(update={"bcrypt_cost": 8})
    member(inside, "known@example.org")
    monkeypatch.setattr(throttle, "hit", lambda *_, **__: None)  # the limits are another test
    monkeypatch.setattr(throttle, "attempt", lambda *_, **__: None)

    def ask(email: str) -> None:
        options = {"now": NOW, "address": HERE}
        if flow == "register":
            accounts.register(email, PASSWORD, language="en", **options)
        elif flow == "resend":
            accounts.resend_confirmation(email, **options)
        elif flow == "recover":
            recovery.ask(email, language="en", **options)
        else:
            with pytest.raises(accounts.Unauthenticated):
                accounts.check_password(email, "wrong-wrong-wrong", **options)

    ask("known@example.org")
    ask("nobody@example.org")
    slower = 0
    for number in range(PAIRS):
        one, other = "known@example.org", f"n{number}@example.org"
        if number % 2:
            unknown, known = took(ask, other), took(ask, one)
        else:
            known, unknown = took(ask, one), took(ask, other)
        slower += known > unknown
    assert PAIRS - NEITHER_SIDE_SLOWER_IN_MORE_THAN <= slower <= NEITHER_SIDE_SLOWER_IN_MORE_THAN


def test_twenty_logins_at_once_leave_the_pages_of_others_quick(house, visitor):
    with house.app_context():
        parts = wiring.current()
        parts.settings = parts.settings.model_copy(update={"bcrypt_cost": 10})
    member(house, "ana@example.org")
    reader = visitor()
    with freeze_time(NOW, tick=True):
        assert reader.log_in("ana@example.org").status_code == 303
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            logins = [
                pool.submit(lambda name=name: visitor().log_in(f"{name}@example.org", "wrong-one"))
                for name in range(20)
            ]
            waits = []
            while not all(login.done() for login in logins):
                waits.append(took(reader.see, "/live"))
        statuses = {login.result().status_code for login in logins}
    waits.sort()
    assert statuses <= {401, 429, 503}
    assert len(waits) > 20
    assert waits[int(len(waits) * 0.95)] < 1.0


def test_a_crowd_before_the_hasher_is_sent_away_in_time(inside, monkeypatch):
    from auth import passwords
    from errors import Unavailable

    monkeypatch.setattr(passwords, "PATIENCE_S", 0.01)
    register(inside, "ana@example.org")
    with passwords._one_at_a_time, pytest.raises(Unavailable):
        accounts.check_password("ana@example.org", PASSWORD, now=NOW, address=HERE)
