/* Which part of time the charts show: buttons, own times, zoom, the earlier range to compare
   with; all of it in the address of the page, so that it can be kept and gone back to.

   ?range=24h              moves on with the time
   ?from=...&to=...        stands still; with a range too, that is where a double click leads
   &compare=before|week    the range just before, or the one a week before, is drawn beside it */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const DAY_MS = 86_400_000;
  const WIDTHS_MS = {
    "5m": 300_000,
    "15m": 900_000,
    "1h": 3_600_000,
    "6h": 21_600_000,
    "24h": DAY_MS,
    "7d": 7 * DAY_MS,
    "30d": 30 * DAY_MS,
    "1y": 365 * DAY_MS,
    "5y": 5 * 365 * DAY_MS,
  };
  const FIRST = "1h";
  const NARROWEST_MS = 100;
  const LATEST_MS = 253_402_300_800_000; // the year 10000
  let home = null; // [from, to] of own times that the reader zoomed into

  const query = () => new URLSearchParams(window.location.search);

  function name() {
    const given = query().get("range");
    return given in WIDTHS_MS ? given : FIRST;
  }

  function moment(text) {
    const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
    return ms >= 0 && ms < LATEST_MS ? ms : NaN;
  }

  /** The times in the address as [from, to], or null where the window moves. */
  function fixed() {
    const given = query();
    const from = moment(given.get("from"));
    const to = moment(given.get("to"));
    return from < to ? [from, to] : null;
  }

  /** Put values into the address (null: take them out) and tell the charts. */
  function show(values, { replace = false } = {}) {
    const address = new URL(window.location.href);
    for (const [key, value] of Object.entries(values)) {
      if (value === null) {
        address.searchParams.delete(key);
      } else {
        address.searchParams.set(key, value);
      }
    }
    const step = replace ? "replaceState" : "pushState";
    window.history[step](window.history.state, "", address);
    changed();
  }

  function changed() {
    document.querySelectorAll("[data-range]").forEach(mark);
    document.querySelectorAll("[data-own-range]").forEach(markOwn);
    document.querySelectorAll("[data-compare]").forEach(markCompare);
    document.querySelectorAll("[data-zone-choice]").forEach(markZone);
    gatehouse.emit("range");
  }

  const markOwn = (details) => details.classList.toggle("active", Boolean(fixed()));

  function mark(button) {
    const chosen = button.dataset.range === name() && !fixed();
    button.classList.toggle("active", chosen);
    if (chosen) {
      button.setAttribute("aria-current", "true");
    } else {
      button.removeAttribute("aria-current");
    }
  }

  const times = (from, to) => ({
    from: new Date(Math.floor(from)).toISOString(),
    to: new Date(Math.ceil(to)).toISOString(),
  });

  /** Show times of the reader's own. */
  function showOwn(from, to) {
    home = null;
    show({ range: null, ...times(from, to) });
  }

  /* Zoom */
  function zoomTo(from, to) {
    const middle = (from + to) / 2;
    const half = Math.max((to - from) / 2, NARROWEST_MS / 2);
    home ??= query().has("range") ? null : fixed();
    const begin = Math.max(0, middle - half);
    const end = Math.min(LATEST_MS - 1, middle + half);
    show({ range: name(), ...times(begin, end) }, { replace: true });
  }

  /** Leave the zoom. */
  function back() {
    if (home) {
      show({ range: null, ...times(...home) }, { replace: true });
      home = null;
    } else {
      show({ from: null, to: null }, { replace: true });
    }
  }

  /* Comparing */
  function markCompare(select) {
    const chosen = query().get("compare") || "";
    select.value = [...select.options].some(({ value }) => value === chosen) ? chosen : "";
  }

  /** How much earlier the range is that is drawn for comparison, in ms; 0: none. */
  function earlier() {
    const [from, to] = gatehouse.window();
    return { before: to - from, week: 7 * DAY_MS }[query().get("compare")] || 0;
  }

  function markZone(select) {
    select.value = query().get("zone") === "device" ? "device" : "";
  }

  /* Keys, while a chart has the focus */
  function press(key) {
    const [from, to] = gatehouse.window();
    const width = to - from;
    const moves = {
      ArrowLeft: [from - width / 4, to - width / 4],
      ArrowRight: [from + width / 4, to + width / 4],
      "+": [from + width / 4, to - width / 4],
      "-": [from - width / 2, to + width / 2],
    };
    if (key in moves) {
      zoomTo(...moves[key]);
    } else if (key === "Escape" && fixed()) {
      back();
    } else {
      return false;
    }
    return true;
  }

  /** The shown window as [from, to] in ms; its end moves with the time unless it is fixed. */
  gatehouse.window = () => {
    const to = gatehouse.now();
    return fixed() || [to - WIDTHS_MS[name()], to];
  };
  gatehouse.range = { moving: () => !fixed(), showOwn, zoomTo, back, earlier };

  document.addEventListener("click", (event) => {
    const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    const button = event.target.closest("[data-range]");
    if (button && plain) {
      event.preventDefault();
      home = null;
      show({ range: button.dataset.range, from: null, to: null });
    }
    const link = event.target.closest("a[data-csv]");
    if (link) {
      const address = new URL(link.href);
      const [from, to] = gatehouse.window();
      address.searchParams.delete("range");
      address.searchParams.set("from", Math.floor(from));
      address.searchParams.set("to", Math.ceil(to));
      link.href = address.pathname + address.search;
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-compare]")) {
      show({ compare: event.target.value || null });
    } else if (event.target.matches("[data-zone-choice]")) {
      show({ zone: event.target.value || null });
    }
  });
  document.addEventListener("keydown", (event) => {
    const modified = event.ctrlKey || event.metaKey || event.altKey;
    if (event.target.matches?.("[data-chart]") && !modified && press(event.key)) {
      event.preventDefault();
    }
  });
  window.addEventListener("popstate", changed);
  gatehouse.appeared("[data-range]", mark);
  gatehouse.appeared("[data-own-range]", markOwn);
  gatehouse.appeared("[data-compare]", markCompare);
  gatehouse.appeared("[data-zone-choice]", markZone);
})();
