// The photo with its boxes: drawing, choosing, moving, resizing, zoom and pan. It changes nothing by
// itself: what a person does is told to `act`.

import { pointIn, shape } from "./dom.js";
import { areaOf, between, contains, handleAt, isBox, movedTogether, resized } from "./geometry.js";
import { guides, mark } from "./marks.js";
import { pictureAt } from "./session.js";
import { View } from "./view.js";

const REACH = { mouse: 8, pen: 12, touch: 18 }; // screen pixels around a handle
const LEAST = 4; // screen pixels: a shorter drag is a click
const SHARP = 2000; // screen pixels of the long side from which the photo is shown in full
const CURSORS = { nw: "nwse-resize", se: "nwse-resize", ne: "nesw-resize", sw: "nesw-resize",
  n: "ns-resize", s: "ns-resize", e: "ew-resize", w: "ew-resize" };

export class Stage {
  #pointers = new Map();
  #drag = null;
  #view = new View();
  #hover = null; // where the mouse is, in pixels of the photo
  #image = shape("image", { preserveAspectRatio: "none" });
  #marks = shape("g", { class: "marks" });
  #lines = shape("g", { class: "guides" });
  #world = shape("g", {});
  photo = null;
  boxes = [];
  chosen = []; // places of boxes
  space = false;

  /** `act`: add(box), change(places, boxes), choose(place, more), seen(state), broken(). */
  constructor(element, act) {
    this.element = element;
    this.act = act;
    this.#world.append(this.#image, this.#lines, this.#marks);
    element.append(this.#world);
    for (const kind of ["down", "move", "up", "cancel"])
      element.addEventListener(`pointer${kind}`, (event) => this.#pointer(kind, event));
    element.addEventListener("pointerleave", () => this.#hovered(null));
    element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.#image.addEventListener("load", () => element.setAttribute("aria-busy", "false"));
    this.#image.addEventListener("error", () => this.photo && act.broken(this.photo));
    new ResizeObserver(() => (this.#view.isFitted ? this.fit() : this.#draw())).observe(element);
  }

  open(photo) {
    this.photo = photo;
    this.cancel();
    this.element.setAttribute("aria-busy", "true");
    this.#image.setAttribute("href", pictureAt(`/pictures/${photo.place}`, { size: "view" }));
    this.#image.setAttribute("width", photo.width);
    this.#image.setAttribute("height", photo.height);
    this.sharp = false;
    this.fit();
  }

  close() {
    this.photo = null;
    this.cancel();
    this.#marks.replaceChildren();
    this.#tell();
  }

  /** Show boxes `[{box, label, kind}]`, and which of them are chosen. */
  show(boxes, chosen) {
    Object.assign(this, { boxes, chosen });
    this.#draw();
  }

  get isBusy() {
    return this.#drag !== null;
  }

  /** Give up what is being dragged; tells whether there was something. */
  cancel() {
    const had = this.#drag !== null;
    this.#drag = null;
    this.#draw();
    return had;
  }

  fit() {
    if (!this.photo) return;
    this.#view.fit(this.element.getBoundingClientRect(), this.photo);
    this.#draw();
  }

  zoom(factor, at = null) {
    const { width, height } = this.element.getBoundingClientRect();
    this.#view.zoom(factor, at ?? [width / 2, height / 2]);
    this.#draw();
  }

  /** Show a pixel of the photo as a pixel of the screen; again: the whole photo. */
  zoomToPixels() {
    const one = 1 / devicePixelRatio;
    if (Math.abs(this.#view.scale / one - 1) < 0.005) this.fit();
    else this.zoom(one / this.#view.scale);
  }

  #pointer(kind, event) {
    if (!this.photo) return;
    if (kind === "down") {
      this.element.setPointerCapture(event.pointerId);
      this.#pointers.set(event.pointerId, pointIn(this.element, event));
      if (this.#pointers.size === 2) this.#drag = { kind: "pinch", from: this.#pinch() };
      else if (this.#pointers.size === 1) this.#start(event);
    } else if (this.#pointers.has(event.pointerId)) {
      this.#pointers.set(event.pointerId, pointIn(this.element, event));
      if (kind === "move") this.#move(event);
      else this.#end(event, kind === "cancel");
    }
    if (event.pointerType === "mouse") this.#hovered(event);
  }

  /** Follow the mouse: lines through it, and a cursor that says what a drag would do. */
  #hovered(event) {
    this.#hover = event && this.photo ? this.#view.photoPoint(pointIn(this.element, event)) : null;
    if (!this.#drag) {
      const grip = this.#hover ? this.#grip(this.#hover, event) : {};
      this.element.style.cursor = grip.kind === "resize" ? CURSORS[grip.handle] : grip.kind === "move" ? "move" : "";
    }
    const isIn = this.#hover && contains([0, 0, this.photo.width, this.photo.height], this.#hover);
    this.#lines.replaceChildren(...(isIn ? guides(this.#hover, this.photo) : []));
    this.#tell();
  }

  #start(event) {
    const at = this.#view.photoPoint(pointIn(this.element, event));
    const panning = event.button === 1 || this.space;
    this.element.classList.toggle("panning", panning);
    if (panning) this.#drag = { kind: "pan", last: pointIn(this.element, event) };
    else if (event.button === 0) this.#drag = { ...this.#grip(at, event), at, start: pointIn(this.element, event), boxes: null };
  }

  /** What a drag from a point does: resize or move what is chosen, or draw another box. */
  #grip(at, event) {
    const chosen = this.chosen.map((place) => this.boxes[place].box);
    if (chosen.length && !event.shiftKey && !event.ctrlKey && !event.metaKey) {
      const reach = (REACH[event.pointerType] ?? 8) / this.#view.scale;
      const handle = chosen.length === 1 ? handleAt(chosen[0], at, reach) : null;
      if (handle) return { kind: "resize", handle, before: chosen };
      if (chosen.some((box) => contains(box, at))) return { kind: "move", before: chosen };
    }
    return { kind: "draw" };
  }

  #move(event) {
    const drag = this.#drag;
    if (!drag) return;
    const here = pointIn(this.element, event);
    if (drag.kind === "pinch") return this.#pinched(drag);
    if (drag.kind === "pan") {
      this.#view.pan(here[0] - drag.last[0], here[1] - drag.last[1]);
      drag.last = here;
      return this.#draw();
    }
    const far = Math.max(Math.abs(here[0] - drag.start[0]), Math.abs(here[1] - drag.start[1]));
    if (far < LEAST && !drag.boxes) return;
    const at = this.#view.photoPoint(here);
    const [dx, dy] = [at[0] - drag.at[0], at[1] - drag.at[1]];
    if (drag.kind === "draw") drag.boxes = [between(drag.at, at, this.photo)];
    else if (drag.kind === "move") drag.boxes = movedTogether(drag.before, dx, dy, this.photo);
    else drag.boxes = [resized(drag.before[0], drag.handle, dx, dy, this.photo)];
    this.#draw();
  }

  #end(event, cancelled) {
    this.#pointers.delete(event.pointerId);
    const drag = this.#drag;
    this.#drag = null;
    this.element.classList.remove("panning");
    if (!drag || cancelled || ["pan", "pinch"].includes(drag.kind)) return this.#draw();
    const more = event.shiftKey || event.ctrlKey || event.metaKey;
    if (!drag.boxes) this.act.choose(this.#under(drag.at, more), more);
    else if (!drag.boxes.every(isBox)) this.#draw();
    else if (drag.kind === "draw") this.act.add(drag.boxes[0]);
    else this.act.change(this.chosen, drag.boxes);
  }

  /** The smallest box under a point; clicked again, the next larger one; of more, one not chosen yet. */
  #under(at, more) {
    const hit = this.boxes.map((entry, place) => ({ place, box: entry.box, kind: entry.kind }))
      .filter((entry) => entry.kind !== "theirs" && contains(entry.box, at))
      .sort((a, b) => areaOf(a.box) - areaOf(b.box));
    if (!hit.length) return null;
    if (more) return (hit.find((entry) => !this.chosen.includes(entry.place)) ?? hit[0]).place;
    const current = hit.findIndex((entry) => this.chosen.includes(entry.place));
    return hit[(current + 1) % hit.length].place;
  }

  #pinch() {
    const [a, b] = [...this.#pointers.values()];
    return { centre: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], apart: Math.hypot(a[0] - b[0], a[1] - b[1]) };
  }

  #pinched(drag) {
    if (this.#pointers.size < 2) return;
    const now = this.#pinch();
    this.#view.pan(now.centre[0] - drag.from.centre[0], now.centre[1] - drag.from.centre[1]);
    this.zoom(now.apart / Math.max(1, drag.from.apart), now.centre);
    drag.from = now;
  }

  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0016)), pointIn(this.element, event));
    this.#hovered(event);
  }

  #draw() {
    if (!this.photo) return;
    const { scale, transform } = this.#view;
    this.#world.setAttribute("transform", transform);
    const side = Math.max(this.photo.width, this.photo.height);
    if (!this.sharp && scale * side > SHARP) {
      this.sharp = true;
      if (side > 1600) this.#image.setAttribute("href", pictureAt(`/pictures/${this.photo.place}`, { size: "full" }));
    }
    const drag = this.#drag?.boxes ? this.#drag : null;
    const handles = this.chosen.length === 1;
    const marks = this.boxes.flatMap((entry, place) => {
      const own = this.chosen.indexOf(place);
      const dragged = drag && drag.kind !== "draw" && own >= 0 ? { ...entry, box: drag.boxes[own] } : entry;
      return mark(dragged, scale, { chosen: own >= 0, handles: own >= 0 && handles });
    });
    if (drag?.kind === "draw") marks.push(...mark({ box: drag.boxes[0], label: "", kind: "own" }, scale, { chosen: true }));
    this.#marks.replaceChildren(...marks);
    this.#tell();
  }

  #tell() {
    const alone = this.chosen.length === 1 ? this.boxes[this.chosen[0]]?.box : null;
    this.act.seen({ scale: this.#view.scale * devicePixelRatio, box: this.#drag?.boxes?.[0] ?? alone,
      isDragged: Boolean(this.#drag?.boxes), at: this.#hover, photo: this.photo });
  }
}
