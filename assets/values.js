/* Puts newest values, lights and presence where the page wants them.

   Texts change at once, not at the next animation frame, and without any framework. */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const newest = new Map(); // "device\nsensor" -> reading
  const devices = new Map(); // device -> {state, seen, lateAfter}
  const WORDS = {
    online: () => gatehouse.t("online"),
    late: () => gatehouse.t("late"),
    offline: () => gatehouse.t("offline"),
    never_seen: () => gatehouse.t("never seen"),
  };
  const AGO = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", {
    numeric: "auto",
  });
  const STEPS = [
    ["second", 1, 60],
    ["minute", 60, 60],
    ["hour", 3600, 24],
    ["day", 86_400, Infinity],
  ];

  function write(element, text) {
    const node = element.firstChild;
    if (node?.nodeType === Node.TEXT_NODE && !node.nextSibling) {
      if (node.data !== text) {
        node.data = text;
      }
    } else {
      element.textContent = text;
    }
  }

  function words(reading, decimals) {
    if (reading.k === "state") {
      return gatehouse.isOn(reading.v) ? gatehouse.t("ON") : gatehouse.t("OFF");
    }
    return typeof reading.v === "number" ? gatehouse.number(reading.v, decimals) : reading.v;
  }

  /** @param {{d: string, s: string, t: number, v: number|string, k: string}} reading */
  function show(reading) {
    const key = `${reading.d}\n${reading.s}`;
    if (reading.t < (newest.get(key)?.t ?? 0)) {
      return; // it belongs into the charts only
    }
    newest.set(key, reading);
    for (const element of gatehouse.elements("data-sensor", reading.d, reading.s)) {
      showIn(element, reading);
    }
    for (const light of gatehouse.elements("data-led", reading.d, reading.s)) {
      light.dataset.on = String(gatehouse.isOn(reading.v));
    }
    for (const word of gatehouse.elements("data-word", reading.d, reading.s)) {
      write(word, gatehouse.isOn(reading.v) ? word.dataset.ifOn : word.dataset.ifOff);
    }
  }

  function showIn(element, reading) {
    if (element.matches("[data-chart], [data-spark]")) {
      return; // drawn elsewhere
    }
    if (reading.t < Number(element.dataset.t || 0)) {
      return;
    }
    write(element, words(reading, element.dataset.decimals));
    element.dataset.t = reading.t;
  }

  function heard(device) {
    const known = devices.get(device) || {};
    known.seen = Math.max(known.seen || 0, gatehouse.now());
    devices.set(device, known);
    if (known.state === "late" || known.state === "never_seen") {
      known.state = "online";
      showPresence(device);
    }
  }

  function showPresence(device) {
    const { state } = devices.get(device);
    for (const element of gatehouse.elements("data-presence", device)) {
      element.dataset.state = state;
      write(element, WORDS[state]());
    }
  }

  /** @param {{d: string, state: string, seen: number|null}} presence */
  function learn(presence) {
    const known = devices.get(presence.d) || {};
    const heardNow = presence.state === "never_seen" && known.seen; // the question was older
    devices.set(presence.d, {
      ...known,
      state: heardNow ? "online" : presence.state,
      seen: presence.seen ?? known.seen,
    });
    showPresence(presence.d);
    showSeen();
  }

  /** How long ago a time is, in ms since 1970, in words. */
  gatehouse.ago = (at) => {
    const seconds = Math.max(0, Math.floor((gatehouse.now() - at) / 1000));
    const [unit, size] = STEPS.find(([, each, many]) => seconds < each * many);
    return AGO.format(-Math.floor(seconds / size), unit);
  };

  function showSeen() {
    for (const element of document.querySelectorAll("[data-seen]")) {
      const seen = Math.max(
        devices.get(gatehouse.deviceOf(element))?.seen || 0,
        Number(element.dataset.t || 0),
      );
      if (seen) {
        element.dataset.t = seen;
        write(element, gatehouse.ago(seen));
      }
    }
    for (const element of document.querySelectorAll("[data-command-at][data-t]")) {
      write(element, gatehouse.ago(Number(element.dataset.t)));
    }
  }

  function growOld() {
    for (const [device, known] of devices) {
      const isLate = known.lateAfter && gatehouse.now() - known.seen > known.lateAfter;
      if (known.state === "online" && isLate) {
        known.state = "late";
        showPresence(device);
      }
    }
    showSeen();
  }

  gatehouse.on("readings", (readings) => {
    for (const reading of readings) {
      show(reading);
    }
  });
  gatehouse.on("reading", ({ d }) => heard(d));
  gatehouse.on("presence", learn);
  gatehouse.on("state", (all) => {
    for (const [d, { presence, sensors, late_after: lateAfter }] of Object.entries(all)) {
      devices.set(d, { ...devices.get(d), lateAfter });
      learn({ d, ...presence });
      for (const [s, reading] of Object.entries(sensors)) {
        show({ d, s, ...reading });
      }
    }
  });

  gatehouse.appeared("[data-sensor]", (element) => {
    const key = `${gatehouse.deviceOf(element)}\n${element.dataset.sensor}`;
    if (newest.has(key)) {
      showIn(element, newest.get(key));
    }
  });
  gatehouse.appeared("[data-led]", (light) => {
    const reading = newest.get(`${gatehouse.deviceOf(light)}\n${light.dataset.led}`);
    if (reading) {
      light.dataset.on = String(gatehouse.isOn(reading.v));
    }
  });
  gatehouse.appeared("[data-presence]", (element) => {
    const device = gatehouse.deviceOf(element);
    if (devices.get(device)?.state) {
      showPresence(device);
    }
  });
  gatehouse.on("start", () => setInterval(growOld, 1000));
})();
