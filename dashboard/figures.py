"""Empty charts for Plotly, in the one look; the page's script fills them.

Traces, in this order: 0 the values, or their means; 1 their lowest, without a line of its own;
2 their highest, filled down to 1.  Where every point is one reading, only trace 0 holds points.
x is milliseconds since 1970.  Plotly cannot lengthen arrays that Python packed, so x and y are
lists, never numpy.
"""

from typing import Any

Figure = dict[str, Any]

TIME_FORMATS = [  # digits only: Plotly's month names are English
    {"dtickrange": [None, 1000], "value": "%H:%M:%S.%L"},
    {"dtickrange": [1000, 60_000], "value": "%H:%M:%S"},
    {"dtickrange": [60_000, 43_200_000], "value": "%H:%M"},
    {"dtickrange": [43_200_000, "M1"], "value": "%Y-%m-%d"},
    {"dtickrange": ["M1", "M12"], "value": "%Y-%m"},
    {"dtickrange": ["M12", None], "value": "%Y"},
]

CONFIG: dict[str, Any] = {
    "displayModeBar": False,
    "responsive": True,
    "doubleClick": "reset",
    "showTips": False,
}


def number(unit: str, decimals: int | None = None) -> Figure:
    """Return an empty chart of a numeric sensor: a line in a band from lowest to highest."""
    digits = "" if decimals is None else f":.{decimals}f"
    hover = f"%{{y{digits}}} {unit}".rstrip() + "<extra></extra>"
    return {
        "data": [
            _trace({"width": 1.5}, hovertemplate=hover),
            _trace({"width": 0}, hoverinfo="skip"),
            _trace({"width": 0}, hoverinfo="skip", fill="tonexty"),
        ],
        "layout": _layout(yaxis={"nticks": 6}),
    }


def state() -> Figure:
    """Return an empty timeline of a sensor that is on or off."""
    line = {"width": 1.5, "shape": "hv"}
    return {
        "data": [
            _trace(line, fill="tozeroy", hovertemplate="%{text}<extra></extra>", text=[]),
            _trace({"width": 0}, hoverinfo="skip"),
            _trace({"width": 0}, hoverinfo="skip"),
        ],
        "layout": _layout(
            yaxis={
                "range": [0, 1.1],
                "fixedrange": True,
                "tickvals": [0, 1],
                "ticktext": ["OFF", "ON"],
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
        "dragmode": "zoom",
        "uirevision": "kept",
        "font": {"size": 12, "family": "system-ui, sans-serif"},
        "xaxis": {
            "type": "date",
            "tickformatstops": TIME_FORMATS,
            "hoverformat": "%Y-%m-%d %H:%M:%S",
            "showgrid": False,
            "zeroline": False,
            "nticks": 8,
        },
        "yaxis": {"zeroline": False, "automargin": True, "separatethousands": True, **yaxis},
    }
