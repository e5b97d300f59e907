"""One shape for everything that goes wrong."""

import logging

import pytest
from flask import Flask

import api.me


def problem(answer, status: int) -> dict:
    """The error of an answer, after a look at its shape."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/json"
    assert set(answer.json) == {"error"}
    assert set(answer.json["error"]) == {"code", "message", "details"}
    assert answer.json["error"]["message"]
    return answer.json["error"]


def test_an_unknown_address_is_404_for_every_method(server: Flask):
    client = server.test_client()
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        answer = client.open("/api/v1/nothing/here", method=method)
        assert answer.status_code == 404
        if method != "HEAD":
            assert problem(answer, 404)["code"] == "not_found"


def test_a_wrong_method_is_405_and_names_the_right_ones(server: Flask):
    answer = server.test_client().get("/api/v1/auth/token")

    assert problem(answer, 405)["code"] == "method_not_allowed"
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b'{"email": ' + b"[" * 60_000, b'{"email": "\\ud800"}', b"NaN"],
    ids=["empty", "cut", "no utf-8", "deep", "half a surrogate", "NaN"],
)
def test_what_is_not_json_is_400_bad_json(server: Flask, body: bytes):
    answer = server.test_client().post(
        "/api/v1/auth/token", data=body, content_type="application/json"
    )
    if body == b"NaN":  # a number to some, but no object
        assert problem(answer, answer.status_code)["code"] in {"bad_json", "invalid"}
    else:
        assert problem(answer, 400)["code"] == "bad_json"


def test_a_wrong_field_is_422_and_named(server: Flask):
    answer = server.test_client().post(
        "/api/v1/auth/token", json={"email": 7, "password": "x", "extra": True}
    )

    error = problem(answer, 422)
    assert error["code"] == "invalid"
    assert error["details"]["field"] == "email"
    assert [one["field"] for one in error["details"]["fields"]] == ["email", "extra"]


def test_an_error_does_not_repeat_what_was_sent(server: Flask):
    answer = server.test_client().post(
        "/api/v1/auth/token", json={"email": "a@example.org", "password": {"secret": "hunter2"}}
    )

    problem(answer, 422)
    assert "hunter2" not in answer.text


def test_a_form_is_415(server: Flask):
    answer = server.test_client().post("/api/v1/auth/token", data={"email": "a@example.org"})

    assert problem(answer, 415)["code"] == "unsupported_media_type"


def test_a_body_over_64_kib_is_413(server: Flask):
    answer = server.test_client().post(
        "/api/v1/auth/token", json={"email": "a@example.org", "password": "x" * 70_000}
    )

    assert problem(answer, 413)["code"] == "too_large"


def test_without_a_token_it_is_401_and_says_which_scheme(server: Flask):
    answer = server.test_client().get("/api/v1/me")

    assert problem(answer, 401)["code"] == "token_missing"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("token", ["x", "dev_x", "é", "a.b.c", "dev_" + "x" * 10_000])
def test_a_wrong_token_is_401(server: Flask, token: str):
    answer = server.test_client().get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    problem(answer, 401)


def test_too_many_wrong_tokens_are_429_with_retry_after(server: Flask):
    client = server.test_client()
    for _ in range(60):
        answer = client.get("/api/v1/me", headers={"Authorization": "Bearer dev_wrong"})
        problem(answer, 401)
    answer = client.get("/api/v1/me", headers={"Authorization": "Bearer dev_wrong"})

    assert problem(answer, 429)["code"] == "too_many_requests"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_what_nobody_expected_is_500_with_a_trace_and_no_traceback(
    server: Flask, program, monkeypatch, caplog
):
    def broken(**_fields):
        raise ZeroDivisionError("secret-detail")

    alice = program()
    monkeypatch.setattr(api.me, "Account", broken)
    with caplog.at_level(logging.ERROR, "gatehouse.api"):
        answer = alice("GET", "/me")

    error = problem(answer, 500)
    assert error["code"] == "internal"
    assert "secret-detail" not in answer.text
    assert error["details"]["trace"] in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_message_is_in_the_language_that_was_asked_for(server: Flask):
    client = server.test_client()
    english = problem(client.get("/api/v1/me"), 401)
    german = problem(client.get("/api/v1/me", headers={"Accept-Language": "de"}), 401)

    assert english["code"] == german["code"]


def test_a_cookie_of_a_browser_authorises_nothing(server: Flask, person):
    alice = person()
    from auth import sessions
    from clock import utcnow

    client = server.test_client()
    with server.test_request_context():
        sessions.begin(alice, remember=False, now=utcnow())
        response = server.process_response(server.make_response(""))
    cookie = response.headers["Set-Cookie"].split(";")[0]

    problem(client.get("/api/v1/me", headers={"Cookie": cookie}), 401)
