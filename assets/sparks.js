/* The last hour of a sensor as a small line: plain SVG, no Plotly on the dashboard. */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const SVG = "http://www.w3.org/2000/svg";
  const SPAN_MS = 3_600_000;
  const STEPS = 60;
  const STEP_MS = SPAN_MS / STEPS;
  const WIDTH = 120;
  const HEIGHT = 36;
  const MARGIN = 2; // half of the line, so that peaks are not cut

  const sparks = new Map(); // element -> {text, points}
  const dirty = new Set();

  function read(element) {
    const text = element.dataset.values || "[]";
    if (sparks.get(element)?.text !== text) {
      sparks.set(element, { text, points: JSON.parse(text) });
      draw(element);
    }
  }

  /** Keep one point for each minute: the newest. */
  function add(points, t, v) {
    const last = points.at(-1);
    if (last && Math.floor(t / STEP_MS) === Math.floor(last[0] / STEP_MS)) {
      points[points.length - 1] = [t, v];
    } else if (!last || t > last[0]) {
      points.push([t, v]);
    }
  }

  /** The line, and the area below it: each run of readings without a gap for itself. */
  function pathsOf(points, now) {
    const values = points.map(([, v]) => v).filter((v) => v !== null);
    const low = Math.min(...values);
    const high = Math.max(...values);
    const x = (t) => WIDTH * (1 - (now - t) / SPAN_MS);
    const y = (v) =>
      high === low
        ? HEIGHT / 2
        : HEIGHT - MARGIN - ((v - low) / (high - low)) * (HEIGHT - 2 * MARGIN);
    const runs = [[]];
    for (const [t, v] of points) {
      if (v === null) {
        runs.push([]);
      } else {
        runs.at(-1).push([x(t).toFixed(1), y(v).toFixed(1)]);
      }
    }
    const drawn = runs.filter((run) => run.length);
    const line = (run) => `M${run.map((point) => point.join(",")).join("L")}`;
    const area = (run) => `${line(run)}V${HEIGHT}H${run[0][0]}Z`;
    return { line: drawn.map(line).join(""), area: drawn.map(area).join("") };
  }

  function drawing() {
    const make = (name, marks) => {
      const element = document.createElementNS(SVG, name);
      Object.entries(marks).forEach(([mark, value]) => element.setAttribute(mark, value));
      return element;
    };
    const svg = make("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" });
    svg.append(
      make("path", { "data-area": "", fill: "currentColor", "fill-opacity": "0.1" }),
      make("path", {
        "data-line": "",
        fill: "none",
        stroke: "currentColor",
        "stroke-width": "1.5",
        "stroke-linejoin": "round",
        "vector-effect": "non-scaling-stroke",
      }),
    );
    return svg;
  }

  function draw(element) {
    const spark = sparks.get(element);
    const now = gatehouse.now();
    spark.points = spark.points.filter(([t]) => t > now - SPAN_MS);
    if (!element.firstElementChild) {
      element.replaceChildren(drawing());
    }
    const { line, area } = pathsOf(spark.points, now);
    element.querySelector("[data-line]").setAttribute("d", line);
    element.querySelector("[data-area]").setAttribute("d", area);
  }

  gatehouse.appeared("[data-spark]", read);
  gatehouse.on("readings", (readings) => {
    for (const { d, s, t, v } of readings) {
      if (typeof v === "number") {
        for (const element of gatehouse.elements("data-sensor-spark", d, s)) {
          if (sparks.has(element)) {
            add(sparks.get(element).points, t, v);
            dirty.add(element);
          }
        }
      }
    }
  });
  gatehouse.on("start", () =>
    setInterval(() => {
      for (const element of document.hidden ? [] : dirty) {
        dirty.delete(element);
        if (element.isConnected) {
          draw(element);
        } else {
          sparks.delete(element);
        }
      }
    }, 1000),
  );
})();
