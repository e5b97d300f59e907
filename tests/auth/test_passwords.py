"""Passwords of any length and script are kept whole; those that are easily guessed are refused."""

import unicodedata

import pytest

from auth import passwords
from errors import AppError
from tests.auth.conftest import account, member

EMAIL = "ana.berg@example.org"
WORDS = "correct horse battery staple violet harbour stands alone at night "
EMOJI = "😀🚗🏠🌲🎈🐶🍎⚽🎸📷🚀🌈🍕🎁🔑💡📚🧩🛠🧲"


@pytest.mark.parametrize(
    "password",
    [
        WORDS[:64],
        (WORDS * 4)[:72],
        (WORDS * 4)[:73],
        (WORDS * 4)[:200],
        EMOJI,
        "zero\x00byte-in-the-middle",
        "tab\tand\nline end",
    ],
)
def test_long_and_unusual_passwords_work_to_their_last_character(house, visitor, password):
    member(house, EMAIL, password)
    assert visitor().log_in(EMAIL, password[:-1] + "!").status_code == 401
    assert visitor().log_in(EMAIL, password).status_code in {303, 400}


def test_every_character_counts(inside):
    password = (WORDS * 4)[:200]
    kept = passwords.hash_password(password)
    assert passwords.verify(password, kept)
    assert not passwords.verify(password[:-1] + "!", kept)
    assert not passwords.verify(password[:72], kept)
    assert not passwords.verify(password.upper(), kept)


def test_a_password_typed_on_another_keyboard_is_the_same(inside):
    kept = passwords.hash_password(unicodedata.normalize("NFD", "Größenwahn-überall-2"))
    assert passwords.verify(unicodedata.normalize("NFC", "Größenwahn-überall-2"), kept)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short-7", "password_too_short"),
        ("Password1!", "password_too_weak"),
        ("letmein123", "password_too_weak"),
        ("123456789012345", "password_too_weak"),
        ("Summer2026!", "password_too_weak"),
        (EMAIL, "password_too_weak"),
        ("anaberg1", "password_too_weak"),
        ("gatehouse2026", "password_too_weak"),
        ("x" * 5000, "password_too_long"),
        ("", "password_too_short"),
    ],
)
def test_what_is_guessed_first_is_refused(inside, password, code):
    with pytest.raises(AppError) as refusal:
        passwords.check(password, context=[EMAIL])
    assert (refusal.value.code, refusal.value.status) == (code, 400)


def test_four_random_words_are_good_enough(inside):
    passwords.check("umbrella granite whistle orbit", context=[EMAIL])


def test_a_stored_hash_that_is_broken_refuses_instead_of_failing(inside):
    assert not passwords.verify("anything", "")


def test_without_the_key_of_the_server_a_stolen_hash_is_of_no_use(inside):
    import bcrypt

    kept = passwords.hash_password("violet-harbour-stands-41")
    assert not bcrypt.checkpw(b"violet-harbour-stands-41", kept.encode())


def test_a_new_cost_is_taken_on_at_the_next_login(house, visitor, settings):
    import wiring

    member(house, EMAIL)
    assert account(house, EMAIL).password_hash.startswith("$2b$04$")
    with house.app_context():
        wiring.current().settings = settings.model_copy(update={"bcrypt_cost": 5})
    assert visitor().log_in(EMAIL).status_code == 303
    assert account(house, EMAIL).password_hash.startswith("$2b$05$")
    assert visitor().log_in(EMAIL).status_code == 303
