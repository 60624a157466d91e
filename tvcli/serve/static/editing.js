// What is done to the boxes of the photo shown: every change is one step of history and is saved at once.

import { contentOf } from "./content.js";
import { isBox, movedTogether, resized } from "./geometry.js";
import { History } from "./history.js";
import { learnLabels } from "./labels.js";

const accepted = ({ box, label }) => ({ box, label: label ?? "", fields: {} });

export class Editing {
  photo = null; // with `boxed`, `proposals` and `empty`
  chosen = []; // places of boxes, those that are proposed after the others
  lastBoxes = []; // of the photo before, to copy

  /**
   * `save(place, content)` is given each change, then `draw()` is called. `shared` by photos edited side by side:
   * their history, and the label of the next box.
   */
  constructor(save, draw, shared = { history: new History(), label: "" }) {
    Object.assign(this, { save, draw, shared });
  }

  get history() {
    return this.shared.history;
  }

  get label() {
    return this.shared.label;
  }

  set label(text) {
    this.shared.label = text;
  }

  get marks() {
    const { boxed, proposals } = this.photo;
    return [...boxed.map((entry) => ({ ...entry, kind: "own" })),
      ...proposals.map((entry) => ({ ...entry, kind: "proposed" }))];
  }

  get canDraw() {
    return Boolean(this.photo) && !this.photo.unreadable;
  }

  isProposed(place) {
    return place != null && place >= this.photo.boxed.length;
  }

  /** The chosen boxes that are accepted. */
  get own() {
    return this.chosen.filter((place) => !this.isProposed(place));
  }

  show(photo) {
    if (this.photo?.boxed.length) this.lastBoxes = this.photo.boxed;
    this.photo = photo;
    this.chosen = [];
  }

  // All changes go through `set`, so history, screen and disk cannot part.

  set({ boxes, proposals, empty = false }, chosen = []) {
    const before = contentOf(this.photo);
    Object.assign(this.photo, { boxed: boxes, proposals, empty: empty && !boxes.length });
    this.history.add(this.photo.place, before, contentOf(this.photo));
    this.chosen = chosen;
    this.#keep();
  }

  #keep() {
    this.save(this.photo.place, { ...contentOf(this.photo), name: this.photo.name });
    this.draw();
  }

  /** Become what history says. */
  restore({ boxes, proposals, empty }) {
    Object.assign(this.photo, { boxed: boxes, proposals, empty });
    this.chosen = [];
    this.#keep();
  }

  /** Put entries in the place of others, null for none; a proposal that is changed is accepted. */
  replace(changes) {
    const { boxed, proposals } = this.photo;
    const boxes = [], left = [], chosen = [];
    const put = (entry) => chosen.push(boxes.push(entry) - 1);
    boxed.forEach((entry, place) => {
      if (!changes.has(place)) boxes.push(entry);
      else if (changes.get(place)) put(changes.get(place));
    });
    proposals.forEach((entry, own) => {
      const place = own + boxed.length;
      if (!changes.has(place)) left.push(entry);
      else if (changes.get(place)) put(accepted(changes.get(place)));
    });
    this.set({ boxes, proposals: left }, chosen);
  }

  add(box) {
    if (!this.canDraw) return;
    const boxes = [...this.photo.boxed, { box, label: this.label, fields: {} }];
    this.set({ boxes, proposals: this.photo.proposals }, [boxes.length - 1]);
  }

  /** Draw the one box of a photo: in place of what is proposed, and of the box that is there. */
  redraw(box) {
    if (!this.canDraw) return;
    const { boxed: [before = { label: this.label, fields: {} }], proposals } = this.photo;
    this.set({ boxes: [{ ...before, box }], proposals: [] }, [0]);
    if (proposals.length) this.photo.dismissed = proposals;
  }

  /** Dismiss what is proposed, or propose it again; false where there is nothing to. */
  toggleProposals() {
    const { boxed, proposals, dismissed = [], empty } = this.photo;
    if (!proposals.length && !dismissed.length) return false;
    if (proposals.length) this.photo.dismissed = proposals;
    this.set({ boxes: boxed, proposals: proposals.length ? [] : dismissed, empty });
    return true;
  }

  addInTheMiddle() {
    if (!this.canDraw) return;
    const { width, height } = this.photo;
    this.add([width / 4, height / 4, width * 0.75, height * 0.75].map(Math.round));
  }

  change(places, boxes) {
    if (!places.length || !boxes.every(isBox)) return;
    const { marks } = this;
    this.replace(new Map(places.map((place, own) => [place, { ...marks[place], box: boxes[own] }])));
  }

  /** Move what is chosen, or (`sized`) its lower right corner; false where nothing is. */
  nudge(across, down, sized) {
    const boxes = this.chosen.map((place) => this.marks[place].box);
    if (!boxes.length) return false;
    const change = sized ? boxes.map((box) => resized(box, "se", across, down, this.photo))
      : movedTogether(boxes, across, down, this.photo);
    return this.change(this.chosen, change);
  }

  remove() {
    if (this.chosen.length) this.replace(new Map(this.chosen.map((place) => [place, null])));
  }

  accept(places) {
    const { marks } = this;
    const proposed = places.filter((place) => this.isProposed(place));
    if (!proposed.length) return false;
    return this.replace(new Map(proposed.map((place) => [place, marks[place]])));
  }

  acceptAll() {
    this.accept(this.marks.map((_, place) => place));
  }

  /** Give a label to what is chosen, and to the next box; to nothing chosen twice: to none. */
  give(text) {
    const { own } = this;
    if (!own.length) {
      this.label = text === this.label ? "" : text;
      return this.draw();
    }
    this.label = text;
    learnLabels([text]);
    if (own.every((place) => this.photo.boxed[place].label === text)) return this.draw();
    const { chosen } = this;
    const boxes = this.photo.boxed.map((entry, place) => (own.includes(place) ? { ...entry, label: text } : entry));
    this.set({ boxes, proposals: this.photo.proposals }, chosen);
  }

  copyLast() {
    if (!this.canDraw) return;
    const { width, height, boxed, proposals } = this.photo;
    const inside = ([x0, y0, x1, y1]) =>
      [Math.min(x0, width), Math.min(y0, height), Math.min(x1, width), Math.min(y1, height)];
    const copied = this.lastBoxes.map(({ box, label }) => ({ box: inside(box), label, fields: {} }))
      .filter(({ box }) => isBox(box));
    const boxes = [...boxed, ...copied];
    if (copied.length) this.set({ boxes, proposals }, copied.map((_, own) => boxed.length + own));
  }

  /** Say that there is no object here, or take it back; false where there are boxes. */
  toggleEmpty() {
    if (!this.canDraw || this.photo.boxed.length) return false;
    const { proposals, empty, dismissed } = this.photo;
    if (proposals.length) this.photo.dismissed = proposals;
    this.set({ boxes: [], proposals: empty ? dismissed ?? [] : [], empty: !empty });
    return true;
  }

  choose(place, more = false) {
    if (place == null) this.chosen = more ? this.chosen : [];
    else if (!more) this.chosen = [place];
    else if (this.chosen.includes(place)) this.chosen = this.chosen.filter((other) => other !== place);
    else this.chosen = [...this.chosen, place].sort((a, b) => a - b);
    this.draw();
  }

  chooseAll() {
    this.chosen = this.photo ? this.marks.map((_, place) => place) : [];
    this.draw();
  }

  cycle(by) {
    const all = this.photo ? this.marks.length : 0;
    const here = this.chosen.at(-1);
    if (all) this.choose(here == null ? (by > 0 ? 0 : all - 1) : (here + by + all) % all);
  }
}
