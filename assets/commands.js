/* Buttons that make a device do something: one press, one command, and what became of it.

   Only a real press sends anything; loading a page, coming back to it or restoring a tab never
   does.  Each press makes a key, so that a request sent twice is carried out once. */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const DOUBLE_CLICK_MS = 500;
  const FEEDBACK_MS = 30; // nobody sees it sooner; drawing before would slow the command down
  const HOLD_MS = 800;
  const HOLD_KEYS = ["Enter", " "];
  const TIMEOUT_MS = 8000;
  const RANK = { queued: 0, sent: 1, delivered: 2 }; // whatever else there is is final
  const WORDS = {
    queued: () => gatehouse.t("queued"),
    sent: () => gatehouse.t("sent"),
    delivered: () => gatehouse.t("delivered"),
    done: () => gatehouse.t("done"),
    refused: () => gatehouse.t("refused"),
    failed: () => gatehouse.t("failed"),
    expired: () => gatehouse.t("expired"),
    no_answer: () => gatehouse.t("no answer"),
  };

  /* What the server adds to a state; a device's own words stay as it said them. */
  const DETAILS = {
    "broker not reachable": () => gatehouse.t("broker not reachable"),
    "not connected": () => gatehouse.t("not connected"),
    "the lock has not logged in again since it was opened": () =>
      gatehouse.t("the lock has not logged in again since it was opened"),
    "logged in again": () => gatehouse.t("logged in again"),
  };

  const busy = new Map(); // button -> when it was pressed
  const shown = new Map(); // device -> {id, state, at, detail} or {state, text}
  let held = null; // the button that is being held, and its timer

  /** 128 random bits; crypto.randomUUID is missing on pages without TLS. */
  function newKey() {
    const bytes = window.crypto.getRandomValues(new Uint8Array(16));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  async function press(button) {
    if (busy.has(button)) {
      return;
    }
    const device = gatehouse.deviceOf(button);
    const asked = wish(button);
    if (!asked) {
      show(device, { state: "failed", text: gatehouse.t("Not sent: check what you typed") });
      return;
    }
    busy.set(button, performance.now());
    const sent = send(device, { ...asked, key: newKey() });
    const before = shown.get(device);
    setTimeout(() => {
      button.setAttribute("aria-disabled", "true");
      if (shown.get(device) === before) {
        show(device, { state: "queued" }); // else there is better news
      }
    }, FEEDBACK_MS);
    await sent;
    const left = busy.get(button) + DOUBLE_CLICK_MS - performance.now();
    setTimeout(() => {
      busy.delete(button);
      button.removeAttribute("aria-disabled");
    }, left);
  }

  /** What a button asks for, from its own marks or the fields beside it; null if unusable. */
  function wish(button) {
    const own = { name: button.dataset.command, params: JSON.parse(button.dataset.params || "{}") };
    const field = button.closest("[data-command-value]")?.querySelector("input, select");
    if (field) {
      const value = field.type === "number" ? field.valueAsNumber : field.value;
      own.params.value = value;
      return field.checkValidity() && value !== "" && !Number.isNaN(value) ? own : null;
    }
    const form = button.closest("[data-command-form]");
    const text = (id) => form.querySelector(`#${id}`)?.value.trim() ?? "";
    if (!form) {
      return own;
    }
    if (button.dataset.command) {
      const value = text("command-value");
      return value === "" || !Number.isFinite(Number(value))
        ? null
        : { name: "set", params: { target: text("command-target"), value: Number(value) } };
    }
    try {
      const params = JSON.parse(text("command-params") || "{}");
      const usable = params && typeof params === "object" && !Array.isArray(params);
      return usable && text("command-name") ? { name: text("command-name"), params } : null;
    } catch {
      return null;
    }
  }

  async function send(device, command) {
    let answer;
    try {
      answer = await post(device, command);
    } catch {
      try {
        answer = await post(device, command); // the same key: it is carried out once
      } catch {
        show(device, { state: "failed", text: gatehouse.t("Not sent: no connection") });
        return;
      }
    }
    if (answer.status === 401) {
      gatehouse.logIn();
      return;
    }
    const body = await answer.json().catch(() => ({}));
    if (answer.ok) {
      if (shown.get(device)?.id !== body.id) {
        learn({ d: device, ...body }); // else the stream was faster and knows more
      }
    } else {
      const text = body.error?.message || gatehouse.t("Not sent. Please load the page again.");
      show(device, { state: "failed", text });
    }
  }

  function post(device, command) {
    return fetch(`/devices/${encodeURIComponent(device)}/commands`, {
      method: "POST",
      headers: gatehouse.formHeaders(),
      body: JSON.stringify(command),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  }

  /** Take news of a command, unless it is older than what is shown. */
  function learn({ d, id, state, detail, at }) {
    const known = shown.get(d);
    if (known?.id === id && rank(state) < rank(known.state)) {
      return;
    }
    if (known?.id && known.id !== id && at !== undefined && at < known.at) {
      return;
    }
    show(d, { id, state, detail, at: at ?? known?.at ?? 0 });
  }

  const rank = (state) => RANK[state] ?? 3;

  function show(device, command) {
    shown.set(device, command);
    for (const element of gatehouse.elements("data-command-state", device)) {
      showIn(element, command);
    }
    for (const element of gatehouse.elements("data-command-at", device)) {
      showTime(element, command);
    }
  }

  function showTime(element, { at }) {
    element.dataset.t = at || gatehouse.now();
    element.textContent = gatehouse.ago(Number(element.dataset.t));
  }

  function showIn(element, { state, detail, text }) {
    const words = text || (WORDS[state]?.() ?? state);
    element.dataset.state = state;
    element.textContent = detail ? `${words}: ${DETAILS[detail]?.() ?? detail}` : words;
  }

  function startHolding(button) {
    stopHolding();
    if (busy.has(button)) {
      return;
    }
    button.classList.add("holding");
    const timer = setTimeout(() => {
      stopHolding();
      press(button);
    }, HOLD_MS);
    held = { button, timer };
  }

  function stopHolding() {
    if (held) {
      clearTimeout(held.timer);
      held.button.classList.remove("holding");
      held = null;
    }
  }

  const buttonOf = (event) => event.target.closest?.("[data-command]");
  const mustHold = (button) => button && "hold" in button.dataset;

  /* On its way down: what the page does with a click as well would take milliseconds before. */
  const click = (event) => {
    const button = buttonOf(event);
    if (!button) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    if (!mustHold(button)) {
      press(button);
    } else if (event.detail === 0 && window.confirm(gatehouse.t("Really do this now?"))) {
      press(button); // a screen reader's click has no length, so it was asked instead
    }
  };
  document.addEventListener("click", click, { capture: true });
  document.addEventListener("pointerdown", (event) => {
    const button = buttonOf(event);
    if (mustHold(button) && event.button === 0) {
      startHolding(button);
    }
  });
  document.addEventListener("keydown", (event) => {
    const button = buttonOf(event);
    if (mustHold(button) && HOLD_KEYS.includes(event.key)) {
      event.preventDefault(); // it would click
      if (!event.repeat) {
        startHolding(button);
      }
    }
  });
  document.addEventListener("keyup", (event) => {
    if (mustHold(buttonOf(event)) && HOLD_KEYS.includes(event.key)) {
      event.preventDefault();
    }
  });
  for (const end of ["pointerup", "pointercancel", "keyup", "blur", "pagehide"]) {
    window.addEventListener(end, stopHolding);
  }
  document.addEventListener("pointerout", (event) => {
    if (held && event.target === held.button) {
      stopHolding();
    }
  });
  document.addEventListener("contextmenu", (event) => {
    if (mustHold(buttonOf(event))) {
      event.preventDefault(); // a long touch holds the button
    }
  });

  gatehouse.on("command", learn);
  gatehouse.on("state", (devices) => {
    for (const [d, { command }] of Object.entries(devices)) {
      if (command) {
        learn({ d, ...command });
      }
    }
  });
  gatehouse.appeared("[data-command-state]", (element) => {
    const command = shown.get(gatehouse.deviceOf(element));
    if (command) {
      showIn(element, command);
    }
  });
  gatehouse.appeared("[data-command-at]", (element) => {
    const command = shown.get(gatehouse.deviceOf(element));
    if (command || element.dataset.t) {
      showTime(element, command ?? { at: Number(element.dataset.t) });
    }
  });
})();
