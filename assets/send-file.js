/* A file for a device: choose it, see how far it is, and what the server says of it. */

(() => {
  "use strict";

  const gatehouse = window.gatehouse;

  const make = (tag, props = {}) => Object.assign(document.createElement(tag), props);

  /** Send a file; `progress` is called with the part of it that is there, 0 to 1. */
  function send(device, file, progress) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest(); // fetch does not tell how much has been sent
      const query = new URLSearchParams({ device, name: file.name });
      const fail = (said) => reject(new Error(said || gatehouse.t("That did not work.")));
      request.open("POST", `/data/file?${query}`);
      for (const [name, value] of Object.entries(gatehouse.formHeaders())) {
        request.setRequestHeader(name, name === "Content-Type" ? "application/octet-stream" : value);
      }
      request.responseType = "json";
      request.upload.addEventListener("progress", (event) => progress(event.loaded / event.total));
      request.addEventListener("error", () => fail());
      request.addEventListener("load", () => {
        if (request.status === 401) {
          gatehouse.logIn();
        }
        if (request.status === 200 && request.response) {
          resolve(request.response);
        } else {
          fail(request.response?.error?.message);
        }
      });
      request.send(file);
    });
  }

  function build(place) {
    if (place.children.length) {
      return;
    }
    const file = make("input", { type: "file", className: "form-control" });
    const label = make("label", { className: "form-label d-block" });
    const go = make("button", { type: "button", className: "btn btn-primary", disabled: true });
    const bar = make("progress", { max: 1, hidden: true });
    const told = make("div", { className: "mt-3" });
    const most = Number(place.dataset.most);
    label.append(gatehouse.t("File"), file);
    told.setAttribute("role", "status");
    go.textContent = gatehouse.t("Send to the device");
    bar.setAttribute("aria-label", gatehouse.t("Sent"));

    /* `about`: the row of the list to which it belongs, and the state of it with which it is true */
    const show = (text, tone, about = {}) => {
      const note = make("div", { className: "gh-note", textContent: text });
      Object.assign(note.dataset, { tone, ...about });
      told.replaceChildren(...(text ? [note] : []));
    };

    file.addEventListener("change", () => {
      const [chosen] = file.files;
      const fits = chosen && chosen.size <= most;
      go.disabled = !fits;
      show(chosen && !fits ? gatehouse.t("The file is too large.") : "", "bad");
    });
    go.addEventListener("click", async () => {
      go.disabled = true;
      bar.hidden = false;
      bar.value = 0;
      show("", "ok");
      try {
        const said = await send(gatehouse.deviceOf(place), file.files[0], (part) => {
          bar.value = part;
        });
        const about = { about: said.file, while: said.told ? "sent" : "no_answer" };
        show(said.message, said.told ? "ok" : "warn", about);
        file.value = "";
      } catch (error) {
        show(error.message, "bad");
        go.disabled = false;
      }
      bar.hidden = true;
    });
    place.append(label, go, bar, told);
  }

  gatehouse.appeared("[data-send-file]", build);
})();
