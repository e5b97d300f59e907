"""`flask --app app devices import-readings`: a look first, then the readings."""

import json

import wiring
from devices import inventory
from tests.cli.test_devices import add, owner, run

__all__ = ["owner", "run"]


def test_a_file_is_looked_at_and_then_taken(run, tmp_path):
    add(run, "Attic")
    file = tmp_path / "attic.csv"
    file.write_text("time,value\n2026-01-01T00:00:00Z,21.5\n2026-01-01T00:00:01Z,22\nnever,1\n")
    words = ("import-readings", "Attic", str(file), "--sensor", "t")
    store, device = wiring.current().store, inventory.find("Attic")

    planned = json.loads(run(*words, "--dry-run").stdout)
    assert (planned["dry_run"], planned["rows"], planned["refused"]) == (True, 2, {"bad_time": 1})
    assert store.series([device.id]) == {device.id: []}

    done = json.loads(run(*words).stdout)
    assert (done["dry_run"], done["sensors"][0]["known"]) == (False, 0)
    (series,) = store.series([device.id])[device.id]
    assert store.window(series.id, 0, 1 << 50)[1].tolist() == [21.5, 22.0]
    assert json.loads(run(*words).stdout)["sensors"][0]["known"] == 2


def test_a_file_that_is_none_is_one_clear_line(run, tmp_path):
    add(run, "Attic")
    file = tmp_path / "attic.csv"
    file.write_text("a,b,c\n")

    assert "The first line must be" in run("import-readings", "Attic", str(file), code=1).output
