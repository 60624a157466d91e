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

  get canUndo() {
    return this.#done.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  /** The photo and what it becomes, or null where there is nothing to undo. */
  undo() {
    const step = this.#done.pop();
    if (!step) return null;
    this.#undone.push(step);
    return { place: step.place, content: step.before };
  }

  redo() {
    const step = this.#undone.pop();
    if (!step) return null;
    this.#done.push(step);
    return { place: step.place, content: step.after };
  }

  clear() {
    this.#done = [];
    this.#undone = [];
  }
}
