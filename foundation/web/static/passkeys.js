// The browser's part of a passkey: asks the device, writes its answer into the form, sends the form. Loaded by that page only.
"use strict";
(() => {
  const form = document.querySelector("form[data-passkey]");
  if (!form || !window.PublicKeyCredential) return;
  const none = document.querySelector("[data-passkey-none]");
  const failed = document.querySelector("[data-passkey-failed]");
  none.hidden = true;
  form.hidden = false;

  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const letters = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");

  const wanted = () => {
    const options = JSON.parse(form.dataset.options);
    options.challenge = bytes(options.challenge);
    if (options.user) options.user.id = bytes(options.user.id);
    for (const list of [options.excludeCredentials, options.allowCredentials])
      for (const one of list || []) one.id = bytes(one.id);
    return options;
  };

  const answer = (found) => {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
      if (found.response[name]) response[name] = letters(found.response[name]);
    return JSON.stringify({ id: found.id, rawId: letters(found.rawId), type: found.type, response });
  };

  form.addEventListener("submit", async (event) => {
    if (form.elements.answer.value) return;
    event.preventDefault();
    failed.hidden = true;
    try {
      const found = await navigator.credentials[form.dataset.passkey]({ publicKey: wanted() });
      form.elements.answer.value = answer(found);
      form.submit();
    } catch {
      failed.hidden = false;
    }
  });
})();
