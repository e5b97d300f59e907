/* What text sensors said in the shown range: a table behind a fold, filled when it is opened. */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const AFTER_MS = 300; // texts that come together make one question
  const ALL = "[data-texts]";
  const asked = new WeakMap(); // place -> AbortController of the last question
  const stale = new WeakSet();
  let timer = 0;

  function element(name, className, ...content) {
    const made = document.createElement(name);
    made.className = className;
    made.append(...content);
    return made;
  }

  const row = (kind, cells) =>
    element("tr", "", ...cells.map((cell) => element(kind, "", cell)));

  function time(ms) {
    const made = element("time", "gh-seen");
    made.dateTime = new Date(ms).toISOString();
    made.dataset.t = ms; // page.js writes it
    return made;
  }

  function table(texts) {
    const words = [gatehouse.t("Time"), gatehouse.t("Sensor"), gatehouse.t("Text")];
    const head = element("thead", "", row("th", words));
    head.querySelectorAll("th").forEach((cell) => (cell.scope = "col"));
    const rows = texts.map(({ t, s, v }) => row("td", [time(t), s, v]));
    const scroll = element(
      "div",
      "gh-scroll",
      element("table", "gh-table", head, element("tbody", "", ...rows)),
    );
    scroll.tabIndex = 0; // so that the keyboard can scroll it
    return scroll;
  }

  function draw(place, { texts, more }) {
    const remark = (text) => element("p", "gh-muted", text);
    if (!texts.length) {
      place.replaceChildren(remark(gatehouse.t("None in this range.")));
      return;
    }
    const cut = gatehouse.t("There are more in this range; these are the newest.");
    place.replaceChildren(table(texts), ...(more ? [remark(cut)] : []));
  }

  async function fill(place, options) {
    asked.get(place)?.abort();
    const question = new AbortController();
    asked.set(place, question);
    stale.delete(place);
    const [from, to] = gatehouse.window().map(Math.round);
    const query = new URLSearchParams({ device: gatehouse.deviceOf(place), from, to });
    try {
      const answer = await gatehouse.ask(`/data/texts?${query}`, {
        signal: question.signal,
        ...options,
      });
      if (asked.get(place) === question) {
        draw(place, answer);
      }
    } catch {
      if (asked.get(place) === question) {
        stale.add(place); // what is there stays until it is opened again
      }
    }
  }

  /** Fill the lists that can be seen now, and the others once they can. */
  function refresh(options) {
    for (const place of document.querySelectorAll(ALL)) {
      if (place.closest("details")?.open) {
        fill(place, options);
      } else {
        stale.add(place);
      }
    }
  }

  gatehouse.appeared(ALL, (place) => stale.add(place));
  gatehouse.on("range", () => refresh({ background: false }));
  gatehouse.on("gap", () => refresh({ background: true }));
  gatehouse.on("readings", (readings) => {
    const places = [...document.querySelectorAll(ALL)];
    const isOurs = ({ d, k, t }) =>
      k === "text" &&
      gatehouse.range.holds(t) &&
      places.some((place) => gatehouse.deviceOf(place) === d);
    if (!timer && readings.some(isOurs)) {
      timer = setTimeout(() => {
        timer = 0;
        refresh({ background: true });
      }, AFTER_MS);
    }
  });
  document.addEventListener(
    "toggle",
    ({ target }) => {
      const place = target.open && target.querySelector?.(ALL);
      if (place && stale.has(place)) {
        fill(place, { background: false });
      }
    },
    true,
  );
})();
