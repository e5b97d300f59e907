"""`flask --app app devices topics ...`, on a server of its own."""

import json
import re
import shlex

import pytest

from clock import utcnow
from db.base import transaction
from db.models import User
from devices import announced, inventory
from devices.foreign.entities import Foreign, Source
from tests.stack import ROOT

PAGE = (ROOT / "docs/devices.md").read_text()


@pytest.fixture
def run(server):
    """Run a command as a shell does; by default it must end well."""
    with transaction() as session:
        session.add(
            User(
                email="owner@example.org",
                email_typed="owner@example.org",
                role="admin",
                created_at=utcnow(),
                confirmed_at=utcnow(),
            )
        )

    def run(*words: str, code: int = 0):
        result = server.test_cli_runner().invoke(args=["devices", *words])
        assert result.exit_code == code, result.output
        return result

    run("add", "Meter", "--owner", "owner@example.org", "--controller-id", "meter")
    return run


def listed(run) -> list[dict]:
    return json.loads(run("topics", "list", "meter", "--json").stdout)["mappings"]


def test_a_mapping_is_added_listed_changed_and_removed(run):
    words = ("--path", "switch:0.apower", "--unit", "kW", "--scale", "0.001")
    made = run("topics", "add", "meter", "plug/status", "power", *words).stdout.strip()
    (one,) = listed(run)
    assert (one["id"], one["topic"], one["scale"]) == (made, "plug/status", 0.001)
    assert "plug/status switch:0.apower -> power kW" in run("topics", "list", "meter").stdout

    change = ("topics", "change", "meter", made, "--unit", "W", "--scale", "1")
    assert "is changed" in run(*change).stdout
    assert "was so already" in run(*change).stdout
    (one,) = listed(run)
    assert (one["unit"], one["scale"], one["path"]) == ("W", 1.0, "switch:0.apower")

    run("topics", "remove", "meter", made)
    assert listed(run) == []
    assert "no such mapping" in run("topics", "remove", "meter", made, code=1).stderr


def test_a_sample_shows_what_a_mapping_makes_of_it(run):
    add = ("topics", "add", "meter", "plug/status", "power", "--path", "a.b", "--scale", "2")
    assert run(*add, "--try", '{"a": {"b": 4}}').stdout == "power = 8.0\n"
    assert listed(run) == []
    run(*add)
    assert (
        run("topics", "try", "meter", "plug/status", '{"a": {"b": 5}}').stdout == "power = 10.0\n"
    )
    assert "no value" in run("topics", "try", "meter", "plug/status", "{}", code=1).stderr
    assert "no value" in run("topics", "try", "meter", "plug/other", "1", code=1).stderr


def test_what_cannot_be_mapped_is_refused_in_one_line(run):
    strange = run("topics", "add", "meter", "a/b", "x", "--path", "{{ states('x') }}", code=1)
    assert "This template cannot be used: states." in strange.stderr
    assert "topic" in run("topics", "add", "meter", "gatehouse/#", "x", code=1).stderr
    made = run("topics", "add", "meter", "a/b", "x").stdout.strip()
    assert "scale" in run("topics", "change", "meter", made, "--scale", "0", code=1).stderr


def test_a_mapping_that_the_device_announces_is_not_changed_by_hand(run):
    device = inventory.find("meter")
    foreign = Foreign("Meter", sources=[Source("plug/state", "", "state")])
    with transaction():
        announced.replace(device, foreign)
    (one,) = listed(run)
    assert one["announced"]
    error = run("topics", "change", "meter", one["id"], "--unit", "W", code=1).stderr
    assert "announces this mapping itself" in error


def test_every_line_of_the_page_about_devices_works(run):
    lines = re.findall(r"^script/gatehouse devices ((?:topics|set-point) .+)$", PAGE, re.M)
    assert len(lines) == 7
    for name in ("Account", "Heater", "Stove"):
        run("add", name, "--owner", "owner@example.org")
    (topic,) = {word for line in lines for word in line.split() if "/status/" in word}
    made = run("topics", "add", "Heater", topic, "power", "--path", "apower").stdout.strip()
    for line in lines:
        run(*(made if word == "ID" else word for word in shlex.split(line)))


def test_branches_are_given_and_taken(run):
    given = ("topics", "branches", "meter")
    assert run(*given, "zigbee2mqtt", "tele/plug").stdout.split() == ["tele/plug", "zigbee2mqtt"]
    assert run(*given).stdout.split() == ["tele/plug", "zigbee2mqtt"]
    assert "topic" in run(*given, "gatehouse", code=1).stderr
    assert run(*given, "--none").stdout == ""
    assert inventory.find("meter").topic_trees == []
