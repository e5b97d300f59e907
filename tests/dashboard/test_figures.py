"""The empty charts that the page's script fills."""

import json

import pytest

from dashboard import figures

CHARTS = [figures.number("°C"), figures.number(""), figures.state(("closed", "open"))]


@pytest.mark.parametrize("figure", CHARTS)
def test_a_live_chart_holds_lists_that_can_grow(figure):
    """Plotly cannot lengthen what Python packed as an array."""
    assert [(trace["x"], trace["y"]) for trace in figure["data"]] == [([], [])] * len(
        figure["data"]
    )
    assert json.loads(json.dumps(figure)) == figure


@pytest.mark.parametrize("figure", CHARTS)
def test_only_traces_that_the_small_bundle_draws_are_used(figure):
    assert {trace["type"] for trace in figure["data"]} == {"scatter"}


def test_a_band_is_an_outline_of_its_own_and_of_states_from_line_to_line():
    low, high, _earlier, band = figures.number("bar")["data"][1:]

    assert "fill" not in {**low, **high}
    assert band["fill"] == "toself"
    assert low["hoverinfo"] == high["hoverinfo"] == band["hoverinfo"] == "skip"
    assert figures.state(("off", "on"))["data"][2]["fill"] == "tonexty"


def test_the_axis_has_the_unit_or_the_words():
    assert figures.number("bar")["layout"]["yaxis"]["ticksuffix"] == " bar"
    assert figures.number("")["layout"]["yaxis"]["ticksuffix"] == ""
    assert figures.state(("closed", "open"))["layout"]["yaxis"]["ticktext"] == ["closed", "open"]


def test_two_charts_share_nothing():
    first = figures.number("°C")
    first["data"][0]["x"].append(1)
    first["layout"]["xaxis"]["type"] = "linear"

    assert figures.number("°C")["data"][0]["x"] == []
    assert figures.number("°C")["layout"]["xaxis"]["type"] == "linear"
