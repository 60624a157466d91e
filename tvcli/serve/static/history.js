// What was done, photo by photo, to undo and redo it.

const MOST = 500;

export class History {
  #done = [];
  #undone = [];

  add(place, before, after) {
    this.#done.push({ place, before, after });
    this.#done = this.#done.slice(-MOST);
    this.#undone = [];
  }

  /** The photo that `undo` or `redo` would change, null where there is nothing to do. */
  placeOf(what) {
    return (what === "undo" ? this.#done : this.#undone).at(-1)?.place ?? null;
  }

  /** What a photo was before its last change; null where that was no change of this photo. */
  undo(place) {
    if (this.placeOf("undo") !== place) return null;
    const step = this.#done.pop();
    this.#undone.push(step);
    return step.before;
  }

  redo(place) {
    if (this.placeOf("redo") !== place) return null;
    const step = this.#undone.pop();
    this.#done.push(step);
    return step.after;
  }

  /** Forget a photo that others have changed: to undo a change of ours would undo theirs. */
  forget(place) {
    this.#done = this.#done.filter((step) => step.place !== place);
    this.#undone = this.#undone.filter((step) => step.place !== place);
  }

  clear() {
    this.#done = [];
    this.#undone = [];
  }
}
