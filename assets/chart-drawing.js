/* Turns the answers of /data/chart into what Plotly draws; knows nothing of when.

   Traces as dashboard/figures.py makes them: 0 the values or means, 1 lowest, 2 highest, 3 the
   values of an earlier range, moved to where they are compared, 4 the band from lowest to highest. */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const USUAL = 50; // intervals looked at to tell a gap from a slow sensor
  const GAP = 3; // as the store has it: so many usual intervals without a reading
  const TIDY_GAP_MS = 1000;
  const FEW = 60; // points that are marked, for one alone makes no line
  const MARK_PX = 5;
  const SEEN_PX = 2;
  const HELD = 30; // points that a sum has which fills the chart, so that the pointer finds it
  const TICK_PX = 95; // room for a text below the axis
  // as gatehouse.number writes them: an exponent from 1E15 on, and never "1.2M"
  const WRITTEN = { separatethousands: true, exponentformat: "E", minexponent: 14 };
  const SEPARATORS = separators(document.documentElement.lang || "en");

  /** What people of this language write before decimals and between thousands, for Plotly. */
  function separators(language) {
    const parts = new Intl.NumberFormat(language).formatToParts(-1234567.5);
    const of = (type) => parts.find((part) => part.type === type)?.value || "";
    return of("decimal") + of("group");
  }

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    return {
      line: of("--gh-accent") || "#0b6b66",
      text: of("--gh-muted") || "#55636f",
      ink: of("--gh-text") || "#17212a",
      paper: of("--gh-surface") || "#ffffff",
      grid: of("--gh-line") || "#dde3e7",
    };
  }

  /** The same colour, as good as transparent. */
  const pale = (colour) => (/^#[0-9a-f]{6}$/i.test(colour) ? `${colour}26` : colour);
  const half = (colour) => (/^#[0-9a-f]{6}$/i.test(colour) ? `${colour}80` : colour);

  /**
   * @typedef {{t: number[], mean: (number|null)[], low?: (number|null)[], high?: (number|null)[],
   *   count?: number[], last?: (number|null)[], end?: (number|null)[], raw: boolean,
   *   before?: number|null}} Points
   * @typedef {{kind: string, colour: string, from: number, to: number, width: number,
   *   words: {value: (v: number) => string, unit: string}}} Look
   */

  const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

  /** What is said of a point under the pointer; put into words when Plotly asks, as few are. */
  class Said {
    constructor(points, index, words) {
      Object.assign(this, { points, index, words });
    }

    /** Value, extremes, how many readings, and when. */
    toString() {
      const { points, index, words } = this;
      const said = (number) => plain(`${words.value(number)} ${words.unit}`.trim());
      const count = points.count?.[index] ?? 1;
      const lines = [`<b>${said(points.mean[index])}</b>`];
      if (count > 1) {
        const values = { low: said(points.low[index]), high: said(points.high[index]) };
        lines.push(gatehouse.t("lowest %(low)s, highest %(high)s", values));
        lines.push(gatehouse.t("%(count)s readings", { count: gatehouse.number(count) }));
      }
      const ends = [points.t[index], points.last?.[index] ?? null].filter((t) => t !== null);
      lines.push(plain(ends.map(gatehouse.zone.text).join(" – ")));
      return lines.join("<br>");
    }
  }

  /** @param {Points} points @param {Look} look @param {number} [start] the first one wanted */
  function texts(points, { words }, start = 0) {
    return points.mean
      .slice(start)
      .map((value, i) => (value === null ? "" : new Said(points, start + i, words)));
  }

  /**
   * Where points are drawn: a sum that stands for long is a line from its first reading to its
   * last, as far as the window shows it.
   * @returns {{x: number[], places: number[]}} times, and whose they are
   */
  function along({ t, last }, { from, to }) {
    const x = [];
    const places = [];
    const step = (to - from) / HELD;
    t.forEach((first, place) => {
      const end = Math.min(last[place] ?? first, to);
      let at = last[place] === null ? first : Math.max(first, from);
      do {
        x.push(at);
        places.push(place);
        at = at < end ? Math.min(at + step, end) : Infinity;
      } while (at <= end);
    });
    return { x, places };
  }

  /** @param {Points} points @param {Look} look */
  function numbers(points, look) {
    const drawn = {
      x: points.t,
      y: [points.mean, points.low || [], points.high || []],
      text: texts(points, look),
      marks: MARK_PX,
    };
    if (!points.last) {
      return drawn;
    }
    const { x, places } = along(points, look);
    const pick = (values) => places.map((place) => values[place]);
    return {
      x,
      y: drawn.y.map(pick),
      text: pick(drawn.text),
      marks: pick(points.last.map((last) => (last === null ? MARK_PX : 0))),
    };
  }

  /**
   * States hold until they change: from before the window, without gaps, and until `to`.  Where
   * one point stands for both, there is a band, and then what came last; if that is forgotten, the
   * band goes on.
   */
  function states(points, { from, to, words }) {
    const shown = { t: [], mean: [], low: [], high: [], count: [] };
    const add = (t, low, mean, high, count = 1) => {
      Object.entries({ t, mean, low, high, count }).forEach(([name, v]) => shown[name].push(v));
    };
    if (typeof points.before === "number" && !(points.t[0] <= from)) {
      add(from, points.before, points.before, points.before);
    }
    points.t.forEach((t, i) => {
      if (points.mean[i] !== null) {
        const state = points.mean[i] >= 0.5 ? 1 : 0;
        const [low, high] = [points.low?.[i] ?? state, points.high?.[i] ?? state];
        add(t, low, state, high, points.count?.[i]);
        const end = points.end?.[i] ?? null;
        if (low !== high && end !== null) {
          add(points.last[i], end, end, end);
        }
      }
    });
    if (shown.t.length && !(shown.t.at(-1) >= to)) {
      add(to, shown.low.at(-1), shown.mean.at(-1), shown.high.at(-1));
    }
    const { t: x, mean, low, high } = shown;
    return { x, y: points.raw ? [mean, [], []] : [mean, low, high], text: texts(shown, { words }) };
  }

  /** The outline around what lies between the lowest and the highest, part by part. */
  function outline(x, low, high, least) {
    const band = { x: [], y: [] };
    let start = 0;
    for (let end = 0; low.length && end <= x.length; end += 1) {
      if (end < x.length && low[end] !== null) {
        continue;
      }
      if (end > start) {
        const times = x.slice(start, end);
        times.push(times.at(-1) + least); // a point alone has a width, too
        const [lows, highs] = [low, high].map((y) => [...y.slice(start, end), y[end - 1]]);
        band.x.push(...times, ...[...times].reverse(), null);
        band.y.push(...highs, ...lows.reverse(), null);
      }
      start = end + 1;
    }
    return band;
  }

  /**
   * @param {object[]} styles the traces as the server made them, without points
   * @param {Points} points
   * @param {Look} look
   * @param {{points: Points, by: number}|null} earlier readings from so many ms before
   */
  function traces(styles, points, look, earlier) {
    const paint = colours();
    const line = look.colour || paint.line;
    const drawn = look.kind === "state" ? states(points, look) : numbers(points, look);
    return styles.map((style, i) => {
      const y = drawn.y[i] || [];
      const trace = { ...style, x: y.length ? drawn.x.slice() : [], y: y.slice() };
      trace.line = { ...style.line, color: i === 1 || i === 2 ? half(line) : line };
      if (style.fill) {
        trace.fillcolor = pale(line);
      }
      if (i === 0 && look.kind !== "state") {
        trace.mode = points.t.length <= FEW ? "lines+markers" : "lines";
        trace.marker = { color: line, size: drawn.marks };
      }
      if (i === 0) {
        trace.text = drawn.text;
        trace.hoverinfo = "text";
      }
      if (i === 3 && earlier) {
        const { by } = earlier;
        const before = numbers(earlier.points, { ...look, from: look.from - by, to: look.to - by });
        trace.x = before.x.map((t) => t + by);
        trace.y = before.y[0];
        trace.text = before.text;
        trace.line.color = paint.text;
      }
      if (i === 4) {
        const least = ((look.to - look.from) * SEEN_PX) / look.width;
        Object.assign(trace, outline(drawn.x, drawn.y[1], drawn.y[2], least));
      }
      return trace;
    });
  }

  /** What is drawn of the range that values are expected in: its ends, and a band between them. */
  function band([low, high], paint) {
    const across = { xref: "paper", x0: 0, x1: 1, layer: "below" };
    const line = { color: paint.text, width: 1, dash: "dash" };
    const ends = [low, high].filter((bound) => bound !== null);
    const shapes = ends.map((y) => ({ ...across, type: "line", y0: y, y1: y, line }));
    if (ends.length === 2) {
      const filled = { fillcolor: paint.grid, opacity: 0.4, line: { width: 0 } };
      shapes.push({ ...across, type: "rect", y0: low, y1: high, ...filled });
    }
    return shapes;
  }

  /**
   * @param {object} base the layout as the server made it
   * @param {[number, number]} shown window in ms
   * @param {{revision: number, width: number, bounds: (number|null)[], values: object}} chart
   *   another revision forgets what Plotly knows of the reader's zoom; the width is in pixels;
   *   values are expected between the bounds; `values` is their axis as it is, which stays if the
   *   reader has zoomed
   */
  function layout(base, [from, to], { revision, width, bounds, values }) {
    const paint = colours();
    return {
      ...base,
      uirevision: revision,
      separators: SEPARATORS,
      shapes: band(bounds, paint),
      font: { ...base.font, color: paint.text },
      hoverlabel: {
        ...base.hoverlabel,
        bgcolor: paint.paper,
        bordercolor: paint.text,
        font: { ...base.font, color: paint.ink },
      },
      xaxis: {
        ...base.xaxis,
        ...ticks(from, to, width),
        autorange: false,
        range: [from, to],
        uirevision: `${from} ${to} ${revision}`, // the address of the page knows better than the plot
        linecolor: paint.grid,
        gridcolor: paint.grid,
        spikecolor: paint.text,
      },
      yaxis: {
        ...base.yaxis,
        ...WRITTEN,
        ...(values.autorange === false ? { autorange: false, range: values.range } : {}),
        gridcolor: paint.grid,
        zerolinecolor: paint.grid,
      },
    };
  }

  function ticks(from, to, width) {
    const { values, texts: written } = gatehouse.zone.ticks(from, to, width / TICK_PX);
    return { tickmode: "array", tickvals: values, ticktext: written };
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

  gatehouse.drawing = { traces, texts, layout, ticks, isGap };
})();
