// Saves the boxes of photos one after another. What could not be saved stays, and why is said. Where others
// changed the same photo, theirs and ours are both kept until a person has chosen.

import { get, Refusal, send } from "./api.js";
import { contentOf, both, isSame } from "./content.js";

const TRIES = 5; // a file that others keep changing

export class Saver {
  #waiting = new Map(); // place -> the newest content that is not on disk yet
  #running = false;
  #working = null; // the promise of what is being saved
  #sending = null; // [place, content] on its way
  #known = new Map(); // place -> what is on disk, as far as this page knows: {version, content}
  conflicts = new Map(); // place -> what others made of a photo whose boxes wait here

  /** `onchange` is told of progress, `onreload` that the server has read the file again. */
  constructor(onchange, onreload) {
    Object.assign(this, { onchange, onreload, failure: null });
    addEventListener("beforeunload", (event) => this.busy && event.preventDefault());
  }

  get busy() {
    return this.#running || this.#waiting.size > 0;
  }

  put(place, content) {
    this.#waiting.set(place, content);
    this.onchange(null);
    this.#run();
  }

  /** The version of a photo that this page has seen last. */
  version(place) {
    return this.#known.get(place)?.version;
  }

  /** Note what is on disk of a photo. */
  know(place, version, content) {
    this.#known.set(place, { version, content });
  }

  busyWith(place) {
    return this.#waiting.has(place) || this.#sending?.[0] === place;
  }

  /** What a photo is to become, if that is not on disk yet. */
  latest(place) {
    const content = this.#waiting.get(place) ?? (this.#sending?.[0] === place ? this.#sending[1] : null);
    return content && { boxed: content.boxes, proposals: content.proposals, empty: content.empty };
  }

  retry() {
    this.failure = null;
    this.#run();
  }

  /** Wait until nothing more can be saved; tells whether all of it is. */
  async settled() {
    await this.#working;
    return !this.busy;
  }

  /** Keep "mine", "theirs" or "both" of a photo; returns what it was here, and what it is now. */
  resolve(place, kept) {
    const theirs = this.conflicts.get(place);
    const mine = this.#waiting.get(place);
    const others = contentOf(theirs);
    const after = kept === "mine" ? mine : kept === "theirs" ? others : { ...both(mine, others), name: mine.name };
    this.conflicts.delete(place);
    this.know(place, theirs.version, others);
    if (kept === "theirs") this.#waiting.delete(place);
    else this.#waiting.set(place, after);
    this.#run();
    this.onchange(null);
    return { before: mine, after };
  }

  #run() {
    if (!this.#running && !this.failure) this.#working = this.#save();
  }

  async #save() {
    this.#running = true;
    this.onchange(null);
    let progress = null;
    for (let tries = 0; !this.failure; ) {
      const next = [...this.#waiting].find(([place]) => !this.conflicts.has(place));
      if (!next) break;
      const [place, content] = (this.#sending = next);
      this.#waiting.delete(place);
      try {
        const version = this.version(place);
        progress = await send("PUT", `/api/photos/${place}/boxes`, { version, ...content });
        this.know(place, progress.version, content);
        tries = 0;
      } catch (error) {
        if (!this.#waiting.has(place)) this.#waiting.set(place, content);
        this.failure = error.status === 409 && tries++ < TRIES ? await this.#settle(place, error) : error;
      }
    }
    this.#running = false;
    this.#sending = null;
    this.onchange(progress);
  }

  /** Look at what others did: nothing to this photo, the same, or else. Returns what keeps it from being saved. */
  async #settle(place, refusal) {
    try {
      const about = await get("/api/about");
      if (about.gone) return Object.assign(refusal, { gone: true });
      if (about.changed) await send("POST", "/api/reload", {});
      const theirs = await get(`/api/photos/${place}`);
      const mine = this.#waiting.get(place);
      if (theirs.name !== mine.name) return await this.#follow(place, mine);
      if (theirs.unreadable) return new Refusal(422, theirs.unreadable);
      const others = contentOf(theirs);
      if (isSame(mine, others)) this.#waiting.delete(place);
      const isTouched = !isSame(mine, others) && !isSame(this.#known.get(place).content, others);
      if (isTouched) this.conflicts.set(place, { ...theirs, reason: refusal.message });
      else this.know(place, theirs.version, others);
      if (about.changed) await this.onreload();
      return null;
    } catch (error) {
      return error;
    }
  }

  /** Where the server was started with other photos, a photo has another place: find it by its name. */
  async #follow(place, mine) {
    const { place: now } = await get("/api/place", { name: mine.name });
    if (now == null) return new Refusal(404, `${mine.name} is not among the photos that tv was started with`);
    this.#waiting.delete(place);
    this.#waiting.set(now, mine);
    this.#known.set(now, this.#known.get(place));
    this.#known.delete(place);
    await this.onreload({ moved: mine.name, place: now });
    return null;
  }
}
