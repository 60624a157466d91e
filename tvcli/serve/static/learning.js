// The Learn button: how far it is, what it changed, and whether to keep it. Once it was pressed each click is learned from.

import { get, send } from "./api.js";
import { find, make } from "./dom.js";

const OFTEN = 250; // milliseconds between looks

export class Learning {
  ready = false;
  live = false; // whether clicks are learned from as they are made

  /** `onchange` is called when what was learned can be tried, and when it is kept or gone. */
  constructor(onchange) {
    this.onchange = onchange;
  }

  /** Learn from the clicks that are saved; what is said meanwhile is learned from after that. */
  async start() {
    this.again = true;
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.again) {
        this.again = false;
        await this.#learn();
      }
    } finally {
      this.busy = false;
    }
  }

  async #learn() {
    if (!this.live) this.#show({ state: "running", epoch: 0 });
    this.live = true;
    try {
      await send("POST", "/api/learn", {});
    } catch (error) {
      return this.#show({ state: "failed", error: error.message });
    }
    await this.look({ tell: true });
  }

  /** See how far it is, again and again until it is done; without `wait`, the further looks are taken meanwhile. */
  async look({ tell = false, wait = true } = {}) {
    const now = await get("/api/learn").catch((error) => ({ state: "failed", error: error.message }));
    this.#show(now);
    if (now.state === "running") {
      const done = new Promise((resolve) => setTimeout(resolve, OFTEN)).then(() => this.look({ tell: true }));
      return wait ? done : undefined;
    }
    const was = this.ready;
    this.ready = now.state === "ready";
    this.live ||= this.ready;
    if (tell && (this.ready || was)) this.onchange();
  }

  async #end(what) {
    try {
      const ended = await send("POST", `/api/learn/${what}`, {});
      this.ready = this.live = false;
      this.#show(ended);
      this.onchange();
    } catch (error) {
      this.#show({ state: "failed", error: error.message });
    }
  }

  #show(now) {
    const panel = find("#learning");
    const text = make("p", {}, told(now));
    const button = (name, does, kind = "") =>
      make("button", { type: "button", class: kind, onclick: does }, name);
    const close = button("Close", () => (panel.hidden = true));
    const parts = {
      running: [make("progress", { "aria-label": "Learning", ...(now.epochs ? { max: now.epochs, value: now.epoch } : {}) })],
      ready: [button("Keep it", () => this.#end("keep"), isBetter(now) ? "strong" : ""),
        button("Discard it", () => this.#end("discard"), isBetter(now) ? "" : "strong")],
      kept: [button("Undo", () => this.#end("undo")), close], undone: [close], failed: [close] }[now.state];
    panel.hidden = !parts;
    panel.replaceChildren(...(parts ? [text, ...parts] : []));
  }
}

function told(now) {
  if (now.state === "running") return "Learning from the clicks…";
  if (now.state === "failed") return `Nothing learned: ${now.error}`;
  if (now.state === "kept") return `Kept: the index ranks by ${now.file} from now on. The one before is ${now.before}.`;
  if (now.state === "undone") return "Undone: the index is what it was before.";
  if (!now.held_out) {
    return `Learned from ${now.train} triplets. Too few clicks to hold some out and count: whether it is better is not known.`;
  }
  const verdict = isBetter(now) ? "Better." : now.after < now.before ? "Worse: say more, or discard it." : "No better: say more, or discard it.";
  return `Of ${now.held_out} held-out triplets of clicks ${now.before} were in the right order; now ${now.after} are. ${verdict} `
    + `What you see learned from all ${now.train}, in ${now.seconds} s. Old hits left, new hits right, with the places they moved.`;
}

/** Whether what was learned is better on clicks that it was not learned from. */
const isBetter = (now) => now.held_out > 0 && now.after > now.before;
