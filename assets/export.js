/* Downloads of the export page: how far they are, and a button that ends them.

   A file is put together in memory up to a size; beyond it the browser's own download begins
   anew, which writes onto the disk as it comes and shows less. */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const IN_MEMORY = 256 * 1024 * 1024; // bytes
  const SHOWN_MS = 200;
  const LINE_FEED = 10;
  let running = null; // AbortController

  /** Times as the clock in the reader's zone says them become moments. */
  function addressOf(link) {
    const address = new URL(link.href);
    for (const name of ["from", "to"]) {
      const ms = Date.parse(`${address.searchParams.get(name)}Z`);
      if (!Number.isNaN(ms)) {
        address.searchParams.set(name, gatehouse.zone.fromWall(ms));
      }
    }
    const zone = gatehouse.zone.name() || Intl.DateTimeFormat().resolvedOptions().timeZone;
    address.searchParams.set("zone", zone);
    return address;
  }

  function size(bytes) {
    const millions = bytes / 1e6;
    return gatehouse.t("%(size)s MB", {
      size: gatehouse.number(millions, millions < 1 ? "3" : millions < 10 ? "1" : "0"),
    });
  }

  function countLines(part) {
    let lines = 0;
    for (let at = part.indexOf(LINE_FEED); at >= 0; at = part.indexOf(LINE_FEED, at + 1)) {
      lines += 1;
    }
    return lines;
  }

  class Progress {
    constructor(place) {
      this.text = document.createElement("span");
      this.text.setAttribute("role", "status");
      this.cancel = document.createElement("button");
      Object.assign(this.cancel, { type: "button", className: "btn btn-secondary" });
      this.cancel.textContent = gatehouse.t("Cancel");
      place.replaceChildren(this.text, this.cancel);
      this.shown = 0;
    }

    show(bytes, lines) {
      if (performance.now() - this.shown > SHOWN_MS) {
        this.shown = performance.now();
        this.text.textContent = this.words(bytes, lines);
      }
    }

    words(bytes, lines) {
      const count = { size: size(bytes), rows: gatehouse.number(Math.max(lines - 1, 0)) };
      return lines ? gatehouse.t("%(rows)s rows, %(size)s", count) : count.size;
    }

    end(text) {
      this.text.textContent = text;
      this.cancel.remove();
    }
  }

  function save(parts, name, type) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(parts, { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  const nameIn = (answer) =>
    /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))?.[1] || "gatehouse.csv";

  async function download(address, place) {
    running?.abort();
    const asked = new AbortController();
    running = asked;
    const progress = new Progress(place);
    progress.cancel.addEventListener("click", () => asked.abort());
    try {
      const answer = await fetch(address, { signal: asked.signal });
      if (!answer.ok) {
        progress.end((await answer.json()).error.message);
        return;
      }
      await receive(answer, address, progress, asked);
    } catch (error) {
      progress.end(
        asked.signal.aborted
          ? gatehouse.t("Cancelled.")
          : gatehouse.t("The download broke off: %(reason)s", { reason: error.message }),
      );
    } finally {
      running = running === asked ? null : running;
    }
  }

  async function receive(answer, address, progress, asked) {
    const reader = answer.body.getReader();
    const type = answer.headers.get("Content-Type");
    const text = type.startsWith("text/");
    const parts = [];
    let bytes = 0;
    let lines = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        break;
      }
      parts.push(value);
      bytes += value.length;
      lines += text ? countLines(value) : 0;
      progress.show(bytes, lines);
      if (bytes > IN_MEMORY) {
        asked.abort();
        window.location.assign(address);
        progress.end(gatehouse.t("This is a large file; the browser goes on with it."));
        return;
      }
    }
    save(parts, nameIn(answer), type);
    progress.end(gatehouse.t("Done: %(what)s", { what: progress.words(bytes, lines) }));
  }

  /** A field of a time that is typed in part: its value is empty, as if none were wanted. */
  const unfinished = () =>
    [...document.querySelectorAll("#export-from, #export-to")].find((one) => one.validity.badInput);

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-export]");
    const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (link && plain) {
      event.preventDefault();
      event.stopImmediatePropagation();
      const place = document.querySelector("[data-export-progress]");
      const half = unfinished();
      if (half) {
        half.focus();
        new Progress(place).end(gatehouse.t("A time is typed in part: give date and time, or empty the field."));
        return;
      }
      download(addressOf(link), place);
    }
  });
  window.addEventListener("pagehide", () => running?.abort());
})();
