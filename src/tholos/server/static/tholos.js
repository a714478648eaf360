// What every page gains from scripts: times that stay true, copying, dialogs, the search key, and parts that renew themselves.
// Everything works without it. Logs and operations have modules of their own, asked for only where they are needed.

import { all, find, tellTimes } from "./page.js";

function say(text) {
  const toast = document.createElement("div");
  toast.className = "toast";
  const words = document.createElement("span");
  words.textContent = text;
  const dismiss = document.createElement("button");
  dismiss.type = "button";
  dismiss.dataset.dismiss = "";
  dismiss.textContent = "Dismiss";
  toast.append(words, dismiss);
  find("#toasts").append(toast);
  return toast;
}

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    // Without https, browsers other than on this machine have no clipboard: mark the text, so that one key copies it.
    const code = find("code, a", button.parentElement);
    if (code) getSelection().selectAllChildren(code);
    say("Marked; press Ctrl-C to copy.");
    return;
  }
  button.classList.add("done");
  const label = button.ariaLabel;
  button.ariaLabel = "Copied";
  setTimeout(() => {
    button.classList.remove("done");
    button.ariaLabel = label;
  }, 1600);
}

// A <details data-dialog> becomes a native dialog; its form moves there and back.
function openDialog(details) {
  const body = find(".ask-body", details);
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", `${details.id}-heading`);
  dialog.append(body);
  details.open = false;
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    details.append(body);
    dialog.remove();
    find("summary", details).focus();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
  });
  dialog.showModal();
  find("input:not([type=hidden])", dialog)?.focus();
}

document.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest?.(selector);
  if (at("[data-copy]")) copy(at("[data-copy]"));
  at("[data-dismiss]")?.closest(".toast").remove();
  const asked = at("[data-dialog] > summary");
  if (asked) {
    event.preventDefault();
    openDialog(asked.parentElement);
  }
  for (const menu of all("[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
  const wanted = (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey)
    || (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey));
  const search = find("[data-search] input");
  if (wanted && search) {
    event.preventDefault();
    search.focus();
    search.select();
  }
  const menu = find("[data-menu][open]");
  if (event.key === "Escape" && menu) {
    menu.open = false;
    find("summary", menu).focus();
  }
});

// On a narrow screen the tab that one is at may stand beyond the edge.
const tab = find(".tabs [aria-current]");
const beyond = tab && tab.getBoundingClientRect().right - tab.parentElement.getBoundingClientRect().right;
if (beyond > 0) tab.parentElement.scrollLeft = beyond + 24;

// The time zone of whoever looks, where none was chosen.
for (const field of all("input[data-zone]")) field.value ||= new Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";

tellTimes();
setInterval(tellTimes, 1000);
const open = find("[data-dialog][open]");
if (open) openDialog(open);
import("./live.js").then((live) => live.start());
if (find("[data-search]")) import("./palette.js").then((palette) => palette.start());
if (find("[data-drop]")) import("./drop.js").then((drop) => drop.start());
// An operation writes into the log of its page, where there is one.
const log = find("[data-log]") && import("./log.js").then((view) => view.start());
if (find("[data-operation][data-stream]")) {
  Promise.all([import("./operation.js"), log]).then(([operation]) => operation.start());
}
