/* Which part of time the charts show: buttons, own times, zoom, the earlier range to compare
   with; all of it in the address of the page, so that it can be kept and gone back to. */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const { address } = gatehouse;
  const WEEK_MS = 7 * 86_400_000;
  const NARROWEST_MS = 100;

  const fixed = () => address.read().fixed;

  /** Put values into the address (null: take them out) and tell the charts. */
  function show(values, options) {
    address.write(values, options);
    changed();
  }

  /** @param {"range"|"gap"} kind gap: not by the reader */
  function changed(kind = "range") {
    gatehouse.refresh.step();
    for (const [selector, mark] of MARKS) {
      document.querySelectorAll(selector).forEach((element) => mark(element));
    }
    gatehouse.emit(kind);
  }

  /* What the tools show of it */
  function markRange(button) {
    const chosen = button.dataset.range === address.read().name && !fixed();
    button.classList.toggle("active", chosen);
    if (chosen) {
      button.setAttribute("aria-current", "true");
      const { left, right } = button.getBoundingClientRect();
      const bar = button.parentElement.getBoundingClientRect();
      button.parentElement.scrollLeft += Math.max(0, right - bar.right) + Math.min(0, left - bar.left);
    } else {
      button.removeAttribute("aria-current");
    }
  }

  function markCompare(select) {
    const chosen = new URLSearchParams(window.location.search).get("compare") || "";
    select.value = [...select.options].some(({ value }) => value === chosen) ? chosen : "";
  }

  function markZone(select) {
    const chosen = new URLSearchParams(window.location.search).get("zone");
    select.value = chosen === "device" ? chosen : "";
  }

  function markProblems(note) {
    const text = address.read().problems.join(" ");
    note.hidden = !text;
    if (note.textContent !== text) {
      note.textContent = text;
    }
  }

  /** Where the file of what is shown is; `now` fixes a window that moves. */
  function markCsv(link, now = false) {
    const file = new URL(link.href);
    const { name } = address.read();
    const span = now ? gatehouse.window() : fixed();
    const [from, to] = span?.map(Math.round) || [];
    for (const [key, value] of Object.entries(span ? { from, to } : { range: name })) {
      file.searchParams.set(key, value);
    }
    for (const key of span ? ["range"] : ["from", "to"]) {
      file.searchParams.delete(key);
    }
    link.href = file.pathname + file.search;
  }

  const MARKS = [
    ["[data-range]", markRange],
    ["[data-own-range]", (details) => details.classList.toggle("active", Boolean(fixed()))],
    ["[data-compare]", markCompare],
    ["[data-zone-choice]", markZone],
    ["[data-range-problems]", markProblems],
    ["[data-zoom-out]", (button) => (button.hidden = !address.read().zoomed)],
    ["a[data-csv]", markCsv],
  ];

  const times = (from, to) => ({
    from: new Date(Math.floor(from)).toISOString(),
    to: new Date(Math.ceil(to)).toISOString(),
  });

  /** Show times of the reader's own. */
  function showOwn(from, to) {
    show({ range: null, home: null, ...times(from, to) });
  }

  /* Zoom: one step of the browser's history, however often one zooms and moves */
  function zoomTo(from, to) {
    const { name, zoomed, home, fixed: own } = address.read();
    const half = Math.max((to - from) / 2, NARROWEST_MS / 2);
    const latest = gatehouse.now() - NARROWEST_MS; // something of the past stays in sight
    const begin = Math.max(0, Math.min((from + to) / 2 - half, latest));
    const end = Math.min(begin + 2 * half, address.LATEST_MS - 1);
    const out = zoomed ? home : own;
    show(
      { range: out ? null : name, home: out ? out.join("-") : null, ...times(begin, end) },
      { replace: Boolean(zoomed), zoom: zoomed ? Boolean(window.history.state?.zoom) : true },
    );
  }

  /** Leave the zoom; returns whether there was one. */
  function back() {
    const { zoomed, home } = address.read();
    if (zoomed && window.history.state?.zoom) {
      window.history.back();
    } else if (zoomed) {
      const out = home ? times(...home) : { from: null, to: null };
      show({ home: null, ...out }, { replace: true });
    }
    return Boolean(zoomed);
  }

  /** How much earlier the range is that is drawn for comparison, in ms; 0: none. */
  function earlier() {
    const [from, to] = gatehouse.window();
    const chosen = new URLSearchParams(window.location.search).get("compare");
    return { before: to - from, week: WEEK_MS }[chosen] || 0;
  }

  /* Keys, while a chart has the focus */
  function press(key) {
    const [from, to] = gatehouse.window();
    const width = to - from;
    const latest = Math.min(to + width / 2, Math.max(to, gatehouse.now())); // no empty future
    const moves = {
      ArrowLeft: [from - width / 4, to - width / 4],
      ArrowRight: [from + width / 4, to + width / 4],
      "+": [from + width / 4, to - width / 4],
      "-": [latest - 2 * width, latest],
    };
    if (key in moves) {
      zoomTo(...moves[key]);
      return true;
    }
    return key === "Escape" && back();
  }

  /** The shown window as [from, to] in ms; its end moves with the time unless it is fixed. */
  gatehouse.window = () => {
    const to = gatehouse.refresh.time();
    return fixed() || [to - address.read().width, to];
  };
  gatehouse.range = {
    moving: () => !fixed(),
    /** Whether a reading of this time belongs to what is shown. */
    holds: (t) => !fixed() || (fixed()[0] <= t && t < fixed()[1]),
    showOwn,
    zoomTo,
    back,
    earlier,
  };

  document.addEventListener("click", (event) => {
    const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    const button = event.target.closest("[data-range]");
    if (button && plain) {
      event.preventDefault();
      show({ range: button.dataset.range, from: null, to: null, home: null });
    }
    if (event.target.closest("[data-zoom-out]")) {
      back();
    }
    const link = event.target.closest("a[data-csv]");
    if (link) {
      markCsv(link, true);
      setTimeout(() => markCsv(link)); // once the browser has taken it
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-compare]")) {
      show({ compare: event.target.value || null });
    } else if (event.target.matches("[data-zone-choice]")) {
      const same = fixed() ? times(...fixed()) : {}; // whatever clocks of the other zone say
      show({ zone: event.target.value || null, ...same });
    }
  });
  document.addEventListener("keydown", (event) => {
    const modified = event.ctrlKey || event.metaKey || event.altKey;
    if (event.target.matches?.("[data-chart]") && !modified && press(event.key)) {
      event.preventDefault();
    }
  });

  /** Whether Dash has drawn the page of this address, so that only the range is another one. */
  function isSamePage() {
    const drawn = window.dash_component_api?.getLayout("_pages_location")?.props;
    const here = document.querySelector("[data-range]");
    return Boolean(here) && drawn?.pathname === window.location.pathname;
  }

  window.addEventListener(
    "popstate",
    (event) => {
      if (isSamePage()) {
        event.stopImmediatePropagation(); // Dash would make it anew: forms, folds, charts
      }
      changed();
    },
    true,
  );
  gatehouse.on("clock", () => {
    address.forget();
    changed("gap");
  });
  document.addEventListener("DOMContentLoaded", () => {
    MARKS.forEach(([selector, mark]) => gatehouse.appeared(selector, mark));
  });
})();
