// Saves the boxes of photos one after another; what could not be saved stays and is said.

import { Refusal, send } from "./api.js";

export class Saver {
  #waiting = new Map(); // place -> the newest content that is not on disk yet
  #running = false;
  #sending = null; // [place, content] on its way
  versions = new Map();

  constructor(onchange) {
    this.onchange = onchange;
    this.failure = null;
    addEventListener("beforeunload", (event) => this.busy && event.preventDefault());
  }

  get busy() {
    return this.#running || this.#waiting.size > 0;
  }

  put(place, content) {
    this.#waiting.set(place, content);
    this.#run();
  }

  busyWith(place) {
    return this.#waiting.has(place) || this.#sending?.[0] === place;
  }

  /** What a photo is to become, if that is not on disk yet. */
  latest(place) {
    const content = this.#waiting.get(place) ?? (this.#sending?.[0] === place ? this.#sending[1] : null);
    return content && { boxed: content.boxes, proposals: content.proposals };
  }

  retry() {
    this.failure = null;
    this.#run();
  }

  /** Give up what was not saved: the file as it is now counts. */
  forget() {
    this.#waiting.clear();
    this.failure = null;
    this.onchange(null);
  }

  async #run() {
    if (this.#running || this.failure) return;
    this.#running = true;
    this.onchange(null);
    let progress = null;
    while (this.#waiting.size && !this.failure) {
      const [place, content] = this.#waiting.entries().next().value;
      this.#waiting.delete(place);
      this.#sending = [place, content];
      try {
        const version = this.versions.get(place);
        progress = await send("PUT", `/api/photos/${place}/boxes`, { version, ...content });
        this.versions.set(place, progress.version);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        if (!this.#waiting.has(place)) this.#waiting.set(place, content);
        this.failure = error;
      }
    }
    this.#running = false;
    this.#sending = null;
    this.onchange(progress);
  }
}
