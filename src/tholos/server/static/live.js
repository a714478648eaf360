// What is shown stays true: a stream tells which app changed, and the parts that show it are asked for again.

import { all, find, renew } from "./page.js";

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

function listen() {
  clearTimeout(retry);
  if (source || document.visibilityState !== "visible") return;
  const query = names().map((name) => `app=${encodeURIComponent(name)}`).join("&");
  source = new EventSource(`/api/v1/events?${query}`);
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
