// The quick exit of pages for people who give no name: the other page takes this one's place in the history.
"use strict";
document.addEventListener("click", (event) => {
  const leave = event.target.closest("[data-leave]");
  if (!leave) return;
  event.preventDefault();
  document.body.replaceChildren();
  location.replace(leave.href);
});
