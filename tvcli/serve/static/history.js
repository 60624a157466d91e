// What was done, photo by photo, to undo and redo it. A step changes one photo, or several together.

const MOST = 500;

export class History {
  #done = []; // steps, each a list of changes {place, before, after}
  #undone = [];
  #together = null;

  add(place, before, after) {
    if (this.#together) return void this.#together.push({ place, before, after });
    this.#record([{ place, before, after }]);
  }

  #record(step) {
    this.#done = [...this.#done, step].slice(-MOST);
    this.#undone = [];
  }

  /** Make one step of all that `work` does. */
  together(work) {
    const step = (this.#together = []);
    try {
      work();
    } finally {
      this.#together = null;
    }
    if (step.length) this.#record(step);
  }

  /** The photos that `undo` or `redo` would change, none where there is nothing to do. */
  placesOf(what) {
    return (what === "undo" ? this.#done : this.#undone).at(-1)?.map(({ place }) => place) ?? [];
  }

  /** Go back one step: what each of its photos was before, as [place, content]. */
  undo() {
    const step = this.#done.pop() ?? [];
    if (step.length) this.#undone.push(step);
    return step.map(({ place, before }) => [place, before]).reverse();
  }

  redo() {
    const step = this.#undone.pop() ?? [];
    if (step.length) this.#done.push(step);
    return step.map(({ place, after }) => [place, after]);
  }

  /** Forget a photo that others have changed: to undo a change of ours would undo theirs. */
  forget(place) {
    const others = (steps) => steps.map((step) => step.filter((change) => change.place !== place)).filter((step) => step.length);
    this.#done = others(this.#done);
    this.#undone = others(this.#undone);
  }
}
