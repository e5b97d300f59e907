"""What answers tell the browser."""

import base64
import hashlib
import re

import pytest

from tests.portal import make


def policy(answer):
    return {
        part.split(" ")[0]: part.split(" ")[1:]
        for part in answer.headers["Content-Security-Policy"].split("; ")
    }


@pytest.mark.parametrize("path", ["/", "/login", "/nowhere", "/data/state", "/assets/css/base.css"])
def test_every_answer_says_what_may_run(alice, stranger, path):
    for visitor in (alice, stranger):
        answer = visitor.get(path)
        rules = policy(answer)

        assert rules["default-src"] == ["'self'"]
        assert "'unsafe-eval'" not in answer.headers["Content-Security-Policy"]
        assert "'unsafe-inline'" not in rules["script-src"]
        assert rules["frame-ancestors"] == rules["object-src"] == ["'none'"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_each_inline_script_of_the_index_is_named_by_its_hash(alice):
    answer = alice.get("/")
    scripts = re.findall(
        r"<script(?: id=\"_dash-renderer\" type=\"application/javascript\")?>(.*?)</script>",
        answer.text,
        re.DOTALL,
    )

    assert len(scripts) == 2
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy(answer)["script-src"]


def test_nothing_is_loaded_from_elsewhere(alice):
    sources = re.findall(r"(?:src|href)=\"([^\"]+)\"", alice.get("/").text)

    assert len(sources) > 10
    assert all(source.startswith("/") and not source.startswith("//") for source in sources)


def test_what_belongs_to_somebody_is_kept_nowhere(alice):
    for path in ("/", "/_dash-layout", "/data/state", "/settings"):
        assert "no-store" in alice.get(path).headers["Cache-Control"], path


def test_files_with_a_version_are_kept_for_a_year(alice):
    versioned = re.search(r"/assets/all\.css\?m=[^\"]+", alice.get("/").text)[0]

    assert "immutable" in alice.get(versioned).headers["Cache-Control"]
    assert "immutable" not in alice.get("/assets/all.css").headers["Cache-Control"]


def test_the_form_token_is_readable_for_scripts_but_not_sent_from_elsewhere(alice):
    cookies = alice.get("/").headers.getlist("Set-Cookie")
    token = next(one for one in cookies if one.startswith("_csrf_token="))

    assert "SameSite=Strict" in token
    assert "HttpOnly" not in token


def test_tls_is_demanded_where_there_is_tls(tmp_path, alice):
    assert "Strict-Transport-Security" not in alice.get("/login").headers
    safe = make(tmp_path, app_url="https://home.example.org").stranger()

    answer = safe.get("/login", base_url="https://home.example.org")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
