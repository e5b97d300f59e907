/* Light or dark: what was chosen in this browser, else what the account says, else the system.
   Loaded in the head, before anything is drawn, so that no page flashes. */

(() => {
  "use strict";

  const KEY = "gatehouse.theme";
  const root = document.documentElement;
  const account = root.dataset.theme || "auto";
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  /* A choice is kept with what the account said then: when that changes, it is the newer one. */
  function chosen() {
    try {
      const [choice, then] = (window.localStorage.getItem(KEY) || "").split(" ");
      return then === account ? choice : account;
    } catch {
      return account; // storage is switched off in this browser
    }
  }

  function apply() {
    const choice = chosen();
    const dark = choice === "dark" || (choice === "auto" && system.matches);
    root.dataset.bsTheme = dark ? "dark" : "light";
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
    }
    document.dispatchEvent(new CustomEvent("gatehouse:theme", { detail: { dark } }));
  }

  /** @param {"light"|"dark"|"auto"} choice */
  function choose(choice) {
    try {
      window.localStorage.setItem(KEY, `${choice} ${account}`);
    } catch {
      /* nothing can be kept in this browser */
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

  window.gatehouse = Object.assign(window.gatehouse || {}, { theme: { apply } });
  apply();
})();
