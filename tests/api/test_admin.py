"""The whole installation over REST, for administrators."""

import pytest

from tests.api.test_devices import add


@pytest.fixture
def root(program):
    return program("root", role="admin")


def pages(program, path: str, limit: int) -> list[dict]:
    """Every item of a list, taken in pages."""
    items, cursor = [], ""
    joint = "&" if "?" in path else "?"
    while cursor is not None:
        page = program("GET", f"{path}{joint}limit={limit}&cursor={cursor}").json
        assert len(page["items"]) <= limit
        items += page["items"]
        cursor = page["next"]
    return items


def test_people_are_listed_once_each_and_without_secrets(root, program):
    others = [program(f"person{number}").email for number in range(4)]

    listed = pages(root, "/admin/users", 2)

    assert [one["email"] for one in listed] == [root.email, *others]
    assert listed[0]["role"] == "admin"
    assert set(listed[0]) == {"id", "email", "role", "created_at", "confirmed_at", "disabled_at"}
    found = root("GET", f"/admin/users?search={others[2][:12]}").json["items"]
    assert [one["email"] for one in found] == [others[2]]


def test_devices_are_listed_with_their_owners(root, program):
    alice, bob = program("alice"), program("bob")
    for number in range(3):
        add(alice, f"Alices {number}")
    add(bob, "Bobs 100%")

    listed = pages(root, "/admin/devices", 3)

    assert [(one["name"], one["owner"]) for one in listed] == [
        *((f"Alices {number}", alice.email) for number in range(3)),
        ("Bobs 100%", bob.email),
    ]
    assert [one["name"] for one in root("GET", "/admin/devices?search=100%25").json["items"]] == [
        "Bobs 100%"
    ]
    by_owner = root("GET", f"/admin/devices?search={alice.email}").json["items"]
    assert len(by_owner) == 3


def test_the_audit_log_is_listed_newest_first(root, program):
    alice = program("alice")
    made = add(alice)
    alice("DELETE", f"/devices/{made['id']}")

    listed = pages(root, "/admin/audit", 2)
    devices = [one for one in listed if one["object_id"] == made["id"]]

    assert [one["action"] for one in devices] == ["device.delete", "device.create"]
    assert devices[0]["actor"] == alice.email
    assert devices[0]["address"] == "127.0.0.1"
    only = root("GET", "/admin/audit?action=device.d").json["items"]
    assert {one["action"] for one in only} == {"device.delete"}


def test_the_system_says_how_it_does(running, program):
    found = program("root", role="admin")("GET", "/admin/system").json

    assert (found["database"], found["store"], found["broker"]) == (True, True, True)
    assert found["listener"]["connected"] is True
    assert found["users"] >= 1


def test_others_are_refused_and_leave_a_line(root, program):
    alice = program("alice")
    for path in ("/admin/users", "/admin/audit", "/admin/devices"):
        assert alice("GET", path).status_code == 403
    [row] = root("GET", "/admin/audit?action=access.refused").json["items"]
    assert (row["actor"], row["object_id"]) == (alice.email, "/api/v1/admin/users")


def test_wrong_tokens_leave_a_line_when_they_are_too_many(root, server):
    client = server.test_client()
    said = [
        client.get("/api/v1/me", headers={"Authorization": "Bearer dev_wrong"}).status_code
        for _ in range(70)
    ]
    assert said[-1] == 429
    [row] = root("GET", "/admin/audit?action=token.limit").json["items"]
    assert (row["result"], row["address"]) == ("refused", "127.0.0.1")
