/* Small things on every page: copy buttons, the menu, the shown page's link, times in the
   reader's zone, and finding and ordering cards on the dashboard. */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const ORDER_KEY = "gatehouse.order";
  const COPIED_MS = 1500;

  /* Copying */
  async function copy(button) {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      copyOldWay(button.dataset.copy); // the clipboard needs TLS or localhost
    }
    button.classList.add("copied");
    button.setAttribute("aria-label", gatehouse.t("Copied"));
    setTimeout(() => {
      button.classList.remove("copied");
      button.setAttribute("aria-label", gatehouse.t("Copy"));
    }, COPIED_MS);
  }

  function copyOldWay(text) {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }

  /* Buttons in rows; the number makes each press a new one (dashboard/rows.py) */
  let presses = 0;

  function press(button) {
    const data = { row: button.dataset.row, press: ++presses };
    window.dash_clientside.set_props(button.dataset.press, { data });
  }

  /* The menu closes when something else is meant */
  function closeMenus(except) {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (menu !== except) {
        menu.open = false;
      }
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (button) {
      copy(button);
    }
    const pressed = event.target.closest?.("[data-press]");
    if (pressed) {
      press(pressed);
    }
    if (event.target.closest?.("[data-print]")) {
      window.print();
    }
    closeMenus(event.target.closest?.("details[data-menu]"));
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      closeMenus(null);
    }
  });

  /* What somebody asked for and must not miss */
  gatehouse.appeared("[data-arrived]", (element) => element.focus());

  /* Dash hides what a click on a label of its lists would focus, but not from the keyboard */
  gatehouse.appeared(".dash-dropdown-focus-target", (element) => {
    element.tabIndex = -1;
  });

  /* The link of the page that is shown */
  function markLinks() {
    for (const link of document.querySelectorAll(".gh-nav-link")) {
      if (new URL(link.href).pathname === window.location.pathname) {
        link.setAttribute("aria-current", "page");
      } else {
        link.removeAttribute("aria-current");
      }
    }
  }

  gatehouse.appeared("#_pages_content > *", markLinks);
  gatehouse.appeared(".gh-nav-link", markLinks);
  gatehouse.appeared("[data-theme-choice]", () => gatehouse.theme.apply());

  /* Times that stand still, in the shown zone */
  const STILL = "time[data-t]:not([data-seen], [data-command-at])";

  function showTime(time) {
    const text = gatehouse.zone.moment(Number(time.dataset.t));
    if (time.textContent !== text) {
      time.textContent = text;
    }
  }

  gatehouse.appeared(STILL, showTime);
  gatehouse.on("range", () => document.querySelectorAll(STILL).forEach(showTime));

  /* Cards: search and order */
  const RANK = { offline: 0, late: 1, never_seen: 2, online: 3 };

  function stateOf(card) {
    return RANK[card.querySelector("[data-presence]")?.dataset.state] ?? 3;
  }

  function seenAt(card) {
    return Number(card.querySelector("[data-seen]")?.dataset.t || 0);
  }

  const ORDERS = {
    name: () => 0,
    state: (a, b) => stateOf(a) - stateOf(b),
    seen: (a, b) => seenAt(b) - seenAt(a),
    kind: (a, b) => a.dataset.deviceKind.localeCompare(b.dataset.deviceKind),
  };

  function arrange() {
    const grid = document.querySelector("[data-cards]");
    if (!grid) {
      return;
    }
    const order = ORDERS[document.querySelector("[data-order]")?.value] || ORDERS.name;
    const byName = (a, b) => a.getAttribute("aria-label").localeCompare(b.getAttribute("aria-label"));
    const cards = [...grid.children];
    const wanted = [...cards].sort((a, b) => order(a, b) || byName(a, b));
    if (wanted.some((card, index) => card !== cards[index])) {
      grid.append(...wanted);
    }
    search();
  }

  function search() {
    const words = (document.querySelector("[data-search] input")?.value || "").trim().toLocaleLowerCase();
    let shown = 0;
    for (const card of document.querySelectorAll("[data-cards] > *")) {
      const hit = card.getAttribute("aria-label").toLocaleLowerCase().includes(words);
      card.hidden = !hit;
      shown += hit;
    }
    const nothing = document.querySelector("[data-nothing]");
    if (nothing) {
      nothing.hidden = shown > 0 || !words;
    }
  }

  document.addEventListener("input", (event) => {
    if (event.target.matches?.("[data-search] input")) {
      search();
    }
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-order]")) {
      remember(event.target.value);
      arrange();
    }
  });

  function remember(order) {
    try {
      window.localStorage.setItem(ORDER_KEY, order);
    } catch {
      /* it holds for this page only */
    }
  }

  gatehouse.appeared("[data-order]", (select) => {
    try {
      const kept = window.localStorage.getItem(ORDER_KEY);
      if (kept in ORDERS) {
        select.value = kept;
      }
    } catch {
      /* storage is switched off in this browser */
    }
    arrange();
  });
  gatehouse.appeared("[data-cards] > *", () => requestAnimationFrame(arrange));
})();
