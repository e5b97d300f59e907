"""`flask --app app devices ...`, on a server of its own."""

import csv
import io
import json

import pytest
from click.testing import Result
from flask import Flask

import wiring
from auth import administration
from clock import utcnow
from db.base import db, transaction
from db.models import AuditEvent, Device, User
from devices import inventory, set_points

SECRETS = ("password", "command_key", "token")


@pytest.fixture
def owner(server: Flask) -> User:
    with transaction() as session:
        user = User(
            email="owner@example.org",
            email_typed="Owner@example.org",
            created_at=utcnow(),
            confirmed_at=utcnow(),
        )
        session.add(user)
    return user


@pytest.fixture
def run(server: Flask, owner: User):
    """Run a command as a shell does; by default it must end well."""

    def run(*words: str, code: int = 0, stdin: str = "") -> Result:
        result = server.test_cli_runner().invoke(args=["devices", *words], input=stdin)
        assert result.exit_code == code, result.output
        db.session.rollback()
        return result

    return run


def add(run, name: str = "Front door", *more: str) -> dict[str, str]:
    words = ("add", name, "--kind", "lock", "--owner", "owner@example.org", "--json")
    return json.loads(run(*words, *more).stdout)


def test_a_device_is_added_and_its_secrets_are_printed(run):
    made = add(run, "Front door", "--controller-id", "front", "--hardware-id", "h1")

    assert (made["name"], made["controller_id"]) == ("Front door", "front")
    assert made["token"].startswith("dev_")
    device = inventory.find("front")
    assert (device.kind, device.hardware_id) == ("lock", "h1")
    assert inventory.owner(device).email == "owner@example.org"


def test_people_read_a_table_and_programs_json(run):
    add(run, "Front door")
    add(run, "Gate")

    lines = run("list").stdout.splitlines()
    assert lines[0].split() == ["id", "name", "kind", "controller_id", "state", "owner"]
    assert len(lines) == 3
    assert "never_seen" in lines[1]
    (found,) = json.loads(run("list", "--search", "gat", "--json").stdout)
    assert (found["name"], found["owner"]) == ("Gate", "Owner@example.org")


@pytest.mark.parametrize("reference", ["public_id", "controller_id", "hardware_id", "name"])
def test_a_device_is_found_by_each_of_its_names(run, reference):
    add(run, "Front door", "--hardware-id", "h1")
    device = inventory.find("h1")

    shown = json.loads(run("show", getattr(device, reference), "--json").stdout)

    assert shown["id"] == device.public_id
    assert "password" not in shown
    assert shown["disk_bytes"] == 0


def test_a_device_is_changed_and_what_is_so_already_is_told(run):
    add(run)

    run("edit", "Front door", "--name", "Back door", "--expected-interval-s", "10")
    again = run("edit", "Back door", "--name", "Back door")

    assert "already" in again.stdout
    assert inventory.find("Back door").expected_interval_s == 10


def test_how_long_readings_are_kept_is_changed_and_shown(run, monkeypatch):
    add(run)
    parts = wiring.current()
    with_default = parts.settings.model_copy(update={"retention_days": 365})
    monkeypatch.setattr(parts, "settings", with_default)

    def shown():
        found = json.loads(run("show", "Front door", "--json").stdout)
        return found["retention_days"], found["kept_days"]

    assert shown() == (None, 365)
    run("edit", "Front door", "--retention-days", "30")
    assert shown() == (30, 30)
    run("edit", "Front door", "--retention-days", "forever")
    assert shown() == (0, None)
    assert "for ever" in run("show", "Front door").stdout
    run("edit", "Front door", "--retention-days", "default")
    assert shown() == (None, 365)
    said = run("edit", "Front door", "--retention-days", "-3", code=1).stderr
    assert "This is a whole number from 1 to 36500." in said


def test_a_new_password_a_token_and_being_shut_out(run):
    made = add(run)

    rotated = json.loads(run("rotate", "Front door", "--json").stdout)
    token = run("token", "Front door", "--label", "meter").stdout.strip()
    run("revoke", "Front door")

    assert rotated["username"] == made["username"]
    assert rotated["password"] != made["password"]
    assert token.startswith("dev_")
    assert inventory.find("Front door").revoked_at is not None


def test_a_token_is_ended_by_its_id(run):
    add(run)
    tokens = json.loads(run("show", "Front door", "--json").stdout)["tokens"]

    run("token", "Front door", "--revoke", tokens[0].split()[0])

    assert json.loads(run("show", "Front door", "--json").stdout)["tokens"] == []


def test_deleting_asks_first(run):
    add(run)

    run("delete", "Front door", code=1, stdin="n\n")
    assert inventory.find("Front door")
    run("delete", "Front door", "--yes")
    assert db.session.query(Device).count() == 0


def test_what_is_done_stands_in_the_audit_log_under_who_acted(run):
    add(run)
    run("revoke", "Front door")

    lines = db.session.query(AuditEvent).filter_by(object_type="device").all()
    assert {(line.action, line.actor) for line in lines} >= {
        ("device.create", "owner@example.org"),
        ("device.revoke", "owner@example.org"),
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "nothing"), "There is no such device."),
        (("add", "x", "--owner", "nobody@example.org"), "nobody@example.org"),
        (("add", "", "--owner", "owner@example.org"), "A name has"),
        (("edit", "Front door", "--timezone", "Moon/Sea"), "There is no such time zone."),
        (("edit", "Front door", "--as", "stranger@example.org", "--name", "y"), "no account"),
        (("token", "Front door", "--revoke", "x"), "There is no such token."),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_an_error_is_one_clear_line_and_exit_code_1(run, words, said):
    add(run)

    result = run(*words, code=1)

    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert said in result.stderr


def test_somebody_else_may_not_act(run, server):
    add(run)
    with transaction() as session:
        session.add(User(email="eve@example.org", email_typed="e", created_at=utcnow()))

    assert "no such device" in run("revoke", "Front door", "--as", "eve@example.org", code=1).stderr


@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_is_exported_can_be_imported(run, tmp_path, form):
    names = ["=1+1", "a,b", 'q"q', "'quoted", "plain"]
    for number, name in enumerate(names):
        add(run, name, "--controller-id", f"c{number}")
        run("edit", f"c{number}", "--notes", "two\nlines", "--expected-interval-s", "7")
    run("edit", "c0", "--retention-days", "30")
    run("edit", "c1", "--retention-days", "forever")
    file = tmp_path / f"devices.{form}"
    run("export", str(file), "--format", form)
    text = file.read_text()
    for number in range(len(names)):
        run("delete", f"c{number}", "--yes")

    printed = run("import", str(file), "--format", form).stdout

    assert {device.name for device in db.session.query(Device)} == set(names)
    assert {device.notes for device in db.session.query(Device)} == {"two\nlines"}
    assert {device.expected_interval_s for device in db.session.query(Device)} == {7}
    kept = {device.controller_id: device.retention_days for device in db.session.query(Device)}
    assert kept == {"c0": 30, "c1": 0, "c2": None, "c3": None, "c4": None}
    made = json.loads(printed) if form == "json" else list(csv.DictReader(io.StringIO(printed)))
    assert len({one["password"] for one in made}) == len(names)
    assert all(one[secret] not in text for one in made for secret in SECRETS)
    if form == "csv":
        assert ",=1" not in text
        assert not text.startswith("=")


def test_one_bad_row_does_not_cost_the_others(run, tmp_path):
    file = tmp_path / "devices.csv"
    file.write_text("name,kind\nOne,lock\n,lock\nTwo,toaster\nThree,led\n")

    result = run("import", str(file), "--owner", "owner@example.org", code=1)

    assert {device.name for device in db.session.query(Device)} == {"One", "Three"}
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["device 2", "device 3"]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("json", "{"),
        ("json", "7"),
        ("json", "[7]"),
        ("csv", "name,colour\nx,red\n"),
        ("json", "[" * 5000),
    ],
    ids=["cut", "number", "list of numbers", "unknown field", "deep"],
)
def test_a_file_that_is_none_is_one_clear_line(run, tmp_path, form, text):
    file = tmp_path / "devices"
    file.write_text(text)
    assert run("import", str(file), "--format", form, code=1).stderr.count("\n") == 1


def test_a_set_point_is_declared_and_freed(run):
    add(run, "Front door", "--controller-id", "front")
    run("set-point", "front", "heat", "--min", "5", "--max", "30", "--step", "0.5")
    assert set_points.of(inventory.find("front")) == {"heat": set_points.Bounds(5.0, 30.0, 0.5)}
    run("set-point", "front", "heat", "--min", "30", "--max", "5", code=1)
    run("set-point", "front", "heat", code=2)
    run("set-point", "front", "heat", "--none")
    assert set_points.of(inventory.find("front")) == {}


def test_of_a_device_whose_owner_is_switched_off_the_shell_says_so(run, owner):
    add(run)
    administration.disable(owner, by=None, now=utcnow())
    assert "owner disabled" in run("list").stdout
    assert json.loads(run("show", "Front door", "--json").stdout)["state"] == "owner disabled"
    refused = run("rotate", "Front door", code=1).stderr
    assert "The account Owner@example.org is switched off." in refused
    administration.enable(owner, by=None, now=utcnow())
    assert json.loads(run("show", "Front door", "--json").stdout)["state"] == "never_seen"
