/* What waits on the phone: one outbox for each user, sealed where a PIN is set (docs/decisions/0028). Nothing is removed before the
   server's reference came. Keys: [user, kind, id]; kinds: item, draft, settings, pin, key. */
(function () {
  "use strict";
  var doc = document, box = doc.getElementById("outbox"), words = box && box.dataset, opened = null, last = Promise.resolve();
  if (!box || !window.indexedDB || !window.crypto || !crypto.subtle || !navigator.locks) { return; }
  var line = box.firstElementChild, user = words.user, empty = !user, form = doc.querySelector("form[action='/report'], form[action='/check-in']");
  var NOBODY = ["", "current"], MINUTE = 60000, IDLE = 15 * MINUTE, ROUNDS = 600000, ROOM = "[data-waiting]:not(#outbox)", again = 0, busy = false;

  /* The store. */
  function store(mode, work) {
    opened = opened || new Promise(function (yes, no) {
      var ask = indexedDB.open("concord", 1);
      ask.onupgradeneeded = function () { ask.result.createObjectStore("kept"); };
      ask.onsuccess = function () { yes(ask.result); };
      ask.onerror = function () { no(ask.error); };
    });
    return opened.then(function (base) {
      return new Promise(function (yes, no) {
        var turn = base.transaction("kept", mode), ask = work(turn.objectStore("kept"));
        turn.oncomplete = function () { yes(ask.result); };
        turn.onabort = function () { no(turn.error); };
      });
    });
  }
  function get(key) { return store("readonly", (kept) => kept.get(key)); }
  function put(key, value) { return store("readwrite", (kept) => kept.put(value, key)); }
  function drop(key) { return store("readwrite", (kept) => kept.delete(key)); }
  function below(key) { return IDBKeyRange.bound(key, key.concat([[]])); }
  function items() { return store("readonly", (kept) => kept.getAll(below([user, "item"]))); }
  async function wipe() { await drop(below([user])); await drop(NOBODY); }

  /* The seal: undefined is no PIN, null is locked. */
  async function sealKey() {
    if (!await get([user, "pin"])) { return undefined; }
    var held = await get([user, "key"]);
    if (!held || Date.now() - held.at > IDLE) { await drop([user, "key"]); return null; }
    await put([user, "key"], { key: held.key, at: Date.now() });
    return held.key;
  }
  async function stretch(pin, salt) {
    var raw = await crypto.subtle.importKey("raw", new TextEncoder().encode(pin), "PBKDF2", false, ["deriveKey"]);
    return crypto.subtle.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt: salt, iterations: ROUNDS }, raw,
      { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  }
  async function seal(key, value) {
    if (!key) { return value; }
    var iv = crypto.getRandomValues(new Uint8Array(12)), plain = new TextEncoder().encode(JSON.stringify(value));
    return { iv: iv, text: await crypto.subtle.encrypt({ name: "AES-GCM", iv: iv }, key, plain) };
  }
  async function unseal(key, value) {
    if (!value || !value.iv) { return value; }
    return JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt({ name: "AES-GCM", iv: value.iv }, key, value.text)));
  }
  async function reseal(before, after) {
    var keys = await store("readonly", (kept) => kept.getAllKeys(below([user])));
    for (var key of keys.filter((key) => /item|draft/.test(key[1]))) {
      var row = await get(key);
      row.form = await seal(after, await unseal(before, row.form));
      await put(key, row);
    }
  }
  async function setPin(pin) {
    var before = await sealKey(), salt = crypto.getRandomValues(new Uint8Array(16)), key = await stretch(pin, salt);
    await reseal(before, key);
    await put([user, "pin"], { salt: salt, check: await seal(key, "open") });
    await put([user, "key"], { key: key, at: Date.now() });
  }
  /* After five wrong PINs in a row each further one must wait a minute longer, at most 15: a delay, never a lock-out. */
  async function unlock(pin) {
    var known = await get([user, "pin"]), key, wait = known.until - Date.now();
    if (wait > 0 && wait < IDLE) { return words.wait; }
    key = await stretch(pin, known.salt);
    try { await unseal(key, known.check); } catch (wrong) {
      known.tries = (known.tries || 0) + 1;
      if (known.tries > 4) { known.until = Date.now() + Math.min(known.tries - 4, 15) * MINUTE - 1; }
      await put([user, "pin"], known);
      return words.wrong;
    }
    known.tries = known.until = 0;
    await put([user, "pin"], known);
    await put([user, "key"], { key: key, at: Date.now() });
    return "";
  }

  /* Words on the page. */
  function make(tag, className, text) {
    var node = doc.createElement(tag);
    node.className = className || "";
    node.textContent = text || "";
    return node;
  }
  function button(text, press, kind) {
    var node = make("button", kind || "link-button", text);
    node.type = "button";
    node.addEventListener("click", press);
    return node;
  }
  function link(text, path) {
    var node = make("a", "button quiet", text);
    node.href = path;
    return node;
  }
  function say(text, ...nodes) {
    line.textContent = text + " ";
    line.append(...nodes);
    box.hidden = false;
  }
  function pinBox(press, done) {
    var field = make("div", "field"), label = make("label", "", words.pin), input = make("input", "short"), told = make("p", "error");
    label.htmlFor = input.id = "f-pin-" + doc.querySelectorAll("[id^=f-pin]").length;
    input.type = "password"; input.inputMode = "numeric"; input.autocomplete = "off"; input.dir = "ltr";
    [label, told, input, button(press, async function () {
      var choosing = press === words.set;
      if (choosing && input.value.length < 4) { told.textContent = words.short; return; }
      if (choosing) { await setPin(input.value); } else if (told.textContent = await unlock(input.value)) { return; }
      done();
    }, "button quiet")].forEach(function (node) { field.appendChild(node); });
    return field;
  }
  async function tell() {
    var waiting = (await items()).length;
    box.hidden = !waiting;
    if (waiting) { say(words.waiting.replace("{n}", waiting), link(words.send, "/mine")); line.lastChild.className = ""; }
  }

  /* Sending: one at a time, under a lock that all tabs share. */
  async function post(item, key) {
    var answer, page, receipt, body = new URLSearchParams(await unseal(key, item.form));
    /* How long it waited, not when it was filled in: the clock of a phone may be wrong by days. */
    body.append("waited", Date.now() - item.at);
    try {
      answer = await fetch(item.path, { method: "POST", body: body, signal: AbortSignal.timeout && AbortSignal.timeout(MINUTE),
        headers: { "Idempotency-Key": item.id, "Concord-Outbox": user } });
      page = new DOMParser().parseFromString(await answer.text(), "text/html");
    } catch (broken) { return { words: words.saved }; }
    receipt = page.querySelector("[data-reference]");
    if (answer.ok && receipt) {
      item.gone = await drop([user, "item", item.id]).then(() => true, () => false);
      return { sent: item.path + "/" + receipt.dataset.done + "/sent" };
    }
    if (answer.status === 401) { return { words: words.expired, expired: true }; }
    if (answer.status !== 422 && answer.status !== 409) { return { words: words.later }; }
    item.state = "refused";
    item.why = Array.from(page.querySelectorAll(".error-summary li"), (node) => node.textContent.trim()).join(", ");
    await put([user, "item", item.id], item).catch(function () {});
    return { words: words.refused.replace("{why}", item.why), refused: true };
  }
  function flush(only) {
    return navigator.locks.request("concord-" + user, async function () {
      var key = await sealKey(), result = null, sent = "";
      if (key === null) { return { words: words.locked, locked: true }; }
      for (var item of await items()) {
        if (item.state !== "waiting" || only && item.id !== only) { continue; }
        result = await post(item, key);
        /* What cannot be taken off this phone would come again and again. */
        sent = item.gone && result.sent || sent;
        if (result.words === words.saved || result.expired) { break; }
      }
      clearTimeout(again);
      if (result && !result.sent && !result.expired && !result.refused) { again = setTimeout(sendAll, MINUTE); }
      return result && Object.assign(result, { last: sent });
    });
  }
  async function sendAll() {
    var result = await flush(), done = result && result.last;
    if (done && (form ? form.hidden : doc.querySelector(ROOM))) { location.assign(form ? done : "/mine"); return; }
    await tell();
    if (result && result.expired) { say(result.words, link(words.send, "/start?next=/mine")); }
    if (result && result.refused) { say(result.words, link(words.change, "/mine")); }
    showWaiting();
  }

  /* The form: a draft after every answer, an item on sending. */
  function pairsOf() {
    var pairs = [];
    new FormData(form).forEach(function (value, name) { if (name !== "csrf_token") { pairs.push([name, value]); } });
    return pairs;
  }
  function fill(pairs) {
    Array.from(form.elements).forEach(function (field) {
      var said = pairs.filter((pair) => pair[0] === field.name).map((pair) => pair[1]);
      /* Each opened form keeps its own number: two tabs with one draft may become two reports. */
      if (!field.name || field.name === "csrf_token" || field === idField() || field.tagName === "FIELDSET") { return; }
      if (field.type === "radio" || field.type === "checkbox") { field.checked = said.indexOf(field.value) >= 0; }
      else if (said.length) { field.value = said[0]; }
    });
    form.dispatchEvent(new Event("change"));
  }
  function path() { return form.getAttribute("action"); }
  function idField() { return form.querySelector("[name=report_id], [name=checkin_id]"); }
  function keepDraft() {
    var pairs = pairsOf();
    last = last.then(async function () {
      var key = await sealKey();
      if (user && key !== null) { await put([user, "draft", path()], { at: Date.now(), form: await seal(key, pairs) }); }
    }).catch(function () {});
    return last;
  }
  function leaveFor(receipt) {
    form.reset();
    idField().value = crypto.randomUUID();
    location.assign(receipt);
  }
  /* Where the phone can keep nothing (full, or forbidden) a report goes at once or stays on the page. */
  async function sendUnkept() {
    var result = await post({ id: idField().value, path: path(), at: Date.now(), form: pairsOf() });
    if (result.sent) {
      await drop([user, "draft", path()]).catch(function () {});
      leaveFor(result.sent);
    } else if (result.refused && form.querySelector("[name=csrf_token]").value) { form.submit(); }
    else { say(words.full); scrollTo(0, 0); }
  }
  async function sendOnce() {
    if (busy) { return; }
    mark(true);
    try { await submit(); } catch (full) { await sendUnkept(); }
    mark(false);
  }
  function mark(now) {
    busy = now;
    form.querySelectorAll(".button").forEach(function (node) { node.setAttribute("aria-disabled", now); });
  }
  async function submit() {
    var key, id = idField().value, pairs;
    if (!user) { say(words.nobody); return; }
    await last;
    key = await sealKey();
    if (key === null) { say(words.locked, pinBox(words.unlock, sendOnce)); return; }
    pairs = pairsOf();
    await put([user, "item", id], { id: id, path: path(), at: Date.now(), state: "waiting", form: await seal(key, pairs) });
    await drop([user, "draft", path()]);
    var result = await flush(id) || { words: words.saved };
    if (result.sent) { leaveFor(result.sent); return; }
    if (result.refused) {
      await keepDraft();
      await drop([user, "item", id]);
      if (form.querySelector("[name=csrf_token]").value) { form.submit(); return; }
      say(result.words);
    } else {
      form.hidden = true;
      if (path() === "/report") { form.after(link(words.another, "/report")); }
      await tell();
      line.insertBefore(doc.createTextNode(result.words + " "), line.firstChild);
      if (result.expired) { line.appendChild(link(words.send, "/start?next=/mine")); }
    }
    scrollTo(0, 0);
  }
  async function startForm() {
    var draft = await get([user, "draft", path()]), key = await sealKey(), known = await get([user, "settings"]);
    if (empty && known) {
      ["ward", "about"].forEach(function (name) {
        var list = form.querySelector("select[name=" + name + "]");
        (list ? known[name] : []).forEach(function (row) { list.appendChild(new Option(row[1], row[0])); });
      });
      form.querySelector("select[name=ward]").value = known.mine;
      var call = form.querySelector("[data-emergency]");
      if (call) { call.href = "tel:" + known.emergency; call.textContent = words.call.replace("{n}", known.emergency); }
    }
    if (!idField().value) { idField().value = crypto.randomUUID(); }
    /* A check-in speaks of one week: what was begun three days ago is not this one's. */
    if (draft && path() !== "/report" && Date.now() - draft.at > 288 * IDLE) { draft = null; }
    if (draft && key === null) { say(words.locked, pinBox(words.unlock, () => location.reload())); }
    else if (draft && !doc.querySelector(".error-summary")) {
      var pairs = await unseal(key, draft.form), today = new Date().toDateString();
      /* "Today" was said on another day: ask again. */
      if (new Date(draft.at).toDateString() !== today) { pairs = pairs.filter((pair) => !/^(day|part|date_.*)$/.test(pair[0])); }
      fill(pairs);
      say(words.draft, button(words.fresh, async function () { await drop([user, "draft", path()]); location.assign(path()); }));
    }
    form.addEventListener("input", keepDraft);
    form.addEventListener("change", keepDraft);
  }

  /* My reports: what waits, with its reason. */
  async function showWaiting() {
    var room = doc.querySelector(ROOM), waiting = await items();
    if (!room) { return; }
    room.hidden = !waiting.length;
    while (room.children.length > 1) { room.lastChild.remove(); }
    if (waiting.length && await sealKey() === null) { room.appendChild(pinBox(words.unlock, sendAll)); }
    else if (waiting.length) { room.appendChild(button(words.send, sendAll, "button")); }
    waiting.forEach(function (item) {
      var row = make("p", "", (item.path === "/report" ? words.report : words.check) + " · " + new Date(item.at).toLocaleString(doc.documentElement.lang, { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" }) + ". ");
      if (item.why) { row.appendChild(make("span", "error", words.refused.replace("{why}", item.why))); }
      if (item.state === "refused") {
        row.appendChild(button(words.change, async function () {
          item.form = await unseal(await sealKey(), item.form);
          await put([user, "draft", item.path], { at: item.path === "/report" ? item.at : Date.now(), form: await seal(await sealKey(), item.form) });
          await drop([user, "item", item.id]);
          location.assign(item.path);
        }));
      }
      row.appendChild(button(words.delete, async function () {
        if (confirm(words.sure)) { await drop([user, "item", item.id]); sendAll(); }
      }));
      room.appendChild(row);
    });
  }
  async function showPin() {
    var room = doc.querySelector("[data-pin]:not(#outbox)");
    if (!room) { return; }
    var key = await sealKey(), again = () => location.reload();
    room.hidden = false;
    if (key === undefined) { room.appendChild(pinBox(words.set, again)); return; }
    room.appendChild(make("p", "", words.sealed));
    room.appendChild(key ? button(words.forget, async function () {
      await reseal(key, undefined);
      await drop([user, "pin"]);
      await drop([user, "key"]);
      again();
    }, "button quiet") : pinBox(words.unlock, again));
  }

  /* Leaving this phone: signing out, or saying that it is shared. */
  async function leave(how) {
    /* Before anything is deleted: without network the session on the server would live on. */
    try { await fetch("/healthz", { cache: "no-store" }); } catch (broken) { say(how.elements.shared_phone ? words.later : words.stay); scrollTo(0, 0); return; }
    var waiting = (await items()).length, go = async function () { await wipe(); how.submit(); };
    if (!waiting) { go(); return; }
    say(words.ask.replace("{n}", waiting),
      button(words.send, async function () {
        var result = await flush();
        if ((await items()).length) { line.appendChild(make("p", "error", result && result.words || words.later)); } else { go(); }
      }, "button"),
      button(words.keep, async function () {
        var keep = async function () { await drop([user, "key"]); await drop(NOBODY); how.submit(); };
        if (await get([user, "pin"])) { keep(); } else { line.appendChild(pinBox(words.set, keep)); }
      }, "button quiet"),
      button(words.delete, go, "button grave"));
    scrollTo(0, 0);
  }
  doc.addEventListener("submit", function (event) {
    var sent = event.target, where = sent.getAttribute("action"), work = null;
    if (sent === form) { work = sendOnce; }
    else if (!empty && (where === "/sign-out" || where === "/me" && sent.elements.shared_phone.checked)) { work = function () { return leave(sent); }; }
    if (!work) { return; }
    event.preventDefault();
    event.stopPropagation();
    work();
  }, true);

  async function start() {
    if (empty) { user = await get(NOBODY) || ""; } else { await put(NOBODY, user); }
    if (form) { await startForm(); }
    if (!user) { return; }
    addEventListener("online", sendAll);
    if (box.hidden) { await tell(); }
    showWaiting();
    showPin();
    if (empty) { return; }
    var known = await get([user, "settings"]);
    if (!known || known.language !== doc.documentElement.lang || Date.now() - known.at > 86400000) {
      fetch("/offline/settings").then((answer) => answer.ok && answer.json()).then(function (found) {
        if (found) { found.at = Date.now(); found.language = doc.documentElement.lang; put([user, "settings"], found); }
      }).catch(function () {});
    }
    if (navigator.serviceWorker) {
      navigator.serviceWorker.register("/static/sw.js?v=" + words.edition + "&l=" + doc.documentElement.lang, { scope: "/" }).catch(function () {});
    }
    if ((await items()).length) { sendAll(); }
  }
  start().then(function () { doc.documentElement.classList.add("kept"); });
}());
