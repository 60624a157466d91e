// The sheet: the photos that were not looked at, a page at a time, to be accepted, drawn or dismissed together.

import { get } from "./api.js";
import { find, make, say } from "./dom.js";
import { Editing } from "./editing.js";
import { learnLabels } from "./labels.js";
import { openedPhoto } from "./opened.js";
import { drawLabelling } from "./panel.js";
import { offer } from "./remedies.js";
import { Tile } from "./tile.js";
import { columnsFor, tilesFitting } from "./tile_grid.js";

const FIRST = 4; // photos of a page while nothing is known to learn from: what they teach helps with the others (docs/notes/location.md)

export class Sheet {
  #tiles = []; // of the page shown; null where a photo is still loading
  #pages = []; // of places: those that were shown, so that one can go back
  #at = -1;
  #grid = find("#tiles");
  #showing = null; // what tells a page that is being shown from one before
  #decided = null; // the tile that the last click changed
  learns = false; // whether what is drawn changes what is proposed
  done = 0; // photos that were looked at

  /** `filters()` are those of the list, `open(place)` shows one photo alone. */
  constructor({ editing, saver, filters, open }) {
    Object.assign(this, { editing, saver, filters, open });
    new ResizeObserver(() => this.isOpen && this.#arrange()).observe(this.#grid);
    this.#grid.addEventListener("focusin", () => this.#focused());
  }

  get isOpen() {
    return !find("#sheet").hidden;
  }

  get isBusy() {
    return this.#tiles.some((tile) => tile?.isBusy);
  }

  /** The places of the photos shown. */
  get places() {
    return this.#pages[this.#at] ?? [];
  }

  /** The place of the photo that keys act on, null where there is none. */
  get place() {
    return this.#current?.photo.place ?? null;
  }

  /** The labels of that photo's boxes, or that of the next box. */
  get labels() {
    const boxed = this.#current?.photo.boxed ?? [];
    return new Set(boxed.length ? boxed.map(({ label }) => label) : [this.editing.label]);
  }

  editingOf(place) {
    return this.#tileAt(place)?.editing;
  }

  /** Whether photos were shown together on a page. */
  has(places) {
    return this.#pageOf(places) >= 0;
  }

  #pageOf(places) {
    return this.#pages.findIndex((page) => places.every((place) => page.includes(place)));
  }

  #tileAt(place) {
    return this.#tiles.find((tile) => tile?.photo.place === place);
  }

  /** The tile that keys act on. */
  get #current() {
    return this.#tiles.find((tile) => tile?.button.tabIndex === 0) ?? null;
  }

  /** Show the page that was shown last, or the first one. */
  enter() {
    return this.#at < 0 ? this.begin() : this.#show();
  }

  /** Begin with the first photos that were not looked at. */
  async begin() {
    this.#pages = [];
    this.#at = -1;
    return this.#further(-1);
  }

  /** Show the page with these photos; where there was none, one of them alone. */
  async showPageOf(places) {
    if (!this.has(places)) this.#pages = [...this.#pages, places];
    const at = this.#pageOf(places);
    if (at === this.#at && this.#tiles.length) return;
    this.#at = at;
    await this.#show();
  }

  async forward() {
    if (this.#at + 1 < this.#pages.length) return this.#turn(1);
    return this.#further(this.places.at(-1) ?? -1);
  }

  async back() {
    if (this.#at > 0) return this.#turn(-1);
    return say("This is the first page.");
  }

  async #turn(by) {
    this.#at += by;
    return this.#show();
  }

  async #further(after) {
    const fitting = tilesFitting(this.#grid.getBoundingClientRect());
    const limit = this.learns && !this.done ? Math.min(FIRST, fitting) : fitting;
    const { order, text } = this.filters();
    const asked = { order, text, limit };
    let { photos } = await get("/api/sheet", { ...asked, after });
    const isAgain = !photos.length && after >= 0;
    if (isAgain) ({ photos } = await get("/api/sheet", { ...asked, after: -1 }));
    if (!photos.length) return void this.#none();
    this.#pages = [...this.#pages, photos.map(({ place }) => place)];
    this.#at = this.#pages.length - 1;
    await this.#show();
    if (isAgain) say(`From the start again: ${told(this.#tiles, this)}`);
  }

  #none() {
    const { text } = this.filters();
    say(text ? `No photo with “${text}” in its name is left to look at.` : "All photos that can be shown were looked at.");
    if (this.#at < 0) this.#fill([]);
    offer([["One photo at a time", () => this.open(null)]]);
  }

  #fill(tiles) {
    this.#tiles = tiles;
    this.#grid.replaceChildren(...tiles.map((tile) => tile?.element ?? make("li", { class: "loading" })));
    this.#arrange();
  }

  async #show() {
    const { places } = this;
    const mine = (this.#showing = {});
    offer([]);
    say("Loading the photos…");
    const takesFocus = document.activeElement === document.body || this.#grid.contains(document.activeElement);
    this.#fill(places.map(() => null));
    this.#grid.setAttribute("aria-busy", "true");
    await Promise.all(places.map(async (place, own) => {
      const photo = await openedPhoto(place, { saver: this.saver, past: this.editing.history });
      if (this.#showing !== mine) return; // another page, or this one anew, is shown by now
      const tile = this.#tileOf(photo);
      this.#grid.children[own].replaceWith(tile.element);
      this.#tiles[own] = tile;
      this.#drawn(tile);
    }));
    if (this.#showing !== mine) return;
    this.#grid.setAttribute("aria-busy", "false");
    if (takesFocus && document.activeElement === document.body) this.focus();
    this.#focused();
    this.draw();
    say(told(this.#tiles, this));
    this.#prepare();
  }

  /** Have the server look at the next photos, so that their page comes at once. */
  #prepare() {
    const { order, text } = this.filters();
    get("/api/sheet", { order, text, limit: this.places.length, after: this.places.at(-1) }).catch(() => {});
  }

  #tileOf(photo) {
    const { shared, save } = this.editing;
    const editing = new Editing(save, () => this.#drawn(tile), shared);
    const takesLabel = photo.proposals.every(({ label, named }) => !label || (this.learns && !named));
    editing.show(photo);
    const tile = new Tile(editing, this);
    return Object.assign(tile, { takesLabel });
  }

  /** Show the photos as they are now, after the server read the file again. */
  async refresh() {
    if (!this.isBusy) await this.#show();
  }

  // What is done in a tile.

  drawn(tile, box, more) {
    const { editing, photo } = tile;
    if (more) this.editing.history.together(() => (editing.acceptAll(), editing.add(box)));
    else if (photo.boxed.length > 1) say(`This photo has ${photo.boxed.length} boxes: with Shift a drag draws one more.`, { error: true });
    else editing.redraw(box);
    editing.choose(null);
  }

  /** A click dismisses or proposes again; the second of a double click takes the first one back. */
  clicked(tile, count) {
    if (count <= 1) this.#decided = this.#decide(tile) ? tile : null;
    else if (count === 2 && this.#decided === tile) this.restore(this.editing.history.undo());
  }

  #decide({ editing, photo }) {
    if (photo.empty) return editing.toggleEmpty();
    return !photo.boxed.length && editing.canDraw && editing.toggleProposals();
  }

  empty(tile = this.#current) {
    if (tile && !tile.editing.toggleEmpty()) say(tile.editing.canDraw ? "There is a box: delete it first." : "", { error: true });
  }

  opened(tile) {
    this.open(tile.photo.place);
  }

  openAlone() {
    if (this.#current) this.opened(this.#current);
  }

  remove(tile = this.#current) {
    if (!tile) return;
    const { editing, photo } = tile;
    if (!photo.boxed.length) return void (editing.canDraw && photo.proposals.length && editing.toggleProposals());
    if (!editing.own.length) editing.chosen = photo.boxed.map((_, place) => place);
    editing.remove();
  }

  /** Take hold of the box with the keyboard: the one that is there, or proposed, or a new one. */
  draws(tile = this.#current) {
    if (!tile?.editing.canDraw) return;
    const { editing } = tile;
    if (!editing.marks.length) editing.addInTheMiddle();
    else editing.cycle(1);
    say("Arrows move the box, with Ctrl they resize it; Escape ends it.");
  }

  escape() {
    const dragged = this.#tiles.find((tile) => tile?.isBusy);
    if (dragged) return void dragged.cancel();
    return this.#letGo();
  }

  /** Let go of a box that the keyboard holds; false where it holds none. */
  #letGo() {
    const holding = this.#tiles.find((tile) => tile?.editing.chosen.length);
    if (!holding) return false;
    holding.editing.choose(null);
    say(told(this.#tiles, this));
    return undefined;
  }

  give(text) {
    const tile = this.#current;
    learnLabels([text]);
    if (!tile?.photo.boxed.length) this.editing.give(text);
    else {
      const { chosen } = tile.editing;
      if (!tile.editing.own.length) tile.editing.chosen = tile.photo.boxed.map((_, place) => place);
      tile.editing.give(text);
      tile.editing.chosen = chosen;
    }
    this.draw();
  }

  label() {
    find("#label").select();
  }

  // Accepting a page.

  async accept() {
    if (this.isBusy || this.#letGo() !== false) return;
    if (this.#tiles.includes(null)) return void say("The photos are still loading: wait a moment.");
    const untouched = this.#tiles.filter((tile) => tile.isUntouched && tile.editing.canDraw);
    this.editing.history.together(() => untouched.forEach(({ editing }) => (editing.acceptAll(), editing.choose(null))));
    if (await this.saver.settled()) await this.forward(); // else it is said above what keeps it from being saved
  }

  /** Make of photos that are shown what history says. */
  restore(changes) {
    for (const [place, content] of changes) this.editingOf(place)?.restore(content);
  }

  // Moving among the tiles.

  arrow(across, down, event) {
    const tile = this.#current;
    const far = event.shiftKey ? 10 : 1;
    if (tile?.editing.chosen.length) return tile.editing.nudge(across * far, down * far, event.ctrlKey || event.metaKey);
    if (event.shiftKey || event.ctrlKey || event.metaKey) return false;
    return this.step(across, down);
  }

  step(across, down) {
    const here = this.#tiles.indexOf(this.#current);
    const to = here + across + down * this.columns;
    this.#tiles[Math.min(this.#tiles.length - 1, Math.max(0, to))]?.button.focus();
  }

  focus() {
    (this.#current ?? this.#tiles[0])?.button.focus();
  }

  #focused() {
    const focused = this.#tiles.find((tile) => tile?.element.contains(document.activeElement));
    const stop = focused ?? this.#current ?? this.#tiles[0];
    for (const tile of this.#tiles) if (tile) tile.button.tabIndex = tile === stop ? 0 : -1;
    for (const tile of this.#tiles) if (tile !== stop && tile?.editing.chosen.length) tile.editing.choose(null);
    this.#labelling();
  }

  // Drawing.

  #arrange() {
    this.columns = columnsFor(this.#tiles.length, this.#grid.getBoundingClientRect());
    this.#grid.style.setProperty("--columns", this.columns);
    for (const tile of this.#tiles) tile?.redraw();
  }

  draw() {
    for (const tile of this.#tiles) if (tile) this.#drawn(tile);
  }

  #drawn(tile) {
    const { photo, takesLabel } = tile;
    if (takesLabel && this.editing.label) photo.proposals = photo.proposals.map((entry) => ({ ...entry, label: this.editing.label }));
    tile.draw(this.saver.conflicts.get(photo.place)?.boxed);
    const untouched = this.#tiles.filter((other) => other?.isUntouched).length;
    find("#accept").textContent = untouched ? `Accept ${untouched} and go on` : "Go on";
    for (const what of ["undo", "redo"]) find(`#sheet [data-do=${what}]`).disabled = !this.editing.history.placesOf(what).length;
    find("#sheet [data-do=before]").disabled = this.#at < 1;
    this.#labelling();
  }

  #labelling() {
    drawLabelling(this.labels, (text) => this.give(text));
  }
}

function told(tiles, { learns, done }) {
  const proposed = tiles.filter((tile) => tile?.isUntouched).length;
  if (proposed) return "Click a proposal that is wrong, or draw the box instead; then accept the others.";
  if (learns && !done) return "Draw a box in each of these photos: it is what proposals are learned from.";
  return "Drag in each photo to draw its box.";
}
