/* The time zone in which times are shown, and where the ticks of a time axis belong in it.

   The reader's account names a zone, else it is the browser's; on the page of a device its own can
   be chosen.  Charts keep true times, only their texts are those of a clock in the zone, so that
   an hour that happens twice is drawn twice and one that is left out takes no room. */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const language = document.documentElement.lang || "en";
  const SECOND = 1000;
  const MINUTE = 60 * SECOND;
  const HOUR = 60 * MINUTE;
  const DAY = 24 * HOUR;
  const MONDAY = 4 * DAY; // the first one since 1970
  const STEPS = [
    ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
    ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
    ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
    ...[1, 2, 7, 14].map((n) => n * DAY),
  ];
  const YEARS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];
  const MONTHS = [1, 2, 3, 6, ...YEARS.map((n) => n * 12)];
  const MONTH = 30.4375 * DAY;
  const EARLIEST = Date.UTC(1000, 0, 1); // clocks on the wall tell no years before Christ

  const formats = new Map();

  /** The name of the zone, or undefined for the browser's. */
  function name() {
    const device = new URLSearchParams(window.location.search).get("zone") === "device";
    const ofDevice = device && document.querySelector("[data-device-zone]")?.dataset.deviceZone;
    return ofDevice || document.documentElement.dataset.zone || undefined;
  }

  function formatOf(options) {
    const key = JSON.stringify([name(), options]);
    if (!formats.has(key)) {
      formats.set(key, new Intl.DateTimeFormat(language, { ...options, timeZone: name() }));
    }
    return formats.get(key);
  }

  /** What the clock on the wall says, as if it were UTC, in ms. */
  function wall(ms) {
    const zone = name();
    if (!zone) {
      return ms - new Date(ms).getTimezoneOffset() * MINUTE;
    }
    const key = `wall ${zone}`;
    if (!formats.has(key)) {
      const numeric = { hourCycle: "h23", timeZone: zone };
      for (const part of ["year", "month", "day", "hour", "minute", "second"]) {
        numeric[part] = "numeric";
      }
      formats.set(key, new Intl.DateTimeFormat("en-US", numeric));
    }
    const parts = formats.get(key).formatToParts(ms);
    const of = (type) => Number(parts.find((part) => part.type === type).value);
    const rest = ((ms % SECOND) + SECOND) % SECOND;
    return (
      Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second")) + rest
    );
  }

  /** When the clock on the wall says this; the first time if twice, just after if never. */
  function fromWall(shown) {
    const early = shown - (wall(shown - DAY) - (shown - DAY));
    const late = shown - (wall(shown + DAY) - (shown + DAY));
    if (wall(early) === shown && wall(late) === shown) {
      return Math.min(early, late);
    }
    return wall(late) === shown ? late : early;
  }

  /** The walls' times of ticks from one time to another, both as `wall` tells them. */
  function* marks(from, to, rough) {
    const step = STEPS.find((one) => one >= rough);
    if (step) {
      for (let at = Math.ceil((from - MONDAY) / step) * step + MONDAY; at <= to; at += step) {
        yield { at, step };
      }
      return;
    }
    const months = MONTHS.find((one) => one * MONTH >= rough) || MONTHS.at(-1);
    const begin = new Date(from);
    const first = begin.getUTCFullYear() * 12 + begin.getUTCMonth();
    for (let count = Math.ceil(first / months) * months; ; count += months) {
      const at = new Date(0).setUTCFullYear(Math.floor(count / 12), count % 12, 1);
      if (at > to) {
        return;
      }
      yield { at, step: months * MONTH };
    }
  }

  function tickText(ms, shown, step) {
    if (step >= 12 * MONTH) {
      return formatOf({ year: "numeric" }).format(ms);
    }
    if (step >= MONTH) {
      return formatOf({ month: "short", year: "numeric" }).format(ms);
    }
    if (step >= DAY || shown % DAY === 0) {
      return formatOf({ day: "numeric", month: "short" }).format(ms);
    }
    const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    return formatOf(step < MINUTE ? { ...time, second: "2-digit" } : time).format(ms);
  }

  /**
   * Ticks at round times of the wall's clock, for a third more than is shown on either side.
   * @param {number} from ms @param {number} to ms @param {number} most how many fit
   * @returns {{values: number[], texts: string[]}}
   */
  function ticks(from, to, most) {
    const more = (to - from) / 3;
    const values = [];
    const texts = [];
    const rough = Math.max((to - from) / Math.max(most, 2), SECOND);
    for (const { at, step } of marks(wall(Math.max(from - more, EARLIEST)), wall(to + more), rough)) {
      const ms = fromWall(at);
      if (ms !== values.at(-1)) {
        values.push(ms);
        texts.push(tickText(ms, at, step));
      }
    }
    return { values, texts };
  }

  const EXACT = {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  };

  gatehouse.zone = {
    name,
    wall,
    fromWall,
    ticks,
    /** A moment to the second, short. */
    text: (ms) => formatOf(EXACT).format(ms),
    /** The same as people of this language write it in a sentence. */
    moment: (ms) => formatOf({ dateStyle: "medium", timeStyle: "medium" }).format(ms),
  };
})();
