/* One chart: asks the store for its window, draws it, and grows with the stream. */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const drawing = gatehouse.drawing;
  const READY_MS = 30; // how often to look whether Plotly has come
  const ZOOM_MS = 150; // a drag or a wheel says many windows before the last
  const REPAIR_MS = 3000; // until readings that came late are drawn in their place
  const MOST_ADDED = 2000; // points; then the store sums them up anew
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
      this.fresh = []; // readings that are not drawn yet
      this.added = 0;
      this.zoom = null; // [from, to] that the reader chose
      this.revision = 0;
      this.question = null; // AbortController of the one under way
      this.plot = null;
    }

    shown() {
      return this.zoom || gatehouse.window();
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
      this.question?.abort();
      const question = new AbortController();
      this.question = question;
      const [from, to] = this.shown().map(Math.round);
      const width = Math.min(Math.max(this.root.clientWidth, FEWEST_POINTS), MOST_POINTS);
      const query = new URLSearchParams({
        device: this.device,
        sensor: this.sensor,
        from,
        to,
        points: width,
      });
      try {
        const points = await gatehouse.ask(`/data/chart?${query}`, {
          signal: question.signal,
          background,
        });
        if (question === this.question) {
          this.points = points;
          this.added = 0;
          this.settle(points.t.at(-1) ?? 0);
          await this.draw();
        }
      } catch {
        if (question === this.question) {
          this.repair(); // what is drawn stays until then
        }
      }
    }

    /** Add what came while the store was asked, and leave out what it knew already. */
    settle(last) {
      const fresh = this.fresh.filter(({ t }) => t > last);
      this.fresh = [];
      if (!this.zoom) {
        fresh.forEach((reading) => this.add(reading));
      }
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
    }

    repair() {
      clearTimeout(this.repairing);
      this.repairing = setTimeout(() => this.refresh(), REPAIR_MS);
    }

    /** @param {{t: number, v: number|string}} reading */
    take(reading) {
      const v = this.kind === "state" ? Number(gatehouse.isOn(reading.v)) : reading.v;
      this.fresh.push({ t: reading.t, v });
      if (this.points && !this.zoom) {
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
      const [from, to] = this.shown();
      this.shift = drawing.zone(to);
      const look = {
        kind: this.kind,
        colour: this.root.dataset.colour,
        from,
        to: Math.min(to, gatehouse.now()),
        shift: this.shift,
      };
      this.traces = drawing.traces(this.styles, this.points, look);
      const layout = drawing.layout(this.base, [from, to], this.shift, this.revision);
      await window.Plotly.react(plot, this.traces, layout);
      this.showEmpty();
    }

    showEmpty() {
      if (this.points.t.length || typeof this.points.before === "number") {
        delete this.root.dataset.empty;
      } else {
        this.root.dataset.empty = gatehouse.t("No readings in this range");
      }
    }

    /** Draw what came since the last time; returns whether there was anything to do. */
    grow() {
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
      const full =
        this.kind === "state" || !before || !this.plot || this.plot.data !== this.traces;
      if (full) {
        this.draw();
      } else {
        this.extend(before);
      }
    }

    extend(before) {
      const { points, plot, shift } = this;
      const [from, to] = this.shown();
      const t = points.t.slice(before).map((ms) => drawing.toAxis(ms, shift));
      const x = [t];
      const y = [points.mean.slice(before)];
      if (!points.raw) {
        x.push(t, t);
        y.push(points.low.slice(before), points.high.slice(before));
      }
      plot.layout.xaxis.range = [from, to].map((ms) => drawing.toAxis(ms, shift));
      if (t.length) {
        window.Plotly.extendTraces(plot, { x, y }, [...x.keys()]);
      } else {
        window.Plotly.redraw(plot);
      }
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
      this.styles = plot.data.map((trace) => ({ ...trace, x: [], y: [] }));
      this.base = structuredClone(plot.layout);
      let resetting = false;
      plot.on("plotly_relayout", (change) => {
        if (!resetting && "xaxis.range[0]" in change) {
          this.zoomTo(change["xaxis.range[0]"], change["xaxis.range[1]"]);
        }
        resetting = false;
      });
      plot.on("plotly_doubleclick", () => {
        resetting = true;
        this.follow();
      });
      plot.on("plotly_afterplot", () => {
        if (plot.data !== this.traces && this.traces) {
          this.traces = null; // Dash put its empty figure back
          this.draw();
        }
      });
    }

    zoomTo(from, to) {
      this.zoom = [from, to].map((value) => drawing.fromAxis(value, this.shift));
      clearTimeout(this.zooming);
      this.zooming = setTimeout(() => this.load({ background: false }), ZOOM_MS);
    }

    /** Leave the reader's zoom and go on with the range of the page. */
    follow() {
      this.zoom = null;
      this.revision += 1;
      clearTimeout(this.zooming);
      this.refresh({ background: false });
    }
  };
})();
