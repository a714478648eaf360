// An operation while it runs: steps, findings and lines as they happen. When it ends, the server says how (renew).

import { all, elapsed, find, now, renew } from "./page.js";

export function start() {
  const page = find("[data-operation]");
  const names = JSON.parse(page.dataset.stepNames);
  const log = find("[data-log]")?.view;
  let last = Number(page.dataset.last);
  const began = new Map(all(".step[data-seconds]").map((step) => [step, now() - 1000 * Number(step.dataset.seconds)]));

  const handle = {
    finding({ data }) {
      const label = document.createElement("dt");
      label.textContent = data.label;
      const value = document.createElement("dd");
      value.textContent = data.value;
      if (data.why) {
        const why = document.createElement("small");
        why.textContent = data.why;
        value.append(" ", why);
      }
      find("#found")?.append(label, value);
    },
    step({ step: name, text, data }) {
      const step = find(`.step[data-step="${CSS.escape(name)}"]`);
      if (!step) return;
      step.dataset.state = data.state;
      find(".spoken", step).textContent = `: ${data.state}`;
      find(".text", step).textContent = text ?? "";
      if (data.state === "running") {
        leaveQueue();
        if (!began.has(step)) began.set(step, now() - 1000 * (data.seconds ?? 0));
      } else {
        began.delete(step);
        find(".elapsed", step).textContent = data.seconds == null || data.state === "skipped" ? "" : elapsed(data.seconds);
      }
      say(`${names[name] ?? name}: ${data.state}`);
    },
    line({ text }) { log?.add(0, text); },
    result: finish,
    error: finish,
  };

  const spoken = document.createElement("p");
  spoken.className = "spoken";
  spoken.setAttribute("role", "status");
  page.append(spoken);
  function say(words) { spoken.textContent = words; }

  const clock = setInterval(() => {
    for (const [step, since] of began) find(".elapsed", step).textContent = elapsed((now() - since) / 1000);
  }, 100);

  const source = new EventSource(page.dataset.stream);
  for (const kind of Object.keys(handle)) {
    // "error" is also what a lost connection is called; only messages have data.
    source.addEventListener(kind, (message) => {
      if (message.data === undefined) return;
      const event = JSON.parse(message.data);
      if (event.n <= last) return;
      last = event.n;
      handle[kind](event);
    });
  }
  addEventListener("pagehide", () => source.close());

  // Of an operation whose turn comes while its page is open, nothing is told otherwise but this word.
  function leaveQueue() {
    const outcome = find("#outcome .state[data-state=queued]");
    if (!outcome) return;
    outcome.dataset.state = "running";
    find("span", outcome).textContent = "running";
  }

  async function finish() {
    source.close();
    clearInterval(clock);
    log?.end();
    // The outcome is one thing that the server says in full: its page, not a second telling of it here.
    document.activeElement?.blur?.();
    for (let tries = 0; tries < 10; tries += 1) {
      try {
        await renew();
        const outcome = find("#outcome .state").dataset.state;
        if (outcome !== "running" && outcome !== "queued") return void say(outcome);
      } catch {
        // The server is away for a moment.
      }
      await new Promise((resolve) => { setTimeout(resolve, 500); });
    }
  }
}
