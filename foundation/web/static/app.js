/* Small helps for people whose browser runs scripts. Every page works without this file.
   It keeps nothing in the browser; offline.js does, for signed-in reporters on phones of their own. */
(function () {
  "use strict";
  var doc = document;
  function all(selector, root) { return Array.prototype.slice.call((root || doc).querySelectorAll(selector)); }
  function make(tag, className, text) {
    var node = doc.createElement(tag);
    if (className) { node.className = className; }
    if (text) { node.textContent = text; }
    return node;
  }
  function button(text, className, press) {
    var node = make("button", className, text);
    node.type = "button";
    node.addEventListener("click", press);
    return node;
  }

  /* Conditional parts: data-show-when="going_on=yes what=crowd,fight". Without a script they are always shown. */
  function valuesOf(form, name) {
    return all("[name='" + name + "']", form).filter(function (field) {
      return field.type !== "radio" && field.type !== "checkbox" || field.checked;
    }).map(function (field) { return field.value; });
  }
  function holds(form, rule) {
    var parts = rule.split("="), wanted = parts[1].split(",");
    return valuesOf(form, parts[0]).some(function (value) { return wanted.indexOf(value) >= 0; });
  }
  function showWhen(form) {
    function look() {
      all("[data-show-when]", form).forEach(function (part) {
        part.hidden = !part.dataset.showWhen.split(" ").every(function (rule) { return holds(form, rule); });
      });
    }
    form.addEventListener("change", look);
    look();
  }

  /* One question at a time. */
  function titleOf(part) {
    var title = part.querySelector("legend h2, legend, h2, label");
    return title ? title.textContent.trim() : "";
  }
  function answerOf(field) {
    if (field.closest("[hidden]:not(.step)")) { return ""; }
    if (field.type === "radio" || field.type === "checkbox") {
      var words = field.closest(".choice").querySelector(".words");
      if (!field.checked || !words) { return ""; }
      /* A bare yes or no says nothing without its question. */
      var question = /^(yes|no|unknown)$/.test(field.value) && field.type === "radio" && field.closest("fieldset").querySelector("legend");
      return (question && !question.querySelector("h2") ? question.textContent.trim() + " " : "") + words.textContent.trim();
    }
    if (field.tagName === "SELECT") { return field.value ? field.options[field.selectedIndex].text : ""; }
    return field.type === "hidden" ? "" : field.value.trim();
  }
  function answersOf(step) {
    return all("input, select, textarea, .parts", step).map(function (field) {
      if (field.matches(".parts")) { return all("input", field).map(answerOf).join(" ").trim(); }
      return field.closest(".parts") ? "" : answerOf(field);
    }).filter(Boolean);
  }
  function complain(group, words) {
    var box = group.closest(".field") || group;
    var old = box.querySelector(".error");
    if (old) { old.remove(); }
    box.classList.toggle("wrong", Boolean(words));
    if (!words) { return; }
    var line = make("p", "error", words);
    line.setAttribute("role", "alert");
    box.insertBefore(line, group);
  }
  function firstGap(step) {
    var gap = null;
    all("[data-required]", step).forEach(function (group) {
      var when = group.dataset.requiredWhen;
      if (group.closest("[hidden]:not(.step)") || when && !holds(group.closest("form"), when)) { complain(group, ""); return; }
      var filled = all("input, select, textarea", group).concat(group.matches("input, textarea, select") ? group : [])
        .some(function (field) { return answerOf(field); });
      complain(group, filled ? "" : group.dataset.required);
      if (!filled && !gap) { gap = group; }
    });
    return gap;
  }
  function fillCheck(box, steps, words, go) {
    var list = make("dl", "summary");
    steps.forEach(function (step, index) {
      var answers = answersOf(step);
      if (step.contains(box) || !answers.length) { return; }
      var row = make("div"), change = make("dd", "change"), press;
      row.appendChild(make("dt", "", titleOf(step).replace(/^\d+\.\s*/, "")));
      row.appendChild(make("dd", "", answers.join(", ")));
      press = button(words.change, "link-button", function () { go(index); });
      press.setAttribute("aria-label", words.change + ": " + titleOf(step));
      change.appendChild(press);
      row.appendChild(change);
      list.appendChild(row);
    });
    box.textContent = "";
    box.appendChild(list);
  }
  function stepper(form) {
    var steps = all(".step", form), words = form.dataset, now = 0;
    if (steps.length < 2) { return; }
    var check = form.querySelector("[data-check]"), send = form.querySelector(".buttons");
    var count = make("p", "meta"), moves = make("div", "buttons"), changed = false;
    var next = button(words.next, "button", forward);
    var back = button(words.back, "button quiet", function () { history.back(); });
    moves.appendChild(next);
    moves.appendChild(back);
    form.insertBefore(count, steps[0]);
    form.insertBefore(moves, send.nextSibling);
    form.classList.add("stepping");
    form.noValidate = true;

    function show(index, focus) {
      now = index;
      var last = now === steps.length - 1;
      steps.forEach(function (step, place) {
        step.hidden = place !== now;
      });
      count.textContent = words.count.replace("{n}", now + 1).replace("{total}", steps.length);
      next.hidden = last;
      back.hidden = now === 0;
      send.hidden = !last;
      if (last && check) { fillCheck(check, steps, words, function (place) { changed = true; move(place); }); }
      if (focus) {
        scrollTo(0, 0);
        var title = steps[now].querySelector("h2, legend");
        if (title) { title.tabIndex = -1; title.focus(); }
      }
    }
    function move(index) {
      history.pushState({ step: index }, "");
      show(index, true);
    }
    function forward() {
      var gap = firstGap(steps[now]), gaps;
      if (gap) { (gap.querySelector("input, select, textarea") || gap).focus(); return; }
      /* Another answer may ask for one more, in a step that was passed. */
      gaps = changed ? steps.map(firstGap) : [];
      changed = gaps.some(Boolean);
      move(changed ? gaps.findIndex(Boolean) : gaps.length ? steps.length - 1 : now + 1);
    }
    addEventListener("popstate", function (event) { show(event.state && event.state.step || 0, true); });
    form.addEventListener("keydown", function (event) {
      if (event.key === "Enter" && now < steps.length - 1 && /^(text|search|tel|number|radio|date)$/.test(event.target.type)) {
        event.preventDefault();
        forward();
      }
    });
    /* A link of the error summary may point into a step that is folded away. */
    doc.addEventListener("click", function (event) {
      var link = event.target.closest && event.target.closest("a[href^='#']"), target;
      target = link && link.hash.length > 1 && doc.getElementById(link.hash.slice(1));
      steps.forEach(function (step, index) { if (target && step.contains(target)) { show(index, false); } });
    });
    /* Where something is wrong, else where the address points to, else the first. */
    var aim = location.hash.length > 1 && doc.getElementById(location.hash.slice(1));
    var wrong = steps.map(function (step) { return Boolean(step.querySelector(".error") || aim && step.contains(aim)); }).indexOf(true);
    history.replaceState({ step: Math.max(wrong, 0) }, "");
    show(Math.max(wrong, 0), false);
  }

  /* A form is sent once. Without network it stays on the page, with everything that was typed. */
  function sendOnce(form) {
    form.addEventListener("submit", function (event) {
      var offline = doc.querySelector("[data-offline]");
      if (navigator.onLine === false && offline) {
        event.preventDefault();
        offline.hidden = false;
        offline.scrollIntoView();
        return;
      }
      if (form.dataset.sent) { event.preventDefault(); return; }
      form.dataset.sent = "1";
      all(".button", form).forEach(function (node) { node.setAttribute("aria-disabled", "true"); });
    });
    addEventListener("pageshow", function () {
      delete form.dataset.sent;
      all(".button", form).forEach(function (node) { node.removeAttribute("aria-disabled"); });
    });
  }

  function todayButton(group) {
    group.appendChild(button(group.dataset.today, "link-button", function () {
      var date = new Date();
      [["day", date.getDate()], ["month", date.getMonth() + 1], ["year", date.getFullYear()]].forEach(function (part) {
        group.querySelector("[name$='_" + part[0] + "']").value = part[1];
      });
    }));
  }
  function counter(area) {
    var line = make("p", "meta count");
    line.setAttribute("aria-live", "polite");
    area.parentNode.appendChild(line);
    function tell() {
      var used = area.value.length, most = Number(area.dataset.most);
      line.textContent = used > most * 0.6 ? area.dataset.count.replace("{n}", used).replace("{most}", most) : "";
      line.classList.toggle("error", used > most);
    }
    area.addEventListener("input", tell);
    tell();
  }
  /* What is typed is counted by the server as it is typed; without a script a button does it. */
  function recounter(line) {
    var form = line.closest("form"), waits;
    form.addEventListener("input", function () {
      clearTimeout(waits);
      waits = setTimeout(function () {
        fetch(form.action, { method: "POST", body: new URLSearchParams(line.dataset.recount + "&" + new URLSearchParams(new FormData(form))) })
          .then(function (answer) { return answer.text(); })
          .then(function (page) {
            line.innerHTML = new DOMParser().parseFromString(page, "text/html").getElementById(line.id).innerHTML;
          }).catch(function () { });
      }, 400);
    });
  }
  function copier(node) {
    if (!navigator.clipboard) { return; }
    node.hidden = false;
    node.addEventListener("click", function () {
      navigator.clipboard.writeText(doc.querySelector(node.dataset.copy).textContent.trim()).then(function () {
        node.textContent = node.dataset.done;
      });
    });
  }

  doc.documentElement.classList.add("js");
  all("form").forEach(showWhen);
  all("form[data-steps]").forEach(stepper);
  all("form").forEach(sendOnce);
  all("[data-today]").forEach(todayButton);
  all("textarea[data-most]").forEach(counter);
  all("[data-recount]").forEach(recounter);
  all("[data-copy]").forEach(copier);
  all("[data-print]").forEach(function (node) {
    node.hidden = false;
    node.addEventListener("click", function () { print(); });
  });
  all("[data-offline]").forEach(function (node) {
    addEventListener("offline", function () { node.hidden = false; });
    addEventListener("online", function () { node.hidden = true; });
  });
  var problem = doc.querySelector(".error-summary");
  if (problem) { problem.focus(); }
  /* Folds of the top bar close on Escape and on a press elsewhere. */
  function closeFolds(except) { all(".bar details[open]").forEach(function (fold) { fold.open = fold === except; }); }
  doc.addEventListener("keydown", function (event) { if (event.key === "Escape") { closeFolds(null); } });
  doc.addEventListener("click", function (event) {
    if (!event.target.closest(".nav")) { closeFolds(event.target.closest(".bar details")); }
  });
}());
