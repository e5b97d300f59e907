/* Light or dark: what the person chose in this browser, else what the system asks for.
   Loaded in the head, before anything is drawn, so that no page flashes. */

(() => {
  "use strict";

  const KEY = "gatehouse.theme";
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      return window.localStorage.getItem(KEY) || "auto";
    } catch {
      return "auto"; // storage is switched off in this browser
    }
  }

  function apply() {
    const choice = chosen();
    const dark = choice === "dark" || (choice === "auto" && system.matches);
    document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
    document.dispatchEvent(new CustomEvent("gatehouse:theme", { detail: { dark } }));
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
    }
  }

  /** @param {"light"|"dark"|"auto"} choice */
  function choose(choice) {
    try {
      window.localStorage.setItem(KEY, choice);
    } catch {
      /* it holds for this page only */
    }
    apply();
  }

  system.addEventListener("change", apply);
  window.addEventListener("storage", (event) => event.key === KEY && apply());
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-theme-choice]");
    if (button) {
      choose(button.dataset.themeChoice);
    }
  });

  window.gatehouse = Object.assign(window.gatehouse || {}, { theme: { chosen, choose, apply } });
  apply();
})();
