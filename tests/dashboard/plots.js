/* Draws the empty charts that dcc.Graph would draw, a moment after the page. */

const line = () => ({ type: "scatter", mode: "lines", x: [], y: [], connectgaps: false });

setTimeout(() => {
  for (const place of document.querySelectorAll(".plot")) {
    window.Plotly.newPlot(
      place,
      [line(), line(), line(), line(), { ...line(), fill: "toself" }],
      {
        xaxis: { type: "linear" },
        yaxis: {},
        uirevision: "kept",
        hovermode: "x",
        width: 600,
        height: 200,
        margin: { l: 60, r: 10, t: 10, b: 30 },
      },
      { displayModeBar: false, doubleClick: "reset" },
    );
  }
}, 50);
