/* Notes about something in a list are there only while the list says the same.

   A note names the row that it is about (`data-about`, the row's `data-named`) and the states of the
   row with which it is true (`data-while`).  As soon as the row has another, the note hides. */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const SELECTOR = "[data-about]";

  function isTrue(note) {
    const row = document.querySelector(`[data-named="${CSS.escape(note.dataset.about)}"]`);
    const badge = row?.querySelector("[data-state]");
    return !badge || note.dataset.while.split(" ").includes(badge.dataset.state);
  }

  function check() {
    const notes = document.querySelectorAll(SELECTOR);
    for (const note of notes) {
      note.hidden = !isTrue(note);
    }
    if (!notes.length) {
      observer.disconnect(); // until another one comes
    }
  }

  const observer = new MutationObserver(check);

  gatehouse.appeared(SELECTOR, () => {
    observer.observe(document.body, {
      subtree: true,
      childList: true,
      attributeFilter: ["data-about", "data-named", "data-state", "data-while"],
    });
    check();
  });
})();
