"""The empty charts that the page's script fills."""

import json

import pytest

from dashboard import figures

CHARTS = [figures.number("°C", 1), figures.number(""), figures.state()]


@pytest.mark.parametrize("figure", CHARTS)
def test_a_live_chart_holds_lists_that_can_grow(figure):
    """Plotly cannot lengthen what Python packed as an array."""
    assert [(trace["x"], trace["y"]) for trace in figure["data"]] == [([], [])] * 3
    assert json.loads(json.dumps(figure)) == figure


@pytest.mark.parametrize("figure", CHARTS)
def test_only_traces_that_the_small_bundle_draws_are_used(figure):
    assert {trace["type"] for trace in figure["data"]} == {"scatter"}


def test_a_band_is_filled_from_the_highest_down_to_the_lowest():
    low, high = figures.number("bar")["data"][1:]

    assert "fill" not in low
    assert high["fill"] == "tonexty"
    assert low["hoverinfo"] == high["hoverinfo"] == "skip"


def test_the_hover_text_has_digits_and_unit():
    assert figures.number("bar", 2)["data"][0]["hovertemplate"] == "%{y:.2f} bar<extra></extra>"
    assert figures.number("")["data"][0]["hovertemplate"] == "%{y}<extra></extra>"


def test_two_charts_share_nothing():
    first = figures.number("°C")
    first["data"][0]["x"].append(1)
    first["layout"]["xaxis"]["type"] = "linear"

    assert figures.number("°C")["data"][0]["x"] == []
    assert figures.number("°C")["layout"]["xaxis"]["type"] == "date"
