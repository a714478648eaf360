// What is shown stays true: a stream tells which app changed, and the parts that show it are asked for again.

import { all, find, renew, tellTimes } from "./page.js";

let source = null, retry = 0, due = 0, soon = 0;

const names = () => [...new Set(all("[data-app]").map((part) => part.dataset.app))].slice(0, 100);

function look() {
  // Several changes at once are one look, and looks leave a second between them.
  clearTimeout(soon);
  soon = setTimeout(async () => {
    due = Date.now() + 1000;
    try {
      await renew();
    } catch {
      // The next message, or the next stream, looks again.
    }
  }, Math.max(0, due - Date.now()));
}

function tellUse(cell, one) {
  if (!cell || (!one.under_way && !one.used_at)) return;
  if (one.under_way) {
    cell.textContent = "now";
    return;
  }
  const told = find("time", cell);
  if (told && Math.abs(Date.parse(told.dateTime) - Date.parse(one.used_at)) < 2000) return;
  const time = document.createElement("time");
  time.dateTime = one.used_at;
  cell.replaceChildren(time);
  tellTimes(cell);
}

function measure(event) {
  // What instances use, put into the rows that are there; which rows there are, the page itself tells.
  for (const one of JSON.parse(event.data).items) {
    const texts = {
      cpu: one.cpu === null ? "–" : `${Math.round(one.cpu * 100)} %`,
      memory: one.memory ? `${(one.memory / 1e6).toFixed(1)} MB` : "–",
      requests: one.under_way ? `${one.requests} (${one.under_way} now)` : `${one.requests}`,
    };
    for (const [name, text] of Object.entries(texts)) {
      const cell = find(`[data-instance="${one.id}"] [data-cell="${name}"]`);
      if (cell && cell.textContent !== text) cell.textContent = text;
    }
    tellUse(find(`[data-instance="${one.id}"] [data-cell=used]`), one);
  }
}

function listen() {
  clearTimeout(retry);
  if (source || document.visibilityState !== "visible") return;
  const query = names().map((name) => `app=${encodeURIComponent(name)}`).join("&");
  const measured = find("[data-measured]")?.dataset.measured;
  source = new EventSource(`/api/v1/events?${query}${measured ? `&measured=${encodeURIComponent(measured)}` : ""}`);
  source.addEventListener("instances", measure);
  // What changed since the page was made, or since the last stream broke, was told to nobody.
  source.addEventListener("open", look);
  source.addEventListener("app", look);
  source.addEventListener("error", () => {
    close();
    retry = setTimeout(() => { look(); listen(); }, 5000);
  });
}

function close() {
  source?.close();
  source = null;
}

export function start() {
  if (!find("[data-live]:not([data-live=stream])") || !names().length) return;
  // A page that tells what was wrong with its address stays wrong.
  if (performance.getEntriesByType("navigation")[0]?.responseStatus >= 400) return;
  // A browser has few connections to one address: a tab that nobody sees holds none.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") listen();
    else close();
  });
  addEventListener("pagehide", close);
  listen();
}
