// A drop zone: folders and files by dragging, the upload's progress, and cancelling it. Without it the form is sent as it is.

import { find } from "./page.js";

const ARCHIVE = /\.(zip|tar|tgz|tar\.(gz|bz2|xz))$/i;
const IGNORED = new Set([".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache"]);
const MOST = 50000;

// A folder tells its entries in batches, until it tells none.
async function readAll(folder) {
  const reader = folder.createReader();
  const found = [];
  for (;;) {
    const batch = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
    if (!batch.length) return found;
    found.push(...batch);
  }
}

// The server leaves these folders out as well; what is not sent at all is there sooner.
async function collect(entry, path, found) {
  if (found.length > MOST) return;
  if (entry.isFile) {
    found.push([await new Promise((resolve, reject) => { entry.file(resolve, reject); }), path]);
    return;
  }
  if (IGNORED.has(entry.name)) return;
  for (const inner of await readAll(entry)) await collect(inner, `${path}/${inner.name}`, found);
}

async function ofDrop(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => [file, file.name]);
  const found = [];
  for (const entry of entries) await collect(entry, entry.name, found);
  return found;
}

function ofInputs(form) {
  const chosen = [...find("input[name=files]", form).files].map((file) => [file, file.webkitRelativePath || file.name]);
  const outside = chosen.filter(([, path]) => !path.split("/").some((part) => IGNORED.has(part)));
  return [...outside, ...[...find("input[name=archive]", form).files].map((file) => [file, file.name])];
}

function size(bytes) {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

class Drop {
  constructor(form) {
    this.form = form;
    this.zone = find(".drop-zone", form);
    this.dropped = [];
    form.addEventListener("submit", (event) => this.submit(event));
    form.addEventListener("change", (event) => {
      if (event.target.type === "file") this.choose(ofInputs(form), false);
    });
    find("[data-cancel]", form).addEventListener("click", () => this.request?.abort());
    for (const name of ["dragenter", "dragover"]) this.zone.addEventListener(name, (event) => this.over(event));
    for (const name of ["dragleave", "drop"]) this.zone.addEventListener(name, () => this.zone.classList.remove("over"));
    this.zone.addEventListener("drop", (event) => this.drop(event));
  }

  over(event) {
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    this.zone.classList.add("over");
  }

  async drop(event) {
    event.preventDefault();
    if (this.request) return;
    try {
      this.choose(await ofDrop(event.dataTransfer), true);
    } catch (error) {
      this.tell(`Cannot read what was dropped: ${error.message}`);
    }
  }

  choose(files, isDropped) {
    this.dropped = isDropped ? files : [];
    if (isDropped) for (const input of this.form.querySelectorAll("input[type=file]")) input.value = "";
    this.tell(files.length > MOST ? `Cannot take this: it has more than ${MOST} files.` : "");
    const chosen = find(".drop-chosen", this.form);
    const total = files.reduce((sum, [file]) => sum + file.size, 0);
    const top = files.length ? files[0][1].split("/")[0] : "";
    chosen.hidden = !files.length;
    chosen.textContent = files.length === 1 ? `${files[0][1]}, ${size(total)}` : `${top}: ${files.length} files, ${size(total)}`;
  }

  submit(event) {
    event.preventDefault();
    if (this.request) return;
    const files = this.dropped.length ? this.dropped : ofInputs(this.form);
    if (!files.length || files.length > MOST) {
      this.tell(files.length ? `Cannot take this: it has more than ${MOST} files.` : "Choose a folder or an archive first.");
      return;
    }
    const data = new FormData();
    for (const [name, value] of new FormData(this.form)) if (typeof value === "string") data.append(name, value);
    const isArchive = files.length === 1 && !files[0][1].includes("/") && ARCHIVE.test(files[0][1]);
    for (const [file, path] of files) data.append(isArchive ? "archive" : "files", file, path);
    this.send(data);
  }

  send(data) {
    const request = new XMLHttpRequest();
    this.request = request;
    this.tell("");
    this.show(0, 1);
    request.upload.addEventListener("progress", (event) => this.show(event.loaded, event.total));
    request.addEventListener("load", () => this.answer(request));
    request.addEventListener("error", () => this.end("Cannot send this: the connection broke. Send it again."));
    request.addEventListener("abort", () => this.end("Cancelled; nothing was kept."));
    request.open("POST", this.form.action);
    request.setRequestHeader("Accept", "application/json");
    request.send(data);
  }

  show(loaded, total) {
    const shown = find(".drop-progress", this.form);
    shown.hidden = false;
    find("progress", shown).value = total ? loaded / total : 0;
    find(".figures", shown).textContent = loaded < total ? `${size(loaded)} of ${size(total)}` : "Looking at it";
    find("button.main", this.form).disabled = true;
  }

  answer(request) {
    let found = {};
    try {
      found = JSON.parse(request.responseText);
    } catch {
      found = { error: { message: `Cannot send this: the server answered ${request.status}.` } };
    }
    if (found.next) location.assign(found.next);
    else this.end([found.error?.message, found.error?.fix].filter(Boolean).join(" ") || "Cannot send this.");
  }

  end(text) {
    this.request = null;
    find(".drop-progress", this.form).hidden = true;
    find("button.main", this.form).disabled = false;
    this.tell(text);
  }

  tell(text) {
    const wrong = find("#error-drop", this.form);
    wrong.hidden = !text;
    find("span", wrong).textContent = text;
    this.zone.classList.toggle("wrong", Boolean(text));
  }
}

export function start() {
  const form = find("[data-drop]");
  if (!form) return;
  const drop = new Drop(form);
  // A page from the browser's memory has forgotten what was dropped.
  addEventListener("pageshow", (event) => { if (event.persisted) drop.end(""); });
  // A miss by a few pixels must not make the browser leave for the file.
  for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
}
