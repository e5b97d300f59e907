"""`flask --app app guests ...`: links for many guests from the shell."""

import csv
import io

import pytest

from db.base import db
from db.models import GuestLink
from tests.cli.test_devices import add, owner, run

__all__ = ["owner", "run"]

HEAD = "device;guest;from;until\n"
GOOD = HEAD + "Front door;Mia;2030-07-05 15:00;2030-07-07 11:00\n"


@pytest.fixture
def guests(server, owner, run, tmp_path):
    """Runs the command with a list, for the owner of a door."""
    add(run)

    def ran(text: str, *words: str, code: int = 0):
        file = tmp_path / "list.csv"
        file.write_text(text)
        result = server.test_cli_runner().invoke(args=["guests", "from-list", str(file), *words])
        assert result.exit_code == code, result.output
        db.session.rollback()
        return result

    return ran


def links() -> list[str]:
    return [link.label for link in db.session.query(GuestLink)]


def test_a_list_becomes_links_that_are_printed_as_csv(guests):
    answer = guests(GOOD, "--as", "owner@example.org")
    [row] = csv.DictReader(io.StringIO(answer.stdout.removeprefix("\ufeff")))
    assert (row["device"], row["guest"]) == ("Front door", "Mia")
    assert "/g/" in row["link"]
    assert links() == ["Mia"]


def test_a_dry_run_makes_nothing(guests):
    assert guests(GOOD, "--as", "owner@example.org", "--dry-run").stdout == ""
    assert links() == []


def test_wrong_lines_are_named_and_nothing_is_made(guests):
    wrong = GOOD + "Cellar;Otto;2030-07-05 15:00;2030-07-07 11:00\n"
    answer = guests(wrong, "--as", "owner@example.org", code=1)
    assert answer.stderr == "line 3, Cellar: There is no such device.\n"
    assert links() == []


def test_nobody_acts_for_an_address_without_an_account(guests):
    assert "no account" in guests(GOOD, "--as", "nobody@example.org", code=1).stderr
    assert links() == []
