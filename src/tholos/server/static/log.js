// The log view: lines arrive in batches, one frame each; blocks of lines that are off screen cost nothing to lay out
// (content-visibility), so that a hundred thousand stay smooth and the browser's own search still finds them.

import { inLocalTime } from "./page.js";

const BLOCK = 100;
const ROW = 20;
const BATCH = 250;
const BUDGET = 30; // milliseconds per frame for putting lines in place
const ESCAPES = /\x1b\[([0-9;?]*)([A-Za-z])/g;
const LEVELS = [
  ["error", /\b(ERROR|CRITICAL|FATAL|Traceback \(most recent|[A-Z]\w*(Error|Exception):)/],
  ["warn", /\b(WARN|WARNING|[A-Z]\w*Warning:)/],
];
const RANK = { "": 0, warn: 1, error: 2 };

// The room of a block whose lines are not laid out: every row has one height, unless long lines are wrapped.
function reserve(block) {
  let rows = 0;
  for (const row of block.children) {
    if (!row.hidden) rows += row.open ? row.querySelectorAll(".line:not([hidden])").length + 1 : 1;
  }
  block.style.containIntrinsicBlockSize = `auto ${rows * ROW}px`;
}

export const levelOf = (text) => LEVELS.find(([, pattern]) => pattern.test(text))?.[0] ?? "";

// The same elements as components/log.html makes.
export function ansi(text) {
  if (!text.includes("\x1b")) return [text];
  const parts = [];
  let codes = [];
  let from = 0;
  const put = (piece) => {
    const shown = piece.replaceAll("\x1b", "");
    if (!shown) return;
    if (!codes.length) return void parts.push(shown);
    const span = document.createElement("span");
    span.className = [...new Set(codes)].map((code) => `a${code}`).join(" ");
    span.textContent = shown;
    parts.push(span);
  };
  for (const match of text.matchAll(ESCAPES)) {
    put(text.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === "m") codes = match[1].split(";").reduce(take, codes);
  }
  put(text.slice(from));
  return parts;
}

function take(codes, code) {
  const number = Number(code) || 0;
  if (number === 0 || number === 39) return [];
  if (number <= 4) return [...codes, number];
  const colour = (number >= 30 && number <= 37) || (number >= 90 && number <= 97);
  return colour ? [...codes.filter((other) => other < 30), number] : codes;
}

export class LogView {
  #body; #block; #note; #status; #filter; #level; #followButton;
  #narrowed; #trace = null; #waiting = []; #planned = false; #following; #count = 0; #last = 0; #source; #unseen = 0; #matches = 0; #pass = 0; #touched = -1e9;

  constructor(section) {
    this.#body = section.querySelector(".log-body");
    this.#note = section.querySelector(".log-note");
    this.#status = section.querySelector(".log-status");
    this.#filter = section.querySelector("input[type=search]");
    this.#level = section.querySelector("select");
    this.#followButton = section.querySelector("[data-follow]");
    // What the server left out cannot be shown again by this page alone.
    this.#narrowed = section.dataset.narrowed === undefined ? null : { text: this.#filter.value, level: this.#level.value };
    this.#block = [...section.querySelectorAll(".block")].at(-1);
    this.#source = section.dataset.source ?? "";
    for (const line of section.querySelectorAll(".line")) this.#adopt(line);
    this.#following = Boolean(this.#followButton);
    this.#listen(section);
    this.#say();
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (target) this.#lookAt(target);
    else this.#toEnd();
  }

  get last() { return this.#last; }

  /**
   * A line; one whose number was seen already is left out. The level is told from the text where nobody says it. Where the
   * source, a release and an instance as data-source has them, is another than that of the line before, that is shown.
   */
  add(n, text, { level, at, source } = {}) {
    if (n && n <= this.#last) return;
    this.#last = n || this.#last + 1;
    this.#waiting.push([this.#last, text, level, at, source]);
    this.#plan();
  }

  tell(words) { this.#status.textContent = words; }

  end() {
    this.#following = false;
    this.#followButton?.remove();
    this.#followButton = null;
    this.#say();
  }

  #adopt(line) {
    this.#count += 1;
    this.#last = Math.max(this.#last, Number(line.dataset.n));
    const isSaid = line.classList.length > 1 || line.title; // by the server
    if (line.title) line.title = inLocalTime(line.title);
    if (isSaid) return;
    const level = levelOf(line.textContent);
    if (level) line.classList.add(level);
  }

  // Typing narrows the lines that are here at once; Enter, and what they cannot tell, asks the server for all of the log.
  #listen(section) {
    const form = section.querySelector("form");
    if (!form.getAttribute("action")) form.addEventListener("submit", (event) => event.preventDefault());
    this.#filter.addEventListener("input", () => this.#narrow());
    this.#level.addEventListener("change", () => {
      if (this.#narrowed && RANK[this.#level.value] < RANK[this.#narrowed.level]) form.requestSubmit();
      else this.#narrow();
    });
    for (const field of form.elements) {
      if (field !== this.#filter && field !== this.#level) field.addEventListener("change", () => form.requestSubmit());
    }
    const wrap = section.querySelector("[data-wrap]");
    wrap.addEventListener("click", () => {
      wrap.ariaPressed = String(this.#body.classList.toggle("wrapped"));
      if (this.#following) this.#toEnd();
    });
    this.#followButton?.addEventListener("click", () => this.#follow(!this.#following));
    this.#body.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    for (const kind of ["wheel", "touchmove", "keydown", "pointerdown"]) {
      this.#body.addEventListener(kind, () => { this.#touched = performance.now(); }, { passive: true });
    }
    this.#body.addEventListener("click", (event) => {
      const line = event.target.closest(".line");
      if (line && event.clientX - this.#body.getBoundingClientRect().left < 60) location.hash = line.id;
    });
    if (!this.#narrowed && (this.#filter.value || this.#level.value)) this.#narrow();
  }

  // Whether more is asked for than what the server was asked for.
  #isNarrowing() {
    if (!this.#narrowed) return Boolean(this.#filter.value || this.#level.value);
    return this.#filter.value !== this.#narrowed.text || this.#level.value !== this.#narrowed.level;
  }

  #atEnd() { return this.#body.scrollHeight - this.#body.scrollTop - this.#body.clientHeight < 2 * ROW; }

  // Only a person's own scrolling lets go; blocks that find their height move the page too.
  #scrolled() {
    if (!this.#followButton) return;
    if (this.#atEnd()) this.#follow(true);
    else if (performance.now() - (this.#touched) < 1000) this.#follow(false);
  }

  #follow(wanted) {
    if (wanted === this.#following) return;
    this.#following = wanted;
    this.#followButton.ariaPressed = String(wanted);
    if (wanted) this.#toEnd();
    this.#say();
  }

  #toEnd() {
    this.#unseen = 0;
    this.#body.scrollTop = this.#body.scrollHeight;
    // Blocks that come into view find their true height in this frame: look again in the next.
    requestAnimationFrame(() => { if (this.#following) this.#body.scrollTop = this.#body.scrollHeight; });
  }

  #lookAt(target) {
    this.#follow(false);
    const fold = target.closest("details");
    if (fold) fold.open = true;
    const top = target.getBoundingClientRect().top - this.#body.getBoundingClientRect().top;
    this.#body.scrollTop += top - 3 * ROW;
  }

  #plan() {
    if (this.#planned) return;
    this.#planned = true;
    // A hidden tab gets no frames: lines wait, and come when it is looked at.
    requestAnimationFrame(() => this.#place());
  }

  #place() {
    this.#planned = false;
    const began = performance.now();
    let placed = 0;
    while (placed < this.#waiting.length && performance.now() - began < BUDGET) {
      for (const line of this.#waiting.slice(placed, placed + BATCH)) this.#put(...line);
      placed += BATCH;
    }
    placed = this.#waiting.splice(0, placed).length;
    this.#note.hidden = this.#count > 0;
    if (this.#following) this.#toEnd();
    else this.#unseen += placed;
    this.#say();
    if (this.#waiting.length) this.#plan();
  }

  #put(n, text, level, at, source) {
    if (source && source !== this.#source) this.#divide(source);
    const line = document.createElement("div");
    line.className = "line";
    line.id = `L${n}`;
    line.dataset.n = n;
    if (at) line.title = inLocalTime(at);
    line.append(...ansi(text));
    level ??= levelOf(line.textContent);
    if (level in RANK && level) line.classList.add(level);
    this.#count += 1;
    const starts = text.startsWith("Traceback (most recent call last)");
    if (starts) this.#unfold();
    (this.#trace ?? this.#room()).append(line);
    if (this.#trace && !starts && !/^[ \t]/.test(text)) this.#trace = null;
    if (this.#isNarrowing()) this.#hide(line);
  }

  // Who writes from here on; what the one before began has ended with it.
  #divide(source) {
    this.#source = source;
    this.#trace = null;
    const [release, instance] = source.split(" ");
    const divider = document.createElement("div");
    divider.className = "log-source";
    divider.textContent = `Release ${release} · ${instance}`;
    this.#room().append(divider);
  }

  #room() {
    if (this.#block.childElementCount >= BLOCK) {
      reserve(this.#block);
      this.#block.classList.add("full");
      const next = document.createElement("div");
      next.className = "block";
      this.#block.after(next);
      this.#block = next;
    }
    return this.#block;
  }

  #unfold() {
    const first = !document.getElementById("traceback");
    const details = document.createElement("details");
    details.className = "trace";
    details.open = first;
    if (first) details.id = "traceback";
    const summary = document.createElement("summary");
    summary.textContent = first ? "Traceback, the first" : "Traceback";
    details.append(summary);
    this.#room().append(details);
    this.#trace = details;
  }

  #hide(line) {
    const level = ["error", "warn"].find((name) => line.classList.contains(name)) ?? "";
    const fits = RANK[level] >= RANK[this.#level.value]
      && line.textContent.toLowerCase().includes(this.#filter.value.trim().toLowerCase());
    line.hidden = !fits;
    if (fits) this.#matches += 1;
    return fits;
  }

  // A part in each frame, from the end on: whoever types is not kept waiting, and a new word ends the search for the last.
  #narrow() {
    this.#matches = 0;
    this.#pass += 1;
    const pass = this.#pass;
    const blocks = [...this.#body.querySelectorAll(".block")];
    const go = () => {
      if (pass !== this.#pass) return;
      const began = performance.now();
      while (blocks.length && performance.now() - began < BUDGET) this.#narrowBlock(blocks.pop());
      if (this.#following) this.#toEnd();
      this.#say();
      if (blocks.length) requestAnimationFrame(go);
    };
    go();
  }

  #narrowBlock(block) {
    let shown = 0;
    for (const line of block.querySelectorAll(".line")) shown += this.#hide(line);
    for (const trace of block.querySelectorAll(".trace")) trace.hidden = !trace.querySelector(".line:not([hidden])");
    block.hidden = shown === 0 && block !== this.#block;
    reserve(block);
  }

  #say() {
    const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
    if (this.#isNarrowing()) this.tell(`${count(this.#matches, "line")} of ${this.#count.toLocaleString("en")}`);
    else if (this.#followButton && !this.#following && this.#unseen) this.tell(`${count(this.#unseen, "new line")} below`);
    else this.tell(count(this.#count, "line"));
  }
}

export function start() {
  for (const section of document.querySelectorAll("[data-log]")) {
    section.view = new LogView(section);
    if (section.dataset.stream) listen(section.view, section.dataset.stream);
  }
}

function listen(view, address) {
  const source = new EventSource(address);
  const isJson = new URL(address, location.href).searchParams.get("format") === "json";
  source.addEventListener("message", (event) => {
    if (isJson) {
      const { n, text, level, at, release, instance } = JSON.parse(event.data);
      view.add(n, text, { level: level === "warning" ? "warn" : level, at, source: `${release} ${instance}` });
    } else for (const text of event.data.split("\n")) view.add(0, text);
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) view.tell("The log has ended.");
    else view.tell("Connecting again…");
  });
  addEventListener("pagehide", () => source.close());
}
