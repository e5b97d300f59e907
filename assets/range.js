/* Which part of time the charts show: the buttons, the address of the page, the CSV link. */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const WIDTHS_MS = {
    "5m": 300_000,
    "15m": 900_000,
    "1h": 3_600_000,
    "6h": 21_600_000,
    "24h": 86_400_000,
  };
  const FIRST = "1h";

  function current() {
    const name = new URLSearchParams(window.location.search).get("range");
    return name in WIDTHS_MS ? name : FIRST;
  }

  function mark(button) {
    const chosen = button.dataset.range === current();
    button.classList.toggle("active", chosen);
    if (chosen) {
      button.setAttribute("aria-current", "true");
    } else {
      button.removeAttribute("aria-current");
    }
  }

  function changed() {
    document.querySelectorAll("[data-range]").forEach(mark);
    gatehouse.emit("range");
  }

  /** The shown window as [from, to] in ms; its end moves with the time. */
  gatehouse.window = () => {
    const to = gatehouse.now();
    return [to - WIDTHS_MS[current()], to];
  };

  document.addEventListener("click", (event) => {
    const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    const button = event.target.closest("[data-range]");
    if (button && plain) {
      event.preventDefault();
      const address = new URL(window.location.href);
      address.searchParams.set("range", button.dataset.range);
      window.history.pushState(window.history.state, "", address);
      changed();
    }
    const link = event.target.closest('a[href*="/data/export.csv"]');
    if (link) {
      const address = new URL(link.href);
      const [from, to] = gatehouse.charts.zoomed() || gatehouse.window();
      address.searchParams.delete("range");
      address.searchParams.set("from", Math.floor(from));
      address.searchParams.set("to", Math.ceil(to));
      link.href = address.pathname + address.search;
    }
  });
  window.addEventListener("popstate", changed);
  gatehouse.appeared("[data-range]", mark);
})();
