/* What the scripts share: texts, numbers, the server's clock, and word of new elements.

   Dash draws parts of the page again and again, so nothing here holds on to elements that a
   page began with: `appeared` tells of each that comes, `elements` finds those that are there. */

(() => {
  "use strict";

  const gatehouse = Object.assign(window.gatehouse || {}, {});
  window.gatehouse = gatehouse;

  const language = document.documentElement.lang || "en";
  const formats = new Map();
  const HUGE = 1e15; // from here on numbers are written with an exponent, as on the server
  const SMALL_MS = 2000; // a difference of clocks that nobody sees
  let texts = null;
  let leaving = false; // a form is on its way, such as that for logging out
  let clockAhead = 0; // how far this browser's clock is ahead of the server's, in ms

  /**
   * Translate an English text.
   * @param {string} text the English text, with %(name)s for values
   * @param {Object<string, string|number>} [values]
   */
  gatehouse.t = (text, values) => {
    texts ??= JSON.parse(document.getElementById("texts")?.textContent || "{}");
    const translated = texts[text] || text;
    return values ? translated.replace(/%\((\w+)\)s/g, (_, name) => values[name]) : translated;
  };

  /**
   * Write a number as people of this language do.
   * @param {number} value
   * @param {string} [decimals] how many, as text; empty: as many as the number has, up to six
   */
  gatehouse.number = (value, decimals = "") => {
    const key = Math.abs(value) >= HUGE ? "huge" : decimals;
    let format = formats.get(key);
    if (!format) {
      const digits = decimals === "" ? [0, 6] : [Number(decimals), Number(decimals)];
      format = new Intl.NumberFormat(
        language,
        key === "huge"
          ? { notation: "scientific", maximumFractionDigits: 3 }
          : { minimumFractionDigits: digits[0], maximumFractionDigits: digits[1] },
      );
      formats.set(key, format);
    }
    return format.format(value);
  };

  /** Whether a reading of a state says "on". */
  gatehouse.isOn = (value) => value === true || value === 1 || /^(on|1|true)$/i.test(value);

  /** The server's present time in ms; devices are heard by its clock, not by the browser's. */
  gatehouse.now = () => Date.now() - clockAhead;

  /** @param {number} now the server's time, as it just told; small differences are the network */
  gatehouse.setClock = (now) => {
    const before = clockAhead;
    const ahead = Date.now() - now;
    clockAhead = Math.abs(ahead) < SMALL_MS ? 0 : ahead;
    if (Math.abs(clockAhead - before) >= SMALL_MS) {
      gatehouse.emit("clock");
    }
  };

  /** Headers of a request that changes something. */
  gatehouse.formHeaders = () => ({
    "Content-Type": "application/json",
    "X-CSRFToken": document.querySelector("meta[name=csrf-token]")?.content || "",
  });

  /** Go to the login and come back here afterwards; who is leaving goes where that leads. */
  gatehouse.logIn = () => {
    if (leaving) {
      return;
    }
    const here = window.location.pathname + window.location.search;
    window.location.assign(here === "/" ? "/login" : `/login?next=${encodeURIComponent(here)}`);
  };

  window.addEventListener("submit", (event) => {
    leaving = !event.defaultPrevented;
  });
  window.addEventListener("pageshow", () => {
    leaving = false;
  });

  /**
   * Ask the store for something.
   * @param {string} path
   * @param {{signal?: AbortSignal, background?: boolean}} [options] background: nobody clicked
   */
  gatehouse.ask = async (path, { signal, background } = {}) => {
    const headers = background ? { "X-Background": "1" } : {};
    const answer = await fetch(path, { signal, headers });
    if (answer.status === 401) {
      gatehouse.logIn();
    }
    if (!answer.ok) {
      throw new Error(`${path.split("?")[0]} answered ${answer.status}`);
    }
    return answer.json();
  };

  /* Events between the scripts: those of the stream, and start, readings, state, gap, range,
     clock (it was set) */
  const listeners = new Map();

  /** @param {string} kind @param {(data: any) => void} listener */
  gatehouse.on = (kind, listener) => {
    listeners.set(kind, [...(listeners.get(kind) || []), listener]);
  };

  /** @param {string} kind @param {any} [data] */
  gatehouse.emit = (kind, data) => {
    for (const listener of listeners.get(kind) || []) {
      listener(data);
    }
  };

  /* Elements by device and sensor, remembered until the page changes its shape */
  const WATCHED = ["data-device", "data-sensor", "data-led"];
  const found = new Map();
  const newcomers = [];

  /**
   * Find all elements with an attribute that belong to a device.
   * @param {"data-sensor"|"data-led"|"data-word"|"data-presence"|"data-seen"|
   *   "data-sensor-spark"|"data-command-state"|"data-command-at"} attribute
   * @param {string} device public id
   * @param {string} [name] value of the attribute, where that matters
   * @returns {HTMLElement[]}
   */
  gatehouse.elements = (attribute, device, name) => {
    const key = `${attribute}\n${device}\n${name ?? ""}`;
    let elements = found.get(key);
    if (!elements) {
      const value = name === undefined ? "" : `="${CSS.escape(name)}"`;
      elements = [...document.querySelectorAll(`[${attribute}${value}]`)].filter(
        (element) => gatehouse.deviceOf(element) === device,
      );
      found.set(key, elements);
    }
    return elements;
  };

  /** @param {Element} element @returns {string} the public id of the device it belongs to */
  gatehouse.deviceOf = (element) => element.closest("[data-device]")?.dataset.device || "";

  /**
   * Hear of each element that fits a selector, now and whenever one comes or changes its device.
   * @param {string} selector
   * @param {(element: HTMLElement) => void} welcome may be called twice with the same element
   */
  gatehouse.appeared = (selector, welcome) => {
    newcomers.push({ selector, welcome });
    greet(document.body, selector, welcome);
  };

  function greet(root, selector, welcome) {
    if (root.matches(selector)) {
      welcome(root);
    }
    for (const element of root.querySelectorAll(selector)) {
      welcome(element);
    }
  }

  function changed(records) {
    const roots = new Set();
    for (const record of records) {
      if (record.target instanceof SVGElement) {
        continue; // the inside of a chart
      }
      found.clear();
      if (record.type === "attributes") {
        roots.add(record.target);
      }
      for (const node of record.addedNodes) {
        if (node.nodeType === Node.ELEMENT_NODE) {
          roots.add(node);
        }
      }
    }
    for (const root of roots) {
      if (root.isConnected) {
        for (const { selector, welcome } of newcomers) {
          greet(root, selector, welcome);
        }
      }
    }
  }

  new MutationObserver(changed).observe(document.documentElement, {
    subtree: true,
    childList: true,
    attributeFilter: WATCHED,
  });
})();
