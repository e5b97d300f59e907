/* From the worker with the event stream to the scripts of this page; fills what was missed.

   A page that opens, or finds a gap, asks the store (/data/state) and then follows the stream;
   what is older than what it shows already is left out by whoever shows it. */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const WORKER = new URL("live-worker.js", document.currentScript.src).href;
  const LOST_AFTER_MS = 1500; // a short break is nobody's business
  const LATEST_START_MS = 400; // a page without a stream is better than none
  const RESYNC_MS = 1000; // not more often, however many gaps there are
  const POLL_MS = 10_000; // while there is no stream
  const REDRAW_MS = 200; // a new device brings many sensors at once

  let port = null;
  let shared = true;
  let lost = 0;
  let poll = 0;
  let redrawing = 0;
  let system = { broker: true, store: true }; // which of them work
  let connection = "open";
  let resync = 0;
  let resynced = 0;
  let begun = false; // the store was asked
  let opened = false; // the stream was there

  function connect() {
    if (window.SharedWorker) {
      port = new SharedWorker(WORKER, "gatehouse-live").port;
    } else {
      shared = false;
      port = new Worker(WORKER);
    }
    port.onmessage = ({ data: [kind, text] }) => receive(kind, text);
    port.postMessage("join");
  }

  function receive(kind, text) {
    if (kind === "connection") {
      setConnection(text);
      return;
    }
    const data = JSON.parse(text);
    if (kind === "hello") {
      gatehouse.setClock(data.now);
    } else if (kind === "system") {
      setSystem(data);
    } else if (kind === "gap") {
      fill();
    } else {
      gatehouse.emit(kind, data);
    }
  }

  function setConnection(state) {
    connection = state;
    document.documentElement.dataset.live = state; // for styles
    clearTimeout(lost);
    clearInterval(poll);
    if (state === "ended") {
      gatehouse.logIn();
    } else if (state === "open") {
      begin();
      showBanner();
    } else {
      lost = setTimeout(showBanner, LOST_AFTER_MS);
      poll = setInterval(fill, POLL_MS);
    }
  }

  function setSystem({ broker, store }) {
    system = { broker, store };
    showBanner();
  }

  function showBanner() {
    let text = "";
    if (connection === "lost") {
      text = gatehouse.t("Live connection lost, trying again");
    } else if (!system.broker) {
      text = gatehouse.t("The MQTT broker is offline; devices cannot be heard or reached");
    } else if (!system.store) {
      text = gatehouse.t(
        "New readings cannot be stored just now and wait in the broker. Doors work.",
      );
    }
    for (const banner of document.querySelectorAll("[data-connection]")) {
      const words = banner.querySelector("[data-connection-text]") || banner;
      if (words.textContent !== text) {
        words.textContent = text;
      }
      banner.hidden = !text;
    }
  }

  /** Ask the store for the first time, once nothing can fall between its answer and the stream. */
  function begin() {
    if (!begun) {
      begun = true;
      gatehouse.emit("start");
      ask();
    } else if (!opened) {
      fill(); // the stream came too late for what was asked before
    }
    opened ||= connection === "open";
  }

  /** Ask the store again soon; several calls make one question. */
  function fill() {
    if (!resync) {
      const wait = Math.max(0, resynced + RESYNC_MS - Date.now());
      resync = setTimeout(askAgain, wait);
    }
  }

  function askAgain() {
    resync = 0;
    if (gatehouse.refresh.paused()) {
      gatehouse.refresh.miss();
    } else {
      gatehouse.emit("gap");
      ask();
    }
  }

  async function ask() {
    resynced = Date.now();
    try {
      const state = await gatehouse.ask("/data/state", { background: true });
      gatehouse.setClock(state.now);
      setSystem(state);
      gatehouse.emit("state", state.devices);
    } catch {
      if (connection === "open") {
        resynced = Date.now() + POLL_MS;
        fill();
      }
    }
  }

  /** Have the page drawn again when devices came, went or got sensors. */
  function redraw() {
    clearTimeout(redrawing);
    redrawing = setTimeout(() => {
      for (const button of document.querySelectorAll("[data-page-refresh]")) {
        button.click();
      }
    }, REDRAW_MS);
  }

  gatehouse.live = { fill, hasBegun: () => begun };
  gatehouse.on("device", redraw);

  document.addEventListener("DOMContentLoaded", () => {
    connect();
    setTimeout(begin, LATEST_START_MS);
  });
  gatehouse.appeared("[data-connection]", showBanner);

  // a page that the browser keeps for "back" must neither count as a viewer nor show old values
  window.addEventListener("pagehide", () => port?.postMessage("leave"));
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      port.postMessage("join");
      fill();
    }
  });
  document.addEventListener("visibilitychange", () => {
    if (!shared) {
      port?.postMessage(document.hidden ? "leave" : "join");
    }
  });
})();
