// The map of the collection: similar photos lie close together. What it shows is in the address, as for the grid.

import { get, send } from "./api.js";
import { find, make, numberOf, say } from "./dom.js";
import { Drawing } from "./map_drawing.js";
import { Gestures } from "./map_gestures.js";
import { MapKeys } from "./map_keys.js";
import { Points } from "./map_points.js";
import { METHODS, shownBy, tableOf } from "./map_words.js";
import { offer } from "./remedies.js";
import { pictureAt } from "./session.js";
import { View } from "./view.js";

const AT_ONCE = 1000; // photos that the server is asked about at a time
const MOST = 10000; // photos that are chosen at a time
const REACH = 14; // screen pixels from a photo within which it is meant
const MARGIN = 30; // screen pixels from the edge that the focus stays away
const LEAST = 40; // units of the plane that are shown at least
const WAIT = 400; // milliseconds between questions whether a layout is made

export class CollectionMap {
  #layouts = new Map(); // by method: points, and what the server said of them
  #items = new Map(); // what is known of photos, by row
  #marks = new Map();
  #hovered = -1;
  #shape = null;
  points = null;
  focus = -1;
  view = new View();

  /** `look(row)` opens a photo, `change` takes what becomes different in the address. */
  constructor({ choice, look, change }) {
    Object.assign(this, { choice, look, change, only: null, groups: null });
    this.canvas = find("#map canvas");
    this.drawing = new Drawing(this.canvas, () => this.#scene());
    this.gestures = new Gestures(this.canvas, {
      pan: (across, down) => this.#moved(() => this.view.pan(across, down)),
      zoom: (factor, at) => this.#moved(() => this.view.zoom(factor, at)),
      hover: (at) => this.#hover(at), click: (at, event) => this.#click(at, event),
      shape: (corners, how) => this.drawShape(corners, how),
    });
    new MapKeys(this);
    find("#map-lasso").addEventListener("click", () => this.lasso());
    find("#map-fit").addEventListener("click", () => this.fit());
    find("#map-in").addEventListener("click", () => this.zoom(1.6));
    find("#map-out").addEventListener("click", () => this.zoom(1 / 1.6));
    for (const name of ["layout", "colour"])
      find(`#map-${name}`).addEventListener("change", (event) => change({ [name]: event.target.value }));
    const isNarrow = matchMedia("(max-width: 640px)"); // as in map.css, where alone the options can be folded
    const fold = () => (find("#map-options").open = !isNarrow.matches);
    isNarrow.addEventListener("change", fold);
    fold();
    new ResizeObserver(() => (this.view.isFitted ? this.fit() : this.redraw())).observe(this.canvas);
  }

  hide() {
    find("#map").hidden = true;
  }

  redraw() {
    this.drawing.soon();
  }

  /** Show a state: `rows` are those that its filters leave, null for all; `marked` lists what a search marks. */
  async show(state, { rows, marked, isCurrent }) {
    const method = state.layout ?? "pca";
    find("#map").hidden = false;
    const made = await this.#layout(method, isCurrent);
    if (!made || !isCurrent()) return;
    const isOther = this.points !== made.points;
    Object.assign(this, { points: made.points, only: null });
    this.points.leave(rows);
    this.#marks = new Map(marked.map(({ row, ...mark }) => [this.points.pointOf(row), mark]).filter(([point]) => point >= 0));
    if (isOther || !this.points.isOpen(this.focus)) [this.focus, this.#hovered] = [-1, -1];
    if (isOther || this.view.isFitted) this.fit();
    this.#controls(state, made);
    this.redraw();
  }

  /** Ask for a layout until it is made; none where something else is shown meanwhile. */
  async #layout(method, isCurrent) {
    for (;;) {
      const known = this.#layouts.get(method);
      const told = await get("/api/map", { layout: method, known: known?.layout.id ?? "" });
      if (!isCurrent()) return null;
      if (told.state === "known") return { ...known, layouts: told.layouts };
      if (told.state === "failed") throw new Error(`The map cannot be made: ${told.error}`);
      if (told.state === "ready") {
        const made = { points: new Points(told), layout: told, method, layouts: told.layouts };
        this.#layouts.set(method, made);
        this.#items.clear();
        return made;
      }
      say(`Laying out ${told.rows.toLocaleString()} photos by ${METHODS[method]}…`);
      this.#offerLayouts(method, told.layouts);
      offer([["Show the grid", () => this.change({ view: "" })]]);
      await new Promise((resolve) => setTimeout(resolve, WAIT));
    }
  }

  #controls(state, made) {
    const kind = state.colour ?? (made.layout.label.names.length ? "label" : made.layout.folder.names.length ? "folder" : "none");
    this.groups = kind === "none" ? null : made.layout[kind];
    find("#map-colour").value = kind;
    this.#offerLayouts(made.method, made.layouts);
    find("#map-axes").textContent = shownBy(made);
    this.#legend();
    find("#map-words").hidden = !this.groups;
    find("#map-table").replaceChildren(...(this.groups ? [tableOf(this.points, this.groups, kind)] : []));
  }

  #offerLayouts(method, known) {
    find("#map-layout").replaceChildren(...Object.entries(METHODS).map(([value, name]) => make("option",
      { value, disabled: !known.includes(value) }, known.includes(value) ? name : `${name} (needs tvcli[umap])`)));
    find("#map-layout").value = method;
  }

  /** The colours; one of them can be shown alone. */
  #legend() {
    const names = this.groups ? [...this.groups.names.entries()] : [];
    if (this.groups?.of.includes(-1)) names.push([-1, "others"]);
    find("#map-legend").replaceChildren(...names.map(([place, name]) => make("li", {},
      make("button", { type: "button", "aria-pressed": String(this.only === place), title: `Show only ${name}`,
        onclick: ({ currentTarget }) => {
          this.only = this.only === place ? null : place;
          for (const button of find("#map-legend").querySelectorAll("button")) button.ariaPressed = "false";
          currentTarget.ariaPressed = String(this.only === place);
          this.redraw();
        } }, make("i", { class: `swatch c${place < 0 ? "other" : place}`, "aria-hidden": true }), name))));
  }

  #scene() {
    const chosen = new Set();
    for (const { row } of this.points ? this.choice.items : []) if (this.points.pointOf(row) >= 0) chosen.add(this.points.pointOf(row));
    return { points: this.points, view: this.view, groups: this.groups, only: this.only, marks: this.#marks, chosen,
      focus: document.activeElement === this.canvas ? this.focus : this.#hovered, shape: this.#shape };
  }

  get size() {
    return this.drawing.resize();
  }

  #moved(move) {
    move();
    this.#hover(null);
    this.redraw();
  }

  zoom(factor) {
    const { width, height } = this.size;
    const at = this.focus >= 0 && document.activeElement === this.canvas ? this.screen(this.focus) : [width / 2, height / 2];
    this.#moved(() => this.view.zoom(factor, at));
  }

  /** Show all photos that the filters leave. */
  fit() {
    const points = this.points?.where(() => true) ?? [];
    if (!points.length) return;
    const [xs, ys] = [points.map((point) => this.points.x[point]), points.map((point) => this.points.y[point])];
    const least = (all) => all.reduce((a, b) => Math.min(a, b));
    const most = (all) => all.reduce((a, b) => Math.max(a, b));
    const { width, height } = this.size;
    this.view.fit({ width: width - 2 * MARGIN, height: height - 2 * MARGIN },
      { width: Math.max(most(xs) - least(xs), LEAST), height: Math.max(most(ys) - least(ys), LEAST) });
    this.view.x = (width - (most(xs) + least(xs)) * this.view.scale) / 2;
    this.view.y = (height - (most(ys) + least(ys)) * this.view.scale) / 2;
    this.#moved(() => {});
  }

  /** Where a point is on the canvas. */
  screen(point) {
    return [this.points.x[point] * this.view.scale + this.view.x, this.points.y[point] * this.view.scale + this.view.y];
  }

  #at(at) {
    return this.points?.nearest(...this.view.photoPoint(at), REACH / this.view.scale) ?? -1;
  }

  #hover(at) {
    const point = at ? this.#at(at) : -1;
    if (point === this.#hovered) return;
    this.#hovered = point;
    this.canvas.style.cursor = point >= 0 ? "pointer" : "";
    this.#tip(point);
    this.redraw();
  }

  #click(at, event) {
    const point = this.#at(at);
    this.canvas.focus();
    if (point < 0) return;
    this.focus = point;
    if (event.ctrlKey || event.metaKey) this.toggle(point);
    else this.look(this.points.rowOf(point));
    this.redraw();
  }

  /** Draw a lasso or a rectangle, and choose what lies in it once it is `done`. */
  drawShape(corners, { adding, done } = {}) {
    this.#shape = done ? null : corners;
    this.redraw();
    if (done && this.points) this.choose(this.points.within(corners.map((corner) => this.view.photoPoint(corner))), { adding });
  }

  lasso(on = !this.gestures.lassoing) {
    this.gestures.lassoing = on;
    find("#map-lasso").ariaPressed = String(on);
    this.canvas.classList.toggle("lassoing", on);
  }

  async choose(points, { adding = false } = {}) {
    const open = this.only == null || !this.groups ? points : points.filter((point) => this.groups.of[point] === this.only);
    if (!open.length) return say("No photo lies in there");
    if (open.length > MOST) return say(`${open.length.toLocaleString()} photos lie in there: at most ${MOST.toLocaleString()} are chosen at a time`, { error: true });
    try {
      say(`Choosing ${open.length.toLocaleString()} photos…`);
      const items = await this.#known(open.map((point) => this.points.rowOf(point)));
      if (!adding) this.choice.clear();
      this.choice.add(items);
      say(`${numberOf(open.length, "photo")} chosen on the map`);
    } catch (error) {
      say(error.message, { error: true });
    }
    return undefined;
  }

  async toggle(point) {
    const [item] = await this.#known([this.points.rowOf(point)]);
    if (this.choice.has(item.key)) this.choice.remove(item.key);
    else this.choice.add([item]);
    if (document.activeElement === this.canvas) this.told(point);
  }

  async #known(rows) {
    const unknown = rows.filter((row) => !this.#items.has(row));
    for (let start = 0; start < unknown.length; start += AT_ONCE) {
      const { items } = await send("POST", "/api/items", { items: unknown.slice(start, start + AT_ONCE).map((row) => `#${row}`) });
      for (const item of items) this.#items.set(item.row, item);
    }
    return rows.map((row) => this.#items.get(row));
  }

  /** Show a photo beside its place. */
  async #tip(point) {
    const tip = find("#map-tip");
    tip.hidden = true;
    if (point < 0) return;
    const row = this.points.rowOf(point);
    const [item] = await this.#known([row]).catch(() => []);
    const isFocus = document.activeElement === this.canvas && point === this.focus;
    if (!item || (point !== this.#hovered && !isFocus)) return;
    const [x, y] = this.screen(point);
    const { width, height } = this.size;
    tip.replaceChildren(make("img", { src: pictureAt(`/pictures/${row}`, { size: "thumb" }), alt: "" }),
      make("span", {}, this.#named(item, point)));
    tip.style.left = x < width / 2 ? `${x + 16}px` : "auto";
    tip.style.right = x < width / 2 ? "auto" : `${width - x + 16}px`;
    tip.style.top = y < height / 2 ? `${y + 16}px` : "auto";
    tip.style.bottom = y < height / 2 ? "auto" : `${height - y + 16}px`;
    tip.hidden = false;
  }

  #named(item, point) {
    const mark = this.#marks.get(point);
    return [item.name, item.label, mark?.rank ? `hit ${mark.rank}` : mark?.kind === "query" ? "searched with" : mark?.kind]
      .filter(Boolean).join(", ");
  }

  /** Give a point the focus: it is shown, told, and stays on the screen. */
  focusOn(point) {
    this.focus = point;
    const [x, y] = this.screen(point);
    const { width, height } = this.size;
    const off = (place, length) => Math.max(0, MARGIN - place) - Math.max(0, place - (length - MARGIN));
    this.view.pan(off(x, width), off(y, height));
    this.#tip(point);
    this.told(point);
    this.redraw();
  }

  async told(point) {
    const [item] = await this.#known([this.points.rowOf(point)]).catch(() => []);
    if (item && point === this.focus) {
      find("#map-at").textContent = `${this.#named(item, point)}${this.choice.has(item.key) ? ", chosen" : ""}`;
    }
  }

  blurred() {
    find("#map-tip").hidden = true;
    find("#map-at").textContent = "";
    this.redraw();
  }
}
