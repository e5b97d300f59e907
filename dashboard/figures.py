"""Empty charts for Plotly, in the one look; the page's script fills them.

Traces, in this order: 0 the values, or their means; 1 their lowest; 2 their highest; 3 the values
of an earlier range, for comparison; 4 the band between 1 and 2, as an outline around each part
without gaps (Plotly would fill from one line to the other across gaps, and wrongly behind them).
Where every point is one reading, 1, 2 and 4 hold no points.  A state has only 0 to 2, without gaps.
x is milliseconds since 1970.  Plotly cannot lengthen arrays that Python packed, so x and y are
lists, never numpy.
"""

from typing import Any

Figure = dict[str, Any]

CONFIG: dict[str, Any] = {
    "displayModeBar": False,
    "responsive": True,
    "doubleClick": "reset",
    "showTips": False,
}


def number(unit: str) -> Figure:
    """Return an empty chart of a numeric sensor: a line in a band from lowest to highest."""
    return {
        "data": [
            _trace({"width": 1.5}, hoverinfo="text", text=[]),
            _trace({"width": 0.5}, hoverinfo="skip"),
            _trace({"width": 0.5}, hoverinfo="skip"),
            _trace({"width": 1.25, "dash": "dot"}, hoverinfo="text", text=[], opacity=0.6),
            _trace({"width": 0}, hoverinfo="skip", fill="toself"),
        ],
        "layout": _layout(yaxis={"nticks": 6, "ticksuffix": f" {unit}" if unit else ""}),
    }


def state(words: tuple[str, str]) -> Figure:
    """Return an empty timeline of a sensor that is off or on; `words` is what that is called."""
    line = {"width": 1.5, "shape": "hv"}
    edge = {"width": 0, "shape": "hv"}
    return {
        "data": [
            _trace(line, fill="tozeroy", hoverinfo="text", text=[]),
            _trace(edge, hoverinfo="skip"),
            _trace(edge, hoverinfo="skip", fill="tonexty"),
        ],
        "layout": _layout(
            yaxis={
                "range": [0, 1.1],
                "fixedrange": True,
                "tickvals": [0, 1],
                "ticktext": list(words),
                "showgrid": False,
            }
        ),
    }


def _trace(line: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [],
        "y": [],
        "line": line,
        "connectgaps": False,
        **more,
    }


def _layout(yaxis: dict[str, Any]) -> dict[str, Any]:
    return {
        "autosize": True,
        "margin": {"l": 52, "r": 12, "t": 8, "b": 28},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": False,
        "hovermode": "x",
        "hoverlabel": {"align": "left"},
        "dragmode": "zoom",
        "uirevision": "kept",
        "font": {"size": 12, "family": "system-ui, sans-serif"},
        "xaxis": {
            "type": "linear",  # of "date" every x is read as a text first: a third of the drawing
            "tickmode": "array",  # the script sets them: Plotly knows neither zones nor languages
            "tickvals": [],
            "ticktext": [],
            "showgrid": False,
            "zeroline": False,
            "showspikes": True,
            "spikemode": "across",
            "spikethickness": 1,
            "spikedash": "solid",
            "spikesnap": "hovered data",
        },
        "yaxis": {"zeroline": False, "automargin": True, **yaxis},
    }
