// Pages for people who give no name: the quick exit, whose page takes this one's place in the history; and no sending without network.
"use strict";
let presses = [];
function leave() {
  const way = document.querySelector("[data-leave]");
  document.body.replaceChildren();
  location.replace(way.href);
}
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-leave]")) return;
  event.preventDefault();
  leave();
});
document.addEventListener("keydown", (event) => {
  presses = event.key === "Escape" ? [...presses.slice(-2), event.timeStamp] : [];
  if (presses.length === 3 && presses[2] - presses[0] < 3000) leave();
});
document.addEventListener("submit", (event) => {
  const offline = document.querySelector("[data-offline]");
  if (navigator.onLine || !offline) return;
  event.preventDefault();
  offline.hidden = false;
  offline.scrollIntoView();
});
addEventListener("online", () => { document.querySelector("[data-offline]").hidden = true; });
