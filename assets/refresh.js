/* How often the page shows what came: at once, every so many seconds, or not at all.

   The stream always runs; the choice only says when readings are let through to the page.
   Commands and presence pass at once: a door must not look shut because charts rest. */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const KEY = "gatehouse.refresh";
  const CHOICES = ["live", "1", "5", "30", "paused"];
  const MOST_HELD = 10_000; // readings; beyond that the store knows better

  let choice = stored();
  let held = [];
  let missed = false;
  let timer = 0;
  let shown = null; // until when everything that came is shown

  function stored() {
    try {
      const value = window.localStorage.getItem(KEY);
      return CHOICES.includes(value) ? value : "live";
    } catch {
      return "live"; // storage is switched off in this browser
    }
  }

  function choose(value) {
    choice = value;
    clearInterval(timer);
    if (choice !== "live" && choice !== "paused") {
      timer = setInterval(flush, Number(choice) * 1000);
    }
    for (const select of document.querySelectorAll("select[data-refresh]")) {
      select.value = choice;
    }
    if (choice === "paused") {
      step();
    } else {
      flush();
    }
  }

  /** Go on to the present moment. */
  function step() {
    shown = gatehouse.now();
  }

  function flush() {
    const readings = held;
    held = [];
    step();
    if (missed) {
      missed = false;
      gatehouse.live.fill();
    }
    if (readings.length) {
      gatehouse.emit("readings", readings);
    }
  }

  function take(reading) {
    if (choice === "live") {
      gatehouse.emit("readings", [reading]);
    } else if (choice === "paused" || held.length >= MOST_HELD) {
      missed = true;
    } else {
      held.push(reading);
    }
  }

  gatehouse.refresh = {
    paused: () => choice === "paused",
    step,
    /** Until when the page shows what came, in ms: while it rests, time rests with it. */
    time: () => (choice === "live" || shown === null ? gatehouse.now() : shown),
    /** Ask the store when the page moves again. */
    miss: () => {
      missed = true;
    },
  };

  gatehouse.on("reading", take);
  gatehouse.on("start", () => choose(choice));
  gatehouse.appeared("select[data-refresh]", (select) => {
    select.value = choice;
  });
  document.addEventListener("change", ({ target }) => {
    if (target.matches("select[data-refresh]")) {
      try {
        window.localStorage.setItem(KEY, target.value);
      } catch {
        /* it holds for this page only */
      }
      choose(target.value);
    }
  });
  window.addEventListener("storage", ({ key }) => key === KEY && choose(stored()));
})();
