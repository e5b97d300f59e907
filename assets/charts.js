/* All charts of the page: which can be seen, and whose turn it is to be drawn.

   Drawing again costs 15 to 60 ms, so charts are drawn at most four times a second, only while
   they can be seen, and never in the moment in which texts change. */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const AFTER_TEXT_MS = 12; // texts are painted before charts begin to draw
  const BETWEEN_MS = 250;
  const MARGIN = 100; // px; as if the window were larger by so much
  const REST = 2; // rest this many times as long as drawing took

  const charts = new Map(); // element -> Chart
  const waiting = new Set(); // charts with something new
  let timer = 0;
  let drawn = 0;
  let rest = BETWEEN_MS;

  /** Let a chart be drawn when its turn comes. */
  function want(chart) {
    waiting.add(chart);
    if (!timer && !document.hidden) {
      const wait = Math.max(AFTER_TEXT_MS, drawn + rest - performance.now());
      timer = setTimeout(drawWaiting, wait);
    }
  }

  function drawWaiting() {
    timer = 0;
    const began = performance.now();
    for (const chart of waiting) {
      if (chart.visible && !chart.plot?._dragging) {
        waiting.delete(chart);
        chart.grow();
      }
    }
    drawn = performance.now();
    rest = Math.max(BETWEEN_MS, REST * (drawn - began));
  }

  /** Move the windows on while nothing comes: an empty stretch must grow. */
  function slide() {
    if (!gatehouse.refresh.paused() && !document.hidden && gatehouse.range.moving()) {
      for (const chart of charts.values()) {
        const [from, to] = gatehouse.window();
        const pixel = (to - from) / Math.max(chart.root.clientWidth, 1);
        if (chart.visible && chart.points && to - (chart.slid || 0) > 2 * pixel) {
          chart.slid = to;
          want(chart);
        }
      }
    }
  }

  function everywhere(options) {
    for (const chart of charts.values()) {
      chart.refresh(options);
    }
  }

  const sight = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const chart = charts.get(target);
        if (chart) {
          chart.visible = isIntersecting;
          if (isIntersecting && chart.stale) {
            chart.refresh();
          } else if (isIntersecting && chart.points) {
            want(chart);
          }
        }
      }
    },
    { rootMargin: `${MARGIN}px` },
  );

  function isSeen(root) {
    const { top, bottom } = root.getBoundingClientRect();
    return bottom > -MARGIN && top < window.innerHeight + MARGIN;
  }

  function welcome(root) {
    const known = charts.get(root);
    const same =
      known?.device === gatehouse.deviceOf(root) && known?.sensor === root.dataset.sensor;
    if (!same) {
      const chart = new gatehouse.Chart(root);
      charts.set(root, chart);
      sight.unobserve(root);
      sight.observe(root);
      chart.visible = isSeen(root); // asks the store while Plotly is still on its way
      chart.refresh();
    }
    for (const [element, chart] of charts) {
      if (!element.isConnected) {
        chart.question?.abort();
        waiting.delete(chart);
        sight.unobserve(element);
        charts.delete(element);
      }
    }
  }

  gatehouse.charts = { want };

  gatehouse.appeared("[data-chart]", welcome);
  gatehouse.on("readings", (readings) => {
    for (const reading of readings) {
      for (const chart of charts.values()) {
        if (chart.sensor === reading.s && chart.device === reading.d) {
          chart.take(reading);
        }
      }
    }
  });
  gatehouse.on("gap", () => everywhere());
  gatehouse.on("range", () => everywhere({ background: false }));
  gatehouse.on("start", () => {
    everywhere();
    setInterval(slide, 1000);
  });
  document.addEventListener("gatehouse:theme", () => {
    for (const chart of charts.values()) {
      chart.draw();
    }
  });
  document.addEventListener("visibilitychange", () => {
    for (const chart of waiting) {
      want(chart);
    }
  });
})();
