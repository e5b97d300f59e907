"""What benchmarks measure becomes rows of a table that has a place in the documentation."""

from importlib import import_module

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks.figures import Figure, in_words, percentile, table


@pytest.mark.parametrize("part", benchmarks.PARTS)
def test_every_part_gives_figures_and_has_its_place(part):
    assert callable(import_module(f"benchmarks.{part}").figures)
    assert f"<!-- figures of {part} -->" in benchmarks.PAGE.read_text()


@pytest.mark.parametrize(
    ("figure", "row"),
    [
        (Figure("backup", 4.76, "s", at_most=5), "| backup | 4.76 s | ≤ 5.00 |  |"),
        (Figure("backup", 5.5, "s", at_most=5), "| backup | 5.50 s | ≤ 5.00: **not reached** |  |"),
        (
            Figure("sealing", 700_000, "a second", at_least=500_000, note="one thread"),
            "| sealing | 700,000 a second | ≥ 500,000 | one thread |",
        ),
        (Figure("plain", 12.34, "ms"), "| plain | 12.3 ms |  |  |"),
    ],
)
def test_a_figure_says_whether_its_aim_was_reached(figure, row):
    assert figure.row() == row
    assert table([figure]).splitlines()[2:] == [row]


def test_figures_have_the_digits_that_one_can_believe():
    assert [in_words(value) for value in (0, 0.123, 1.005, 12.34, 1234.5)] == [
        *("0", "0.12", "1.00", "12.3"),
        "1,234",
    ]
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile([1], 0.99) == 1


def test_a_table_takes_the_place_of_the_one_before(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- figures of store -->old<!-- end of figures -->\nb\n")
    monkeypatch.setattr(benchmarks, "PAGE", page)

    for value in (1, 2):
        benchmarks.write("store", [Figure("x", value, "ms")], "here")

    text = page.read_text()
    assert text.startswith("a\n<!-- figures of store -->\n\n| measured")
    assert text.endswith("<!-- end of figures -->\nb\n")
    assert "2.00 ms" in text
    assert "1.00 ms" not in text
    assert text.count("here") == 1
    with pytest.raises(SystemExit):
        benchmarks.write("charts", [], "")


def test_a_part_that_takes_too_long_is_ended_and_what_it_gave_counts(monkeypatch, tmp_path, capsys):
    figure = '{"name": "x", "value": 1, "unit": "ms"}'
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho '{figure}'\nsleep 60\n")
    program.chmod(0o700)
    monkeypatch.setattr(benchmarks.sys, "executable", str(program))

    assert benchmarks.run("store", 1) == [Figure("x", 1, "ms")]
    assert "store ended with code -9" in capsys.readouterr().err
