/* Passkeys: asks the server what to sign, the browser to sign it, and sends the form.

   A form with data-passkey="get" or "create" stays hidden where the browser has no passkeys. */

(() => {
  "use strict";

  const supported =
    window.PublicKeyCredential?.parseCreationOptionsFromJSON &&
    window.PublicKeyCredential?.parseRequestOptionsFromJSON;

  /** @param {HTMLFormElement} form */
  async function sign(form) {
    const answer = await fetch(form.dataset.options, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
    });
    if (!answer.ok) {
      throw new Error(`the server answered ${answer.status}`);
    }
    const { challenge, options } = await answer.json();
    const credential =
      form.dataset.passkey === "create"
        ? await navigator.credentials.create({
            publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
          })
        : await navigator.credentials.get({
            publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
          });
    form.elements.challenge.value = challenge;
    form.elements.answer.value = JSON.stringify(credential.toJSON());
  }

  for (const form of supported ? document.querySelectorAll("form[data-passkey]") : []) {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const problem = form.querySelector("[role=alert]");
      problem.hidden = true;
      try {
        await sign(form);
        form.submit();
      } catch {
        problem.hidden = false; // cancelled, timed out, or refused; the person tries again
      }
    });
  }
})();
