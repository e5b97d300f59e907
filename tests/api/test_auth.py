"""Tokens of people over HTTP."""

import pytest

from tests.api.conftest import PASSWORD
from tests.api.test_errors import problem


def post(server, path: str, **body):
    return server.test_client().post(f"/api/v1/auth/{path}", json=body)


@pytest.fixture
def alice(person):
    return person("alice")


def test_a_program_logs_in_and_asks_who_it_is(server, alice):
    tokens = post(server, "token", email=alice.email.upper(), password=PASSWORD)

    assert tokens.status_code == 200
    assert (tokens.json["token_type"], tokens.json["expires_in"]) == ("Bearer", 1800)
    assert tokens.headers["Cache-Control"] == "no-store"
    headers = {"Authorization": f"Bearer {tokens.json['access_token']}"}
    me = server.test_client().get("/api/v1/me", headers=headers)
    assert (me.json["email"], me.json["roles"]) == (alice.email, ["user"])


def test_wrong_and_unknown_get_the_same_answer(server, alice):
    wrong = post(server, "token", email=alice.email, password="wrong copper kettle")
    unknown = post(server, "token", email="nobody@example.org", password=PASSWORD)

    assert problem(wrong, 401)["code"] == "wrong_credentials"
    assert wrong.data == unknown.data


def test_an_account_that_is_not_confirmed_is_told_so_only_with_the_right_password(server, person):
    email = person("carol", confirmed_at=None).email

    right = post(server, "token", email=email, password=PASSWORD)
    wrong = post(server, "token", email=email, password="wrong copper kettle")

    assert problem(right, 403)["code"] == "not_confirmed"
    assert problem(wrong, 401)["code"] == "wrong_credentials"


def test_the_sixth_wrong_password_is_429_even_for_the_right_one(server, alice):
    for _ in range(5):
        problem(post(server, "token", email=alice.email, password="wrong"), 401)

    answer = post(server, "token", email=alice.email, password=PASSWORD)

    assert int(answer.headers["Retry-After"]) > 0
    problem(answer, 429)


def test_a_refresh_token_used_twice_ends_everything_that_came_of_it(server, alice):
    first = post(server, "token", email=alice.email, password=PASSWORD).json
    second = post(server, "refresh", refresh_token=first["refresh_token"]).json
    third = post(server, "refresh", refresh_token=second["refresh_token"]).json

    reused = post(server, "refresh", refresh_token=first["refresh_token"])

    assert problem(reused, 401)["code"] == "refresh_token_reused"
    problem(post(server, "refresh", refresh_token=third["refresh_token"]), 401)
    headers = {"Authorization": f"Bearer {third['access_token']}"}
    problem(server.test_client().get("/api/v1/me", headers=headers), 401)


def test_revoking_ends_the_tokens_and_tells_nothing_of_others(server, alice):
    tokens = post(server, "token", email=alice.email, password=PASSWORD).json

    assert post(server, "revoke", refresh_token="ref_unknown").status_code == 204
    assert post(server, "revoke", refresh_token=tokens["refresh_token"]).status_code == 204
    problem(post(server, "refresh", refresh_token=tokens["refresh_token"]), 401)


def test_people_list_and_end_their_programs(server, program):
    alice, bob = program("alice"), program("bob")

    (mine,) = alice("GET", "/auth/tokens").json["items"]
    assert mine["label"] == "test"
    problem(bob("DELETE", f"/auth/tokens/{mine['id']}"), 404)
    assert alice("DELETE", f"/auth/tokens/{mine['id']}").status_code == 204
    problem(alice("GET", "/me"), 401)


def test_a_person_who_is_disabled_is_out_at_once(server, program, person):
    from auth import people
    from clock import utcnow
    from db.base import transaction

    alice = program("alice")
    with transaction():
        people.by_email(alice.email).disabled_at = utcnow()

    problem(alice("GET", "/me"), 401)


@pytest.mark.parametrize("password", ["", "x" * 10_000], ids=["empty", "long"])
def test_a_password_that_cannot_be_one_is_refused(server, alice, password):
    answer = post(server, "token", email=alice.email, password=password)
    assert answer.status_code in {400, 422}
    problem(answer, answer.status_code)
