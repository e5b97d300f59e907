/* Which part of time the address of the page names, and what in it makes no sense;
   dashboard/ranges.py reads the same.

   ?range=24h              moves on with the time
   ?from=...&to=...        stands still; each in ms since 1970 or as ISO 8601, without an offset as
                           clocks in the shown zone say it; with a range, it was zoomed out of that
   &home=MS-MS             the times that these were zoomed out of
   &compare=before|week    the range just before, or the one a week before, is drawn beside it
   &zone=device            times are those of the device's zone */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const DAY_MS = 86_400_000;
  const WIDTHS_MS = {
    "5m": 300_000,
    "15m": 900_000,
    "1h": 3_600_000,
    "6h": 21_600_000,
    "24h": DAY_MS,
    "7d": 7 * DAY_MS,
    "30d": 30 * DAY_MS,
    "1y": 365 * DAY_MS,
    "5y": 5 * 365 * DAY_MS,
  };
  const FIRST = "1h";
  const LATEST_MS = 253_402_300_800_000; // the year 10000
  const COMPARISONS = ["before", "week"];
  const ISO = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/;
  const QUOTED = 40; // characters of what somebody typed
  let known = null; // what the address said when it was read last

  const isRange = (name) => Object.hasOwn(WIDTHS_MS, name);

  /** @param {string} text @returns {number} ms since 1970; NaN: this is no time */
  function moment(text) {
    if (/^\d{1,15}$/.test(text)) {
      return Number(text);
    }
    const [, date, time = "00:00", offset] = ISO.exec(text) || [];
    const shown = Date.parse(`${date}T${time}Z`);
    if (Number.isNaN(shown) || new Date(shown).toISOString().slice(0, 10) !== date) {
      return NaN; // browsers take the 30th of February for the 2nd of March
    }
    return offset ? Date.parse(`${date}T${time}${offset}`) : gatehouse.zone.fromWall(shown);
  }

  /** Why a span of time cannot be shown, in words; empty: it can. */
  function objection(from, to) {
    if (from < 0 || to > LATEST_MS) {
      return gatehouse.t("Times lie between the years 1970 and 9999.");
    }
    if (!(from < to)) {
      return gatehouse.t("The range must end after it begins.");
    }
    return from >= gatehouse.now() ? gatehouse.t("This range lies in the future.") : "";
  }

  /** The times of an address, as {fixed: [from, to]} or {wrong: text}; {}: it has none. */
  function times(query) {
    const texts = ["from", "to"].map((end) => query.get(end) || "");
    if (!query.has("from") && !query.has("to")) {
      return {};
    }
    if (!texts.every(Boolean)) {
      return { wrong: gatehouse.t("A range has both from and to.") };
    }
    const fixed = texts.map(moment);
    const odd = texts.find((_, i) => Number.isNaN(fixed[i]));
    if (odd !== undefined) {
      return { wrong: gatehouse.t("%(text)s is not a time.", { text: odd.slice(0, QUOTED) }) };
    }
    const wrong = objection(...fixed);
    return wrong ? { wrong } : { fixed };
  }

  function homeOf(query) {
    const home = /^(\d{1,15})-(\d{1,15})$/.exec(query.get("home"))?.slice(1).map(Number);
    return home && !objection(...home) ? home : null;
  }

  function parse(query) {
    const given = query.get("range");
    const name = isRange(given) ? given : FIRST;
    const { fixed = null, wrong } = times(query);
    const unknown = given !== null && !isRange(given) && !fixed;
    const quoted = (key) => ({ name: (query.get(key) || "").slice(0, QUOTED) });
    const problems = [
      wrong,
      unknown && gatehouse.t("There is no range called “%(name)s”.", quoted("range")),
    ].filter(Boolean);
    if (problems.length) {
      const word = document.querySelector(`[data-range="${name}"]`)?.textContent || name;
      problems.push(gatehouse.t("Shown instead: %(range)s.", { range: word }));
    }
    const zone = query.get("zone") || "";
    if (zone && zone !== "device") {
      problems.push(
        gatehouse.t("The time zone “%(name)s” cannot be chosen here.", quoted("zone")),
        gatehouse.t("Times are shown in yours."),
      );
    } else if (zone && document.querySelector("[data-device-zone='']")) {
      problems.push(
        gatehouse.t("This device has no time zone of its own."),
        gatehouse.t("Times are shown in yours."),
      );
    }
    const compare = query.get("compare") || "";
    if (compare && !COMPARISONS.includes(compare)) {
      problems.push(gatehouse.t("“%(name)s” cannot be compared with.", quoted("compare")));
    }
    const home = fixed && homeOf(query);
    return { name, width: WIDTHS_MS[name], fixed, home, problems, zoomed: fixed && (home || isRange(given)) };
  }

  /**
   * What the address says now: the name and width in ms of the range that moves, `fixed` times as
   * [from, to] or null, whether and out of what times (`home`) they were `zoomed`, and problems.
   */
  function read() {
    const key = `${window.location.href} ${gatehouse.zone.name()}`;
    if (known?.key !== key) {
      known = { key, ...parse(new URLSearchParams(window.location.search)) };
    }
    return known;
  }

  /**
   * Put values into the address; null takes one out.
   * @param {Object<string, string|null>} values
   * @param {{replace?: boolean, zoom?: boolean}} [options] zoom: the entry before this one in the
   *   history of the browser is what was zoomed out of
   */
  function write(values, { replace = false, zoom = false } = {}) {
    const address = new URL(window.location.href);
    for (const [key, value] of Object.entries(values)) {
      if (value === null) {
        address.searchParams.delete(key);
      } else {
        address.searchParams.set(key, value);
      }
    }
    const step = replace ? "replaceState" : "pushState";
    window.history[step]({ ...window.history.state, zoom }, "", address);
  }

  gatehouse.address = {
    LATEST_MS,
    read,
    write,
    objection,
    /** Read again: the clock was set. */
    forget: () => {
      known = null;
    },
  };
})();
