"""Guests, grants, share tokens and apps, as programs use them."""

import json
import threading
from contextvars import Context
from datetime import timedelta

import pytest

import wiring
from auth import refresh
from clock import utcnow
from db.base import db, transaction
from db.models import OutboxMessage
from tests.api.test_commands import lock  # noqa: F401  the connected lock
from tests.api.test_devices import add
from tests.api.test_errors import problem
from tests.guest import mark_of
from tests.stack import until


def window(days: int = 1) -> dict[str, str]:
    now = utcnow()
    return {
        "not_before": (now - timedelta(hours=1)).isoformat(),
        "not_after": (now + timedelta(days=days)).isoformat(),
    }


def guest_page(server, url: str, method: str = "GET", **form: str):
    """What a guest's browser gets at an address."""
    path = "/" + url.split("/", 3)[3]
    client = server.test_client()
    return Context().run(client.open, path, method=method, data=form or None)


def test_a_guest_opens_the_door_with_a_link_made_over_rest(server, lock):  # noqa: F811
    alice, made, device = lock
    path = f"/devices/{made['id']}/guest-links"
    link = alice("POST", path, json={"label": "Mia", "max_uses": 1} | window())
    assert link.status_code == 201

    shown = guest_page(server, link.json["url"])
    assert shown.status_code == 200
    assert device.got == []
    sent = guest_page(server, link.json["url"], "POST", nonce=mark_of(shown.text))
    assert sent.status_code == 303

    until(lambda: device.got)
    command = json.loads(device.got[0][1])
    assert command["name"] == "unlock"
    waiting = guest_page(server, link.json["url"] + "/" + command["id"])
    assert waiting.headers["Refresh"] == "1"
    device.publish(
        made["mqtt"]["topics"]["ack"], json.dumps({"id": command["id"], "status": "done"})
    )
    until(lambda: "Opened at" in guest_page(server, link.json["url"] + "/" + command["id"]).text)
    assert alice("GET", path).json["items"][0]["uses"] == 1
    log = alice("GET", f"/devices/{made['id']}/access-log").json["items"]
    assert (log[0]["by"], log[0]["via"], log[0]["state"]) == ("Mia", "guest_link", "done")
    assert guest_page(server, link.json["url"]).status_code == 404


def test_previews_and_scanners_open_nothing(server, lock):  # noqa: F811
    alice, made, device = lock
    path = f"/devices/{made['id']}/guest-links"
    url = alice("POST", path, json={"label": "Mia"} | window()).json["url"]
    for method in ("GET", "HEAD") * 25:
        assert guest_page(server, url, method).status_code == 200
    assert device.got == []
    assert alice("GET", path).json["items"][0]["uses"] == 0


def test_twenty_posts_at_once_on_one_use_open_once(server, lock):  # noqa: F811
    alice, made, device = lock
    path = f"/devices/{made['id']}/guest-links"
    for _ in range(3):
        url = alice("POST", path, json={"label": "Mia", "max_uses": 1} | window()).json["url"]
        device.got.clear()
        ready = threading.Barrier(20)
        answers: list[int] = []
        marks = [mark_of(guest_page(server, url).text) for _ in range(20)]
        assert len(set(marks)) == 20

        def press(mark: str, url: str = url, ready=ready, answers=answers) -> None:
            ready.wait()
            answers.append(guest_page(server, url, "POST", nonce=mark).status_code)

        crowd = [threading.Thread(target=press, args=(mark,)) for mark in marks]
        for one in crowd:
            one.start()
        for one in crowd:
            one.join()
        assert sorted(answers) == [303] + [404] * 19
        until(lambda: device.got)
        assert len(device.got) == 1


def test_unknown_and_ended_links_show_the_same_page(server, program):
    alice = program()
    made = add(alice)
    path = f"/devices/{made['id']}/guest-links"
    link = alice("POST", path, json={"label": "Mia"} | window()).json
    alice("DELETE", f"{path}/{link['id']}")
    revoked = guest_page(server, link["url"])
    unknown = guest_page(server, "http://x/g/" + "x" * 43)
    assert revoked.status_code == unknown.status_code == 404
    assert revoked.data == unknown.data
    assert revoked.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in revoked.headers["X-Robots-Tag"]


def test_a_guest_page_is_small_and_needs_no_script(server, program):
    alice = program()
    made = add(alice)
    link = alice("POST", f"/devices/{made['id']}/guest-links", json={"label": "Mia"} | window())
    page = guest_page(server, link.json["url"])
    assert "<script" not in page.text
    sheet = guest_page(server, "http://x/assets/guest.css")
    assert len(page.data) + len(sheet.data) < 30_000


def test_a_guest_reads_the_language_of_the_link(server, program):
    alice = program()
    made = add(alice)
    path = f"/devices/{made['id']}/guest-links"
    url = alice("POST", path, json={"label": "Mia", "language": "de"} | window()).json["url"]
    assert '<html lang="de">' in guest_page(server, url).text


def test_the_link_can_be_sent_by_mail(program):
    alice = program()
    made = add(alice)
    body = {"label": "Mia", "email": "mia@example.org"} | window()
    url = alice("POST", f"/devices/{made['id']}/guest-links", json=body).json["url"]
    mail = db.session.query(OutboxMessage).one()
    assert mail.recipient == "mia@example.org"
    assert url in mail.text


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_outside_of_all_years_is_refused(program, moment):
    alice = program()
    path = f"/devices/{add(alice)['id']}"
    link = {"label": "Mia"} | window() | {"not_before": moment}
    problem(alice("POST", f"{path}/guest-links", json=link), 422)
    token = {"level": "viewer", "expires_at": moment}
    problem(alice("POST", f"{path}/share-tokens", json=token), 422)


def test_bad_terms_are_refused_by_field(program):
    alice = program()
    made = add(alice)
    path = f"/devices/{made['id']}/guest-links"
    body = {"label": "Mia", "timezone": "Mars/Olympus"} | window()
    refused = problem(alice("POST", path, json=body), 422)
    assert refused["code"] == "timezone_unknown"
    sensor = alice("POST", "/devices", json={"name": "Sensor", "kind": "sensor"}).json
    refused = alice("POST", f"/devices/{sensor['id']}/guest-links", json={"label": "M"} | window())
    assert problem(refused, 422)["code"] == "not_a_door"


def test_a_person_with_an_account_is_given_a_level_and_loses_it_again(program):
    alice, bob = program("alice"), program("bob")
    made = add(alice)
    path = f"/devices/{made['id']}/grants"
    grant = alice("POST", path, json={"email": bob.email, "level": "viewer"}).json
    assert (grant["level"], grant["state"]) == ("viewer", "active")
    assert bob("GET", f"/devices/{made['id']}").json["level"] == "viewer"
    unlock = bob("POST", f"/devices/{made['id']}/commands", json={"name": "unlock"})
    problem(unlock, 403)
    alice("PATCH", f"{path}/{grant['id']}", json={"level": "operator"})
    assert bob("GET", f"/devices/{made['id']}").json["level"] == "operator"
    assert alice("DELETE", f"{path}/{grant['id']}").status_code == 204
    problem(bob("GET", f"/devices/{made['id']}"), 404)


def test_an_invitation_is_accepted_or_withdrawn(program, person):
    alice = program("alice")
    made = add(alice)
    path = f"/devices/{made['id']}/grants"
    offer = alice("POST", path, json={"email": "new@example.org", "level": "viewer"}).json
    assert offer["state"] == "invited"
    assert [one["state"] for one in alice("GET", path).json["items"]] == ["active", "invited"]
    assert alice("DELETE", f"{path}/{offer['id']}").status_code == 204
    assert [one["state"] for one in alice("GET", path).json["items"]] == ["active"]


def test_the_level_of_an_invitation_changes_before_it_is_accepted(program, person):
    alice = program("alice")
    made, bob = add(alice), program("bob")
    path = f"/devices/{made['id']}/grants"
    alice("POST", path, json={"email": bob.email, "level": "manager"})
    new = person("new", confirmed_at=None)
    offer = alice("POST", path, json={"email": new.email, "level": "viewer"}).json
    assert offer["state"] == "invited"

    changed = alice("PATCH", f"{path}/{offer['id']}", json={"level": "operator"})

    assert changed.status_code == 200
    assert changed.json == {**offer, "level": "operator"}
    assert alice("GET", path).json["items"][-1]["level"] == "operator"
    owner = bob("PATCH", f"{path}/{offer['id']}", json={"level": "owner"})
    assert problem(owner, 422)["code"] == "owner_is_handed_over"
    other = add(bob, "Other door")
    elsewhere = bob(
        "PATCH", f"/devices/{other['id']}/grants/{offer['id']}", json={"level": "viewer"}
    )
    assert problem(elsewhere, 404)["code"] == "grant_not_found"

    with transaction():
        db.session.merge(new).confirmed_at = utcnow()
    keys = wiring.current().keys
    pair = refresh.begin(db.session.merge(new), keys=keys, label="test", now=utcnow())
    guest = type(alice)(alice.client, pair.access_token, new.email)
    assert guest("POST", f"/invitations/{offer['id']}/accept").status_code == 204
    assert guest("GET", f"/devices/{made['id']}").json["level"] == "operator"
    ended = alice("PATCH", f"{path}/{offer['id']}", json={"level": "manager"})
    assert problem(ended, 404)["code"] == "grant_not_found"


def test_ownership_is_handed_over_by_both(program):
    alice, bob = program("alice"), program("bob")
    made = add(alice)
    path = f"/devices/{made['id']}/grants"
    alice("POST", path, json={"email": bob.email, "level": "owner"})
    offer = bob("GET", "/invitations").json["items"][0]
    assert bob("POST", f"/invitations/{offer['id']}/accept").status_code == 204
    assert bob("GET", f"/devices/{made['id']}").json["level"] == "owner"
    assert alice("GET", f"/devices/{made['id']}").json["level"] == "manager"


def test_an_engineer_redeems_a_share_token(program):
    alice, ines = program("alice"), program("ines")
    made = add(alice)
    path = f"/devices/{made['id']}/share-tokens"
    token = alice("POST", path, json={"level": "manager", "label": "Ines"}).json
    got = ines("POST", "/share-tokens/redeem", json={"token": token["token"]})
    assert (got.status_code, got.json["level"]) == (200, "manager")
    shown = alice("GET", path).json["items"][0]
    assert "token" not in shown
    assert shown["redeemed"][0]["by"] == ines.email
    problem(program("eve")("POST", "/share-tokens/redeem", json={"token": token["token"]}), 404)


def test_an_app_finds_and_operates_the_devices_that_vouched_for_it(server, lock):  # noqa: F811
    alice, made, device = lock
    app = {"X-App-Token": "token-of-a-phone-app"}
    box = type(alice)(server.test_client(), made["token"])
    body = {"app_token": app["X-App-Token"], "level": "operator"}
    paired = box("POST", f"/devices/{made['id']}/app-tokens", json=body)
    assert paired.status_code == 201

    def call(method: str, path: str, key: str = "", **options):
        client = server.test_client()
        options |= {"method": method, "headers": app | ({"Idempotency-Key": key} if key else {})}
        return Context().run(client.open, "/api/v1" + path, **options)

    found = call("GET", "/discover").json["items"]
    assert [(one["id"], one["level"]) for one in found] == [(made["id"], "operator")]
    sent = call("POST", f"/discover/{made['id']}/commands", json={"name": "unlock"})
    assert sent.status_code == 202
    until(lambda: device.got)
    problem(call("POST", f"/discover/{made['id']}/commands", json={"name": "format"}), 403)
    keys = [digit * 64 for digit in "12"]
    keyed = [
        call("POST", f"/discover/{made['id']}/commands", key, json={"name": "lock"})
        for key in (keys[0], keys[0], keys[0][:60] + keys[1][:4])
    ]
    assert keyed[1].headers["Idempotency-Replayed"] == "true"
    assert keyed[0].json["id"] == keyed[1].json["id"] != keyed[2].json["id"]
    until(lambda: len(device.got) == 3)
    reused = call("POST", f"/discover/{made['id']}/commands", keys[0], json={"name": "unlock"})
    assert problem(reused, 422)["code"] == "idempotency_key_reused"
    alice("DELETE", f"/devices/{made['id']}/app-tokens/{paired.json['id']}")
    problem(call("GET", "/discover"), 401)
    problem(call("POST", f"/discover/{made['id']}/commands", json={"name": "unlock"}), 404)
