/* Readings from a file: choose it, see what would happen, and only then let it happen. */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const WORDS = {
    bad_name: () => gatehouse.t("unusable sensor name"),
    bad_time: () => gatehouse.t("unusable time"),
    bad_value: () => gatehouse.t("no value"),
    cut: () => gatehouse.t("cut"),
    future: () => gatehouse.t("time in the future"),
    not_a_number: () => gatehouse.t("not a number, as the sensor's readings are"),
    not_a_state: () => gatehouse.t("not on or off, as the sensor's readings are"),
    other_device: () => gatehouse.t("of another device"),
    too_few_cells: () => gatehouse.t("too few cells"),
    too_long: () => gatehouse.t("a text of more than 256 characters"),
  };
  const KINDS = {
    number: () => gatehouse.t("numbers"),
    state: () => gatehouse.t("on and off"),
    text: () => gatehouse.t("texts"),
  };

  const make = (tag, props = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), props);
    element.append(...children);
    return element;
  };

  async function send(place, file, { dryRun, sensor }) {
    const query = new URLSearchParams({ device: gatehouse.deviceOf(place), sensor });
    if (dryRun) {
      query.set("dry_run", "1");
    }
    const answer = await fetch(`/data/import?${query}`, {
      method: "POST",
      body: file,
      headers: { ...gatehouse.formHeaders(), "Content-Type": "text/csv" },
    });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) {
      throw new Error(said.error?.message || gatehouse.t("That did not work."));
    }
    return said;
  }

  const count = (number) => gatehouse.number(number);

  function lines(report) {
    const told = report.sensors.map((one) =>
      gatehouse.t("%(name)s (%(kind)s): %(rows)s readings from %(first)s to %(last)s, %(known)s at known times", {
        name: one.name,
        kind: KINDS[one.kind](),
        rows: count(one.rows),
        known: count(one.known),
        first: gatehouse.zone.text(one.first_ms),
        last: gatehouse.zone.text(one.last_ms),
      }),
    );
    if (report.replaced) {
      const values = { count: count(report.replaced) };
      told.push(
        report.dry_run
          ? gatehouse.t("%(count)s of them would replace another value", values)
          : gatehouse.t("%(count)s of them replaced another value", values),
      );
    }
    if (report.ambiguous) {
      told.push(
        gatehouse.t(
          "%(count)s are at times that come twice, as the clock goes back: the order of the lines says which is meant",
          { count: count(report.ambiguous) },
        ),
      );
    }
    if (report.unended_line) {
      told.push(
        gatehouse.t("line %(line)s, the last one, has no end: is the file cut?", {
          line: count(report.unended_line),
        }),
      );
    }
    for (const [code, number] of Object.entries(report.refused)) {
      const where = report.examples.filter((one) => one.code === code);
      told.push(
        gatehouse.t("%(count)s lines refused: %(reason)s (%(lines)s)", {
          count: count(number),
          reason: WORDS[code]?.() || code,
          lines: where.map(({ line }) => line).join(", ") + (where.length < number ? ", …" : ""),
        }),
      );
    }
    return told;
  }

  function show(place, title, told = []) {
    const items = told.map((text) => make("li", { textContent: text }));
    place.replaceChildren(make("p", { textContent: title }), make("ul", {}, ...items));
  }

  function build(place) {
    if (place.children.length) {
      return;
    }
    const file = make("input", { type: "file", accept: ".csv,.gz,text/csv", className: "form-control" });
    const sensor = make("input", { type: "text", maxLength: 64, className: "form-control" });
    const go = make("button", { type: "button", className: "btn btn-primary", hidden: true });
    const result = make("div", { className: "mt-3" });
    result.setAttribute("role", "status");
    go.textContent = gatehouse.t("Import");

    let looked = null; // with which name of the sensor

    async function attempt(dryRun) {
      go.hidden = true;
      looked = sensor.value;
      if (!file.files.length) {
        return;
      }
      show(result, gatehouse.t("Reading …"));
      try {
        const report = await send(place, file.files[0], { dryRun, sensor: sensor.value.trim() });
        const title = dryRun
          ? gatehouse.t("%(rows)s readings would be imported.", { rows: count(report.rows) })
          : gatehouse.t("%(rows)s readings are imported.", { rows: count(report.rows) });
        show(result, title, lines(report));
        go.hidden = !dryRun || !report.rows;
      } catch (error) {
        show(result, error.message);
      }
      if (!dryRun) {
        gatehouse.emit("gap"); // charts ask the store again
      }
    }

    file.addEventListener("change", () => attempt(true));
    // a press of the button also ends the typing
    sensor.addEventListener("change", () => sensor.value === looked || attempt(true));
    go.addEventListener("click", () => attempt(false));
    const label = (text, control) =>
      make("label", { className: "form-label d-block" }, text, control);
    place.append(
      label(gatehouse.t("File"), file),
      label(gatehouse.t("Sensor, if the file names none"), sensor),
      result,
      go,
    );
  }

  gatehouse.appeared("[data-import]", build);
})();
