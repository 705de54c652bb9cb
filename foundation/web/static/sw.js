/* The service worker: what a phone shows without network. It keeps seven files that name no person, and nothing that a page answered.
   Its address carries the edition and the language; another one is another worker, which fetches them anew without any cookie. */
"use strict";
var asked = new URL(location).searchParams, edition = asked.get("v") + asked.get("l"), PATIENCE = 10000;
var KEPT = ["/static/style.css", "/static/app.js", "/static/offline.js", "/static/icon.svg", "/offline", "/offline/report", "/offline/check-in"];
self.addEventListener("install", function (event) {
  event.waitUntil(caches.open(edition).then(function (cache) {
    return cache.addAll(KEPT.map(function (path) {
      return new Request(path.indexOf("/offline") ? path : path + "?l=" + asked.get("l"), { credentials: "omit", cache: "no-cache" });
    }));
  }).then(function () { return self.skipWaiting(); }));
});
self.addEventListener("activate", function (event) {
  event.waitUntil(caches.keys().then(function (names) {
    return Promise.all(names.map(function (name) { return name === edition ? null : caches.delete(name); }));
  }).then(function () { return self.clients.claim(); }));
});
self.addEventListener("fetch", function (event) {
  var request = event.request, path = new URL(request.url).pathname, kept = path;
  if (request.method !== "GET") { return; }
  if (request.mode === "navigate") { kept = path === "/report" || path === "/check-in" ? "/offline" + path : "/offline"; }
  if (KEPT.indexOf(kept) < 0) { return; }
  event.respondWith(inTime(fetch(request), kept).catch(function () { return caches.match(kept, { ignoreSearch: true }); }));
});
/* A network that answers nothing is none for the forms; any other page that is slow is still worth its wait. */
function inTime(answer, kept) {
  return kept === "/offline" ? answer : Promise.race([answer, new Promise(function (yes, no) { setTimeout(no, PATIENCE); })]);
}
