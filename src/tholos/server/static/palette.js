// The search in the bar as a palette: what is typed leads to apps, their pages and places; Enter without a choice asks the server.

import { find } from "./page.js";

const form = find("[data-search]");
const input = form && find("input", form);
const list = form && find("[role=listbox]", form);
let chosen = -1, asked = 0;

const options = () => [...list.children];

function choose(index) {
  const all = options();
  chosen = all.length ? (index + all.length) % all.length : -1;
  for (const [at, option] of all.entries()) option.setAttribute("aria-selected", String(at === chosen));
  if (chosen < 0) input.removeAttribute("aria-activedescendant");
  else {
    input.setAttribute("aria-activedescendant", all[chosen].id);
    all[chosen].scrollIntoView({ block: "nearest" });
  }
}

function show(items) {
  list.replaceChildren(...items.map((item, at) => {
    const option = document.createElement("li");
    option.id = `palette-${at}`;
    option.role = "option";
    option.dataset.href = item.href;
    const title = document.createElement("span");
    title.textContent = item.title;
    const hint = document.createElement("small");
    hint.textContent = item.hint;
    option.append(title, hint);
    return option;
  }));
  choose(-1 - items.length);
  chosen = -1;
  for (const option of options()) option.setAttribute("aria-selected", "false");
  open(items.length > 0);
}

function open(is) {
  list.hidden = !is;
  input.setAttribute("aria-expanded", String(is));
}

async function ask() {
  const mine = ++asked;
  try {
    const answer = await fetch(`/api/v1/search?q=${encodeURIComponent(input.value.trim())}`);
    const found = answer.ok ? (await answer.json()).items : null;
    if (found && mine === asked && document.activeElement === input) show(found);
  } catch {
    // The server is away for a moment; Enter still asks it.
  }
}

export function start() {
  if (document.activeElement === input) ask();  // somebody was quicker than this was loaded
  input.addEventListener("input", ask);
  input.addEventListener("focus", ask);
  input.addEventListener("blur", () => { asked += 1; open(false); });
  list.addEventListener("pointerdown", (event) => {
    const option = event.target.closest("[data-href]");
    if (option) { event.preventDefault(); location.href = option.dataset.href; }
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) ask();
      else choose(event.key === "ArrowDown" ? chosen + 1 : chosen - (chosen < 0 ? 0 : 1));
    } else if (event.key === "Enter" && chosen >= 0 && !list.hidden) {
      event.preventDefault();
      location.href = options()[chosen].dataset.href;
    } else if (event.key === "Escape") {
      event.preventDefault();  // a search box would be cleared, and everything be found
      asked += 1;  // what is still on its way opens nothing any more
      if (list.hidden) { input.value = ""; input.blur(); }
      else open(false);
    }
  });
}
