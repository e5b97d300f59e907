/* Turns the answer of /data/chart into what Plotly draws; knows nothing of when.

   Traces as dashboard/figures.py makes them: 0 the values or means, 1 lowest, 2 highest.  Plotly
   knows no time zones, so times are moved such that its UTC reads as the clock on this wall. */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const MINUTE_MS = 60_000;
  const USUAL = 50; // intervals looked at to tell a gap from a slow sensor
  const GAP = 3; // as the store has it: so many usual intervals without a reading
  const TIDY_GAP_MS = 1000;

  const zone = (ms) => new Date(ms).getTimezoneOffset() * MINUTE_MS;
  const toAxis = (ms, shift) => ms - shift;

  /** A time that Plotly tells, in ms: a number, or text like "2026-01-31 12:00:05.5". */
  function fromAxis(value, shift) {
    if (typeof value === "number") {
      return value + shift;
    }
    const text = String(value).replace(" ", "T");
    return Date.parse(text.length > 10 ? `${text}Z` : text) + shift;
  }

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    return {
      line: of("--gh-accent") || "#0b6b66",
      band: of("--gh-band") || "rgba(11,107,102,0.14)",
      text: of("--gh-muted") || "#55636f",
      grid: of("--gh-line") || "#dde3e7",
    };
  }

  /**
   * @typedef {{t: number[], mean: (number|null)[], low?: (number|null)[], high?: (number|null)[],
   *   raw: boolean, before?: number|null}} Points
   */

  /** @param {Points} points @returns {{x: number[], y: (number|null)[][]}} */
  function numbers(points, shift) {
    return {
      x: points.t.map((t) => toAxis(t, shift)),
      y: [points.mean, points.low || [], points.high || []],
    };
  }

  /** States hold until they change: from before the window, without gaps, and until `to`. */
  function states(points, shift, from, to) {
    const x = [];
    const y = [[], [], []];
    const add = (t, low, state, high) => {
      x.push(toAxis(t, shift));
      [state, low, high].forEach((value, trace) => y[trace].push(value));
    };
    if (typeof points.before === "number" && !(points.t[0] <= from)) {
      add(from, points.before, points.before, points.before);
    }
    points.t.forEach((t, i) => {
      if (points.mean[i] !== null) {
        const state = points.mean[i] >= 0.5 ? 1 : 0;
        add(t, points.low?.[i] ?? state, state, points.high?.[i] ?? state);
      }
    });
    if (x.length && !(points.t.at(-1) >= to)) {
      const last = y[0].at(-1);
      add(to, last, last, last);
    }
    return { x, y: points.raw ? [y[0], [], []] : y };
  }

  /**
   * @param {object[]} styles the traces as the server made them, without points
   * @param {Points} points
   * @param {{kind: string, colour: string, from: number, to: number, shift: number}} chart
   */
  function traces(styles, points, { kind, colour, from, to, shift }) {
    const paint = colours();
    const line = colour || paint.line;
    const { x, y } = kind === "state" ? states(points, shift, from, to) : numbers(points, shift);
    return styles.map((style, i) => {
      const trace = { ...style, x: y[i].length ? x.slice() : [], y: y[i].slice() };
      trace.line = { ...style.line, color: line };
      if (style.fill) {
        trace.fillcolor = paint.band;
      }
      if (kind === "state" && i === 0) {
        trace.text = y[0].map((value) => (value ? "ON" : "OFF"));
      }
      return trace;
    });
  }

  /**
   * @param {object} base the layout as the server made it
   * @param {[number, number]} shown window in ms
   * @param {number} revision another one forgets how far the reader zoomed
   */
  function layout(base, [from, to], shift, revision) {
    const paint = colours();
    return {
      ...base,
      uirevision: revision,
      font: { ...base.font, color: paint.text },
      xaxis: {
        ...base.xaxis,
        autorange: false,
        range: [toAxis(from, shift), toAxis(to, shift)],
        linecolor: paint.grid,
        gridcolor: paint.grid,
      },
      yaxis: { ...base.yaxis, gridcolor: paint.grid, zerolinecolor: paint.grid },
    };
  }

  /** Whether a pause after the last of these times is more than a slow sensor's. */
  function isGap(times, next) {
    const last = times.slice(-USUAL);
    const pauses = last.slice(1).map((t, i) => t - last[i]);
    if (!pauses.length) {
      return false;
    }
    const usual = pauses.sort((a, b) => a - b)[pauses.length >> 1];
    return next - last.at(-1) > Math.max(GAP * usual, TIDY_GAP_MS);
  }

  gatehouse.drawing = { zone, toAxis, fromAxis, traces, layout, isGap };
})();
