/* The form behind "Custom": from and to, as the clock in the shown zone says it. */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;
  const written = (ms) => new Date(gatehouse.zone.wall(ms)).toISOString().slice(0, 19);

  function field(name, word) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    Object.assign(input, { type: "datetime-local", name, step: 1, required: true });
    input.className = "form-control";
    label.className = "form-label";
    label.append(word, input);
    return label;
  }

  function build(form) {
    const problem = document.createElement("div");
    problem.setAttribute("role", "alert");
    problem.className = "text-danger";
    const button = document.createElement("button");
    button.className = "btn btn-primary";
    button.textContent = gatehouse.t("Show");
    form.replaceChildren(
      field("from", gatehouse.t("From")),
      field("to", gatehouse.t("To")),
      problem,
      button,
    );
  }

  function fill(details) {
    const form = details.querySelector("form");
    if (!form.children.length) {
      build(form);
    }
    const [from, to] = gatehouse.window();
    form.elements.from.value = written(Math.round(from));
    form.elements.to.value = written(Math.round(to));
  }

  function take(form) {
    const [from, to] = ["from", "to"].map((name) =>
      gatehouse.zone.fromWall(Date.parse(`${form.elements[name].value}Z`)),
    );
    const problem = form.querySelector("[role=alert]");
    problem.textContent = gatehouse.address.objection(from, to);
    if (!problem.textContent) {
      gatehouse.range.showOwn(from, to);
      form.closest("details").open = false;
    }
  }

  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-own-range] form")) {
      event.preventDefault();
      take(event.target);
    }
  });
  document.addEventListener(
    "toggle",
    ({ target }) => {
      if (target.matches?.("[data-own-range]") && target.open) {
        fill(target);
      }
    },
    true,
  );
})();
