// What the modules of a page share: finding elements, times in words, and parts that are asked for again. Nothing happens on import.

const root = document.documentElement;
const rendered = Date.parse(root.dataset.now);
// The server's clock, not this machine's: what is told must fit what the server did.
export const now = () => rendered + performance.now();

export const find = (selector, within = document) => within.querySelector(selector);
export const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// The same words as components/quantity.html.
function ago(seconds) {
  if (seconds < 0) return ahead(-seconds);
  if (seconds < 10) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return seconds < 172800 ? "yesterday" : `${Math.floor(seconds / 86400)} days ago`;
}

function ahead(seconds) {
  if (seconds < 60) return `in ${seconds} s`;
  if (seconds < 3600) return `in ${Math.floor((seconds + 30) / 60)} min`;
  return seconds < 172800 ? `in ${Math.floor((seconds + 1800) / 3600)} h` : `in ${Math.floor((seconds + 43200) / 86400)} days`;
}

export function elapsed(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${String(Math.floor(seconds % 60)).padStart(2, "0")} s`;
}

const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
export const inLocalTime = (text) => (Number.isNaN(Date.parse(text)) ? text : local.format(Date.parse(text)));

export function tellTimes(within = document) {
  for (const element of all("time[datetime]", within)) {
    const moment = Date.parse(element.dateTime);
    const seconds = Math.trunc((now() - moment) / 1000);
    if (!element.dataset.local) {
      element.title = element.dataset.local = `${local.format(moment)} (${element.title})`;
    }
    if (seconds < 1209600 && seconds > -34560000) {
      const words = ago(seconds);
      if (element.textContent !== words) element.textContent = words;
    }
  }
}

// Parts marked data-live are asked for again and put in place where they say something new.
const gist = (part) => {
  const copied = part.cloneNode(true);
  for (const element of all("time", copied)) element.remove();
  const states = all("[data-state]", copied).map((element) => element.dataset.state);
  return [copied.textContent.replace(/\s+/g, " "), ...states].join("|");
};

export async function renew() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return false;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of all("[data-live][id]")) {
    const other = fresh.getElementById(part.id);
    if (!other || gist(part) === gist(other) || part.contains(document.activeElement)) continue;
    part.replaceWith(document.adoptNode(other));
    tellTimes(other);
  }
  document.dispatchEvent(new Event("renewed"));
  return true;
}
