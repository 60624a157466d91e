// Whether all is saved, what keeps it from being so, and what other programs do to the file.

import { get, send } from "./api.js";
import { find, numberOf, say } from "./dom.js";
import { endTrouble, showTrouble } from "./trouble.js";

const EVERY = 4000; // milliseconds between looks at the file

export class Status {
  #gone = false; // tv did not answer when it was looked for last
  file = "the file";

  /** `resolve(place, kept)` settles a conflict, `refresh()` shows the file as it is now, `shown()` gives the photos shown. */
  constructor({ resolve, refresh, open, isBusy, shown, isAlone }) {
    Object.assign(this, { resolve, refresh, open, isBusy, shown, isAlone });
  }

  begin(saver, about) {
    this.saver = saver;
    this.file = about.file;
    this.progress(about);
    setInterval(() => this.#watch(), EVERY);
  }

  progress({ done, count, unreadable, quality, learning }) {
    const bad = unreadable ? `, ${unreadable.toLocaleString()} cannot be shown` : "";
    find("#progress").textContent = `${done.toLocaleString()} of ${count.toLocaleString()} done${bad}`;
    this.#learned(quality, learning);
    find("#share").value = count > unreadable ? Math.min(1, done / (count - unreadable)) : 0;
  }

  /** Say what proposes boxes, how good it is, and what is being trained. */
  #learned(quality, learning) {
    const lines = [...(learning ? learnedBy(learning) : []), ...(quality ? [judged(quality)] : [])];
    find("#quality").hidden = !lines.length;
    const text = lines.join(" ");
    if (find("#quality").textContent !== text) find("#quality").textContent = text;
  }

  saved(progress) {
    const { saver } = this;
    const [conflict] = saver.conflicts;
    const failed = saver.failure || conflict;
    find("#saved").textContent = failed ? "Not saved" : saver.busy ? "Saving…" : "Saved";
    find("#saved").className = failed ? "failed" : saver.busy ? "busy" : "";
    if (progress) this.progress(progress);
    if (saver.failure) this.#failed(saver.failure);
    else if (conflict) this.#conflict(...conflict);
    else if (!this.#gone) endTrouble();
  }

  #failed(failure) {
    const again = ["mend", "Try again", () => this.saver.retry()];
    if (failure.status === 0) this.#ended();
    else if (failure.gone) this.#removed();
    else showTrouble(`Not saved: ${failure.message}. It stays in this page until it is.`, [again]);
  }

  #ended() {
    this.#gone = true;
    const unsaved = this.saver.busy ? "What you did since is not saved yet: it stays in this page." : "All you did is saved.";
    showTrouble(`tv has ended, or cannot be reached. ${unsaved} To go on, start it again as before, `
      + `with --port ${location.port}.`, [["mend", "Try again", () => this.#watch()]]);
  }

  #removed() {
    showTrouble(`${this.file} was removed by another program.`, [
      ["mend", "Write it again", () => this.#restore("/api/restore")],
      ["anew", "Begin an empty one", () => this.#restore("/api/reload")]]);
  }

  #restore(path) {
    return send("POST", path, {}).then(async (progress) => {
      this.progress(progress);
      endTrouble();
      if (path === "/api/reload") await this.refresh();
      this.saver.retry();
    }, (error) => say(error.message, { error: true }));
  }

  #conflict(place, theirs) {
    const number = ({ length }) => numberOf(length, "box", "boxes");
    const mine = this.saver.latest(place).boxed;
    const keep = (kept) => () => this.resolve(place, kept);
    const where = this.isAlone(place) ? [] : [["look", "Show it", () => this.open(place)]];
    showTrouble(`${theirs.name}: ${theirs.reason}. Yours has ${number(mine)}, theirs ${number(theirs.boxed)}.`, [
      ["both", "Keep both", keep("both")], ["mine", "Keep mine", keep("mine")],
      ["theirs", "Take theirs", keep("theirs")], ...where]);
  }

  /** Notice what others do to the file, before the next change if possible, and that tv has ended. */
  async #watch() {
    if (document.hidden || this.isBusy() || (this.saver.busy && !this.#gone)) return;
    try {
      const places = this.shown();
      const about = await get("/api/about", places.length ? { photo: places } : {});
      if (this.#gone) {
        this.#gone = false;
        this.saver.retry();
        return this.saved(about);
      }
      this.#learned(about.quality, about.learning);
      if (about.gone) return this.#removed();
      if (about.changed) this.progress(await send("POST", "/api/reload", {}));
      const isStale = String(places) === String(this.shown())
        && places.some((place) => ![undefined, about.versions[place]].includes(this.saver.version(place)));
      if (this.saver.busy || this.isBusy() || !(about.changed || isStale)) return;
      await this.refresh();
      say(`${about.file} was changed ${about.changed ? "by another program" : "in another page"}: this is how it is now.`);
    } catch (error) {
      if (error.status === 0) this.#ended();
      else showTrouble(error.message, [["mend", "Try again", () => this.#watch()]]);
    }
  }
}

const judged = ({ photos, iou }) => `${photos === 1 ? "The proposal for the last photo" : `The proposals for the last ${photos} photos`}`
  + ` had a mean IoU of ${iou.toFixed(2)} with what was then drawn.`;

function learnedBy({ trained, training, failed, unkept }) {
  const now = trained ? [`Proposals by heads trained on ${trained.photos} photos; mean IoU ${trained.iou.toFixed(2)} on ${trained.held_out} held out.`] : [];
  if (training) return [...now, `Training on ${training} photos…`];
  if (failed) return [...now, `Heads could not be trained: ${failed}. ${trained ? "Those before go on." : "The proposals go on without."}`];
  if (unkept) return [...now, `They were not kept: ${unkept}.`];
  return now;
}
