// A photo of the sheet: its picture with its boxes. A drag draws, a click dismisses, a double click opens it.

import { named } from "./cards.js";
import { make, numberOf, shape } from "./dom.js";
import { between, isBox } from "./geometry.js";
import { mark } from "./marks.js";
import { pictureAt } from "./session.js";

const LEAST = 4; // screen pixels: a shorter drag is a click
const SMALL = 1.25; // times smaller than on the stage are labels and handles
const THUMB = 320; // pixels of the long side of a thumbnail

export class Tile {
  #drag = null; // {from, start, box, more}: where it began on the screen and in the photo, and what it draws
  #wasDragged = false; // the click that ends a drag is none
  #told = make("small", {});
  #marks = shape("g", {});
  #theirs = []; // boxes that others drew meanwhile

  /** `act`: drawn(tile, box, more), clicked(tile, count), opened(tile), empty(tile). */
  constructor(editing, act) {
    Object.assign(this, { editing, act });
    const { photo } = editing;
    this.button = make("button", { type: "button", class: "photo", "data-leaves-enter": true });
    this.button.append(photo.unreadable ? make("span", { class: "missing" }, "cannot be shown") : this.#picture(photo));
    this.none = this.#small("None", "No object in", "There is no object in this photo (e)", () => act.empty(this));
    this.element = make("li", { "data-place": photo.place }, this.button,
      make("p", { class: "caption" }, named(photo.name), this.#told, this.none,
        this.#small("Open", "Open", "Open it alone (o)", () => act.opened(this))));
  }

  /** A button below the photo; after a click the keys are the photo's again. */
  #small(text, does, title, act) {
    const onclick = ({ detail }) => {
      if (detail) this.button.focus();
      act();
    };
    return make("button", { type: "button", tabindex: -1, title, "aria-label": `${does} ${this.editing.photo.name}`, onclick }, text);
  }

  #picture({ place, width, height }) {
    const image = shape("image", { width, height, href: pictureAt(`/pictures/${place}`, { size: "thumb" }) });
    image.addEventListener("error", () => this.#broken());
    this.svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    this.svg.append(image, this.#marks);
    for (const kind of ["down", "move", "up", "cancel"])
      this.button.addEventListener(`pointer${kind}`, (event) => this.#pointer(kind, event));
    this.button.addEventListener("click", (event) => this.#click(event));
    this.button.addEventListener("dblclick", () => this.#wasDragged || this.act.opened(this));
    this.image = image;
    return this.svg;
  }

  #broken() {
    this.editing.photo.unreadable = "its picture did not come";
    this.button.replaceChildren(make("span", { class: "missing" }, "cannot be shown"));
    this.redraw();
  }

  get photo() {
    return this.editing.photo;
  }

  /** Whether its proposals are as they came: nobody drew, dismissed or decided anything here. */
  get isUntouched() {
    const { boxed, proposals, empty } = this.photo;
    return !boxed.length && !empty && proposals.length > 0;
  }

  get isBusy() {
    return this.#drag !== null;
  }

  /** Give up what is being drawn; tells whether there was something. */
  cancel() {
    const had = this.isBusy;
    this.#drag = null;
    if (had) this.redraw();
    return had;
  }

  redraw() {
    this.draw(this.#theirs);
  }

  /** Draw the boxes; `theirs` are what others made of the photo meanwhile. */
  draw(theirs = []) {
    this.#theirs = theirs;
    this.#tell();
    const scale = this.svg?.getScreenCTM()?.a;
    if (!scale || this.photo.unreadable) return;
    const { photo: { place, width, height }, editing: { marks, chosen } } = this;
    if (Math.max(width, height) * scale * devicePixelRatio > THUMB * 1.25 && !this.sharp) {
      this.sharp = true;
      this.image.setAttribute("href", pictureAt(`/pictures/${place}`, { size: "view" }));
    }
    const entries = this.#drag?.box ? [...(this.#drag.more ? marks : []), { box: this.#drag.box, label: "", kind: "own" }]
      : [...marks, ...theirs.map((entry) => ({ ...entry, kind: "theirs" }))];
    this.#marks.replaceChildren(...entries.flatMap((entry, own) => {
      const isChosen = chosen.includes(own) && !this.#drag;
      return mark(entry, scale * SMALL, { chosen: isChosen, handles: isChosen && chosen.length === 1 });
    }));
  }

  #tell() {
    const [kind, told, words] = stateOf(this.photo);
    this.element.className = kind;
    this.#told.textContent = told;
    this.none.setAttribute("aria-pressed", String(kind === "empty"));
    this.none.disabled = !this.editing.canDraw || this.photo.boxed.length > 0;
    this.button.setAttribute("aria-label", `${this.photo.name}, ${words}`);
  }

  #pointer(kind, event) {
    if (kind === "down") {
      this.#wasDragged = false;
      if (event.button !== 0 || !event.isPrimary) return;
      this.button.setPointerCapture(event.pointerId);
      this.button.focus();
      this.#drag = { from: [event.clientX, event.clientY], start: this.#point(event), box: null,
        more: event.shiftKey || event.ctrlKey || event.metaKey };
    } else if (this.#drag && event.isPrimary) {
      if (kind === "move") this.#move(event);
      else this.#end(kind === "cancel");
    }
  }

  #move(event) {
    const { from, start, box } = this.#drag;
    const far = Math.max(Math.abs(event.clientX - from[0]), Math.abs(event.clientY - from[1]));
    if (far < LEAST && !box) return;
    this.#drag.box = between(start, this.#point(event), this.photo);
    this.redraw();
  }

  #end(cancelled) {
    const { box, more } = this.#drag;
    this.#drag = null;
    this.#wasDragged = box !== null;
    if (!cancelled && box && isBox(box)) this.act.drawn(this, box, more);
    else this.redraw();
  }

  #click(event) {
    if (!this.#wasDragged) this.act.clicked(this, event.detail);
  }

  #point(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return [at.x, at.y];
  }
}

/** What became of a photo: the class of its tile, a short mark, and words. */
function stateOf({ unreadable, boxed, proposals, dismissed, empty }) {
  if (unreadable) return ["unreadable", "", "cannot be shown"];
  if (boxed.length) return ["boxed", boxed.length === 1 ? "✓" : `✓ ${boxed.length}`, numberOf(boxed.length, "box", "boxes")];
  if (empty) return ["empty", "", "no object"];
  const sure = `${Math.round(100 * Math.max(0, ...proposals.map(({ score }) => score)))} %`;
  if (proposals.length) return ["proposed", sure, `proposed, ${sure}`];
  return dismissed?.length ? ["dismissed", "✕", "proposal dismissed"] : ["", "", "no box"];
}
