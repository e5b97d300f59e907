/* One chart: asks the store for its window, draws it, and grows with the stream. */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const drawing = gatehouse.drawing;
  const READY_MS = 30; // how often to look whether Plotly has come
  const REPAIR_MS = 3000; // until readings that came late are drawn in their place
  const MOST_ADDED = 2000; // points; then the store sums them up anew
  const SLID = 1 / 16; // of the window
  const FEWEST_POINTS = 300;
  const MOST_POINTS = 1500;

  gatehouse.Chart = class Chart {
    /** @param {HTMLElement} root */
    constructor(root) {
      this.root = root;
      this.device = gatehouse.deviceOf(root);
      this.sensor = root.dataset.sensor;
      this.kind = root.dataset.kind || "number";
      this.visible = false;
      this.stale = true; // ask the store once it can be seen
      this.points = null; // as the store gave them, and what came since
      this.earlier = null; // {points, by} to compare with
      this.fresh = []; // readings that are not drawn yet
      this.added = 0;
      this.revision = 0;
      this.question = null; // AbortController of the one under way
      this.waiting = false;
      this.plot = null;
    }

    get look() {
      const { colour, unit = "", decimals, ifOff, ifOn, low, high } = this.root.dataset;
      const [from, to] = gatehouse.window();
      const state = (v) => (v ? ifOn || gatehouse.t("ON") : ifOff || gatehouse.t("OFF"));
      const number = (v) => gatehouse.number(v, decimals);
      return {
        kind: this.kind,
        colour,
        from,
        to: Math.min(to, gatehouse.now()),
        width: Math.max(this.root.clientWidth, FEWEST_POINTS),
        bounds: [low, high].map((bound) => (bound === undefined ? null : Number(bound))),
        words: { unit, value: this.kind === "state" ? state : number },
      };
    }

    /** Ask the store now, or as soon as this chart can be seen. */
    refresh(options) {
      if (gatehouse.live?.hasBegun() && this.visible && this.root.isConnected) {
        this.load(options);
      } else {
        this.stale = true;
      }
    }

    /** Ask the store for what is shown; a later question makes this one void. */
    async load({ background = true } = {}) {
      this.stale = false;
      this.wait(this.waiting || !background);
      this.question?.abort();
      const question = new AbortController();
      this.question = question;
      const [from, to] = gatehouse.window().map(Math.round);
      const by = this.kind === "number" ? gatehouse.range.earlier() : 0;
      const options = { signal: question.signal, background };
      try {
        const [points, earlier] = await Promise.all([
          this.ask(from, to, options),
          by > 0 && to > by ? this.ask(Math.max(from - by, 0), to - by, options) : null,
        ]);
        if (question === this.question) {
          this.points = points;
          this.earlier = earlier && { points: earlier, by };
          this.added = 0;
          this.settle(points.t.at(-1) ?? 0);
          this.wait(false);
          await this.draw();
        }
      } catch {
        if (question === this.question) {
          this.repair(); // what is drawn stays until then
        }
      }
    }

    /** While it waits for another window, what is drawn stays as it is. */
    wait(waits) {
      this.waiting = waits;
      if (waits) {
        this.root.setAttribute("aria-busy", "true");
      } else {
        this.root.removeAttribute("aria-busy");
      }
    }

    ask(from, to, options) {
      const points = Math.min(Math.max(this.root.clientWidth, FEWEST_POINTS), MOST_POINTS);
      const { device, sensor } = this;
      const query = new URLSearchParams({ device, sensor, from, to, points });
      return gatehouse.ask(`/data/chart?${query}`, options);
    }

    /** Add what came while the store was asked, and leave out what it knew already. */
    settle(last) {
      const fresh = this.fresh.filter(({ t }) => t > last);
      this.fresh = [];
      fresh.filter(({ t }) => gatehouse.range.holds(t)).forEach((reading) => this.add(reading));
    }

    add({ t, v }) {
      const { points } = this;
      if (this.kind === "number" && points.raw && drawing.isGap(points.t, t)) {
        this.push(points.t.at(-1) + 1, null);
      }
      this.push(t, v);
      this.added += 1;
    }

    push(t, v) {
      const { points } = this;
      points.t.push(t);
      points.mean.push(v);
      points.low?.push(v);
      points.high?.push(v);
      points.count?.push(Number(v !== null));
      points.last?.push(null);
      points.end?.push(v);
    }

    /** Leave out what slid out of the window, once that is much; returns whether it was. */
    trim() {
      const [from, to] = gatehouse.window();
      const { points } = this;
      const inside = points.t.findIndex((t) => t >= from);
      let first = (inside < 0 ? points.t.length : inside) - 1;
      while (first > 0 && points.mean[first] === null) {
        first -= 1; // the line, or the state, goes on from what was last
      }
      if (first <= 0 || points.t[0] > from - (to - from) * SLID) {
        return false;
      }
      for (const values of Object.values(points)) {
        values?.splice?.(0, first);
      }
      return true;
    }

    repair() {
      clearTimeout(this.repairing);
      this.repairing = setTimeout(() => this.refresh(), REPAIR_MS);
    }

    /** @param {{t: number, v: number|string}} reading */
    take(reading) {
      const v = this.kind === "state" ? Number(gatehouse.isOn(reading.v)) : reading.v;
      this.fresh.push({ t: reading.t, v });
      if (this.points && gatehouse.range.holds(reading.t)) {
        gatehouse.charts.want(this);
      } else if (this.fresh.length > MOST_ADDED) {
        this.fresh = [];
        this.stale = true;
      }
    }

    /** Draw everything, keeping how the reader moved the other axis. */
    async draw() {
      const plot = await this.ready();
      if (!plot || !this.points) {
        return;
      }
      const { zoomed } = gatehouse.address.read();
      if (this.zoomed && !zoomed && this.kind === "number") {
        await window.Plotly.relayout(plot, { "yaxis.autorange": true });
      }
      this.zoomed = zoomed;
      this.traces = drawing.traces(this.styles, this.points, this.look, this.earlier);
      const layout = drawing.layout(this.base, gatehouse.window(), {
        revision: this.revision,
        width: this.root.clientWidth,
        bounds: this.look.bounds,
        values: this.kind === "number" ? plot.layout.yaxis : {},
      });
      await window.Plotly.react(plot, this.traces, layout);
      this.showEmpty();
    }

    showEmpty() {
      const { t, last, before } = this.points;
      const [from] = gatehouse.window();
      const holds = this.kind === "state" && (t.length || typeof before === "number");
      if (holds || t.some((first, i) => (last?.[i] ?? first) >= from)) {
        delete this.root.dataset.empty;
      } else {
        this.root.dataset.empty = gatehouse.t("No readings in this range");
      }
    }

    /** Draw what came since the last time; returns whether there was anything to do. */
    grow() {
      if (this.waiting) {
        return;
      }
      const last = this.points.t.at(-1) ?? 0;
      const late = this.fresh.some(({ t }) => t < last);
      const fresh = this.fresh.filter(({ t }) => t > last).sort((a, b) => a.t - b.t);
      this.fresh = [];
      if (late) {
        this.repair();
      }
      if (this.added + fresh.length > MOST_ADDED) {
        this.refresh();
        return;
      }
      const before = this.points.t.length;
      fresh.forEach((reading) => this.add(reading));
      const drawn = this.plot && this.plot.data === this.traces;
      const full = this.kind === "state" || !before || !drawn || this.points.last;
      if (this.trim() || full) {
        this.draw();
      } else {
        this.extend(before);
      }
    }

    extend(before) {
      const { points, plot } = this;
      const [from, to] = gatehouse.window();
      const t = points.t.slice(before);
      const x = [t];
      const y = [points.mean.slice(before)];
      if (!points.raw) {
        x.push(t, t);
        y.push(points.low.slice(before), points.high.slice(before));
      }
      Object.assign(plot.layout.xaxis, drawing.ticks(from, to, this.root.clientWidth));
      plot.layout.xaxis.range = [from, to];
      if (t.length) {
        this.traces[0].text.push(...drawing.texts(points, this.look, before));
        window.Plotly.extendTraces(plot, { x, y }, [...x.keys()]);
      } else {
        window.Plotly.redraw(plot);
      }
      this.showEmpty();
    }

    /** Wait until dcc.Graph has loaded Plotly and drawn the empty chart. */
    async ready() {
      for (;;) {
        const plot = this.root.querySelector(".js-plotly-plot");
        if (plot?._fullLayout && plot.data) {
          if (plot !== this.plot) {
            this.adopt(plot);
          }
          return plot;
        }
        if (!this.root.isConnected) {
          return null;
        }
        await new Promise((resolve) => setTimeout(resolve, READY_MS));
      }
    }

    adopt(plot) {
      this.plot = plot;
      this.styles = plot.data.map((trace) => ({ ...trace, x: [], y: [], text: [] }));
      this.base = structuredClone(plot.layout);
      let resetting = false;
      plot.on("plotly_relayout", (change) => {
        const ends = ["xaxis.range[0]", "xaxis.range[1]"].map((end) => change[end]);
        if (!resetting && ends[0] !== undefined) {
          gatehouse.range.zoomTo(...ends);
        }
        resetting = false;
      });
      plot.on("plotly_doubleclick", () => {
        resetting = true;
        this.revision += 1;
        if (!gatehouse.range.back()) {
          this.draw();
        }
      });
      plot.on("plotly_afterplot", () => {
        if (plot.data !== this.traces && this.traces) {
          this.traces = null; // Dash put its empty figure back
          this.draw();
        }
      });
    }
  };
})();
