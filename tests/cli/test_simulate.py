"""`simulate`: the demo house in an installation, made by the same services as any device."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.stack import ROOT, free_port, stack, until

LONG = "SELECT series_id FROM reading GROUP BY series_id HAVING count(*) > 1440"  # minutes a day


@pytest.fixture(scope="module")
def simulate(tmp_path_factory):
    """Return how to run `simulate` in one installation whose server does not run."""
    folder = tmp_path_factory.mktemp("installation")
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "INSTANCE_DIR": str(folder / "i"),
        "MQTT_PORT": str(free_port()),
        "BCRYPT_COST": "4",
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "app", "simulate", *arguments],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
        )

    run.instance = folder / "i"
    return run


def rows(file: Path, sql: str) -> list[tuple]:
    with closing(sqlite3.connect(file)) as db:
        return db.execute(sql).fetchall()


def test_the_demo_house_is_made_once_and_kept_private(simulate):
    first, again = (simulate("--demo", "--only-create") for _ in range(2))

    assert (first.returncode, again.returncode) == (0, 0), first.stderr
    assert first.stdout == again.stdout
    login = json.loads((simulate.instance / "demo.json").read_text())
    assert login["password"] in first.stdout
    house = json.loads((simulate.instance / "house.json").read_text())
    assert len(house) == 7
    for name in ("demo.json", "house.json"):
        assert stat.S_IMODE((simulate.instance / name).stat().st_mode) == 0o600
    owners = rows(
        simulate.instance / "app.sqlite",
        "SELECT u.email, count(*) FROM device d JOIN device_grant g ON g.device_id = d.id"
        " JOIN user_account u ON u.id = g.user_id GROUP BY 1",
    )
    assert owners == [(login["email"], 7)]


def test_a_house_needs_an_owner_who_has_an_account(simulate):
    nobody, stranger = simulate(), simulate("--owner", "stranger@example.org")

    assert (nobody.returncode, stranger.returncode) == (2, 1)
    assert "--owner EMAIL, or --demo" in nobody.stderr
    assert stranger.stderr == "Error: nobody is registered as stranger@example.org\n"


def test_the_demo_house_publishes_history_and_goes_on_live(tmp_path):
    with stack(tmp_path, "--demo") as house:
        telemetry = house.instance / "telemetry.sqlite"
        until(lambda: len(rows(telemetry, LONG)) >= 18, 60, "history of every sensor")
        units = dict(rows(telemetry, "SELECT name, unit FROM series"))
        assert units["temperature"] == "°C"
        assert units["power.total"] == "W"
        assert rows(telemetry, "SELECT * FROM refusal") == []
