// The photo with its boxes: drawing, moving, resizing, zoom and pan. It changes nothing by itself:
// what a person does is told to `act`.

import { areaOf, between, contains, handleAt, handlePoint, HANDLES, isBox, moved, resized } from "./geometry.js";
import { pictureAt } from "./session.js";

const SVG = "http://www.w3.org/2000/svg";
const REACH = { mouse: 8, pen: 12, touch: 18 }; // screen pixels around a handle
const LEAST = 4; // screen pixels: a shorter drag is a click

function shape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

export class Stage {
  #pointers = new Map();
  #drag = null;
  #view = { scale: 1, x: 0, y: 0 };
  #fitted = true;
  photo = null;
  boxes = [];
  chosen = null;

  constructor(element, act) {
    this.element = element;
    this.act = act;
    this.space = false;
    this.#image = shape("image", { preserveAspectRatio: "none" });
    this.#marks = shape("g", { class: "marks" });
    this.#world = shape("g", {});
    this.#world.append(this.#image, this.#marks);
    element.append(this.#world);
    for (const kind of ["down", "move", "up", "cancel"])
      element.addEventListener(`pointer${kind}`, (event) => this.#pointer(kind, event));
    element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    new ResizeObserver(() => (this.#fitted ? this.fit() : this.#draw())).observe(element);
  }

  #image;
  #marks;
  #world;

  open(photo) {
    this.photo = photo;
    this.#image.setAttribute("href", pictureAt(`/pictures/${photo.place}`, { size: "view" }));
    this.#image.setAttribute("width", photo.width);
    this.#image.setAttribute("height", photo.height);
    this.sharp = false;
    this.fit();
  }

  /** Show boxes: `[{box, label, proposed}]`, and which of them is chosen. */
  show(boxes, chosen) {
    this.boxes = boxes;
    this.chosen = chosen;
    this.#draw();
  }

  fit() {
    if (!this.photo) return;
    const { width, height } = this.element.getBoundingClientRect();
    const scale = Math.min((width - 24) / this.photo.width, (height - 24) / this.photo.height);
    this.#fitted = true;
    this.#view = { scale: Math.max(scale, 0.01), x: (width - this.photo.width * scale) / 2,
      y: (height - this.photo.height * scale) / 2 };
    this.#draw();
  }

  zoom(factor, at = null) {
    const { width, height } = this.element.getBoundingClientRect();
    const [x, y] = at ?? [width / 2, height / 2];
    const view = this.#view;
    const scale = Math.min(40, Math.max(0.02, view.scale * factor));
    const grown = scale / view.scale;
    this.#view = { scale, x: x - (x - view.x) * grown, y: y - (y - view.y) * grown };
    this.#fitted = false;
    this.#draw();
  }

  /** Where a point of the photo is on the screen. */
  screen([x, y]) {
    const frame = this.element.getBoundingClientRect();
    const view = this.#view;
    return [frame.left + view.x + x * view.scale, frame.top + view.y + y * view.scale];
  }

  #local(event) {
    const frame = this.element.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  }

  #at(event) {
    const [x, y] = this.#local(event);
    return [(x - this.#view.x) / this.#view.scale, (y - this.#view.y) / this.#view.scale];
  }

  #pointer(kind, event) {
    if (!this.photo) return;
    if (kind === "down") {
      this.element.setPointerCapture(event.pointerId);
      this.#pointers.set(event.pointerId, this.#local(event));
      if (this.#pointers.size === 2) this.#drag = { kind: "pinch", from: this.#pinch() };
      else if (this.#pointers.size === 1) this.#start(event);
    } else if (this.#pointers.has(event.pointerId)) {
      this.#pointers.set(event.pointerId, this.#local(event));
      if (kind === "move") this.#move(event);
      else this.#end(event, kind === "cancel");
    }
  }

  #start(event) {
    const at = this.#at(event);
    const panning = event.button === 1 || this.space;
    this.element.classList.toggle("panning", panning);
    if (panning) this.#drag = { kind: "pan", last: this.#local(event) };
    else if (event.button === 0) this.#drag = { ...this.#grip(at, event), at, start: this.#local(event), box: null };
  }

  /** What a drag from a point does: resize or move the chosen box, or draw another. */
  #grip(at, event) {
    const chosen = this.boxes[this.chosen]?.box;
    if (chosen && !event.shiftKey) {
      const handle = handleAt(chosen, at, (REACH[event.pointerType] ?? 8) / this.#view.scale);
      if (handle) return { kind: "resize", handle, before: chosen };
      if (contains(chosen, at)) return { kind: "move", before: chosen };
    }
    return { kind: "draw" };
  }

  #move(event) {
    const drag = this.#drag;
    if (!drag) return;
    const here = this.#local(event);
    if (drag.kind === "pinch") return this.#pinched(drag);
    if (drag.kind === "pan") {
      this.#view.x += here[0] - drag.last[0];
      this.#view.y += here[1] - drag.last[1];
      this.#fitted = false;
      drag.last = here;
      return this.#draw();
    }
    const far = Math.max(Math.abs(here[0] - drag.start[0]), Math.abs(here[1] - drag.start[1]));
    if (far < LEAST && !drag.box) return;
    const at = this.#at(event);
    const [dx, dy] = [at[0] - drag.at[0], at[1] - drag.at[1]];
    if (drag.kind === "draw") drag.box = between(drag.at, at, this.photo);
    else if (drag.kind === "move") drag.box = moved(drag.before, dx, dy, this.photo);
    else drag.box = resized(drag.before, drag.handle, dx, dy, this.photo);
    this.#draw();
  }

  #end(event, cancelled) {
    this.#pointers.delete(event.pointerId);
    const drag = this.#drag;
    this.#drag = null;
    this.element.classList.remove("panning");
    if (!drag || cancelled || ["pan", "pinch"].includes(drag.kind)) return this.#draw();
    if (!drag.box) this.act.choose(this.#under(drag.at));
    else if (!isBox(drag.box)) this.#draw();
    else if (drag.kind === "draw") this.act.add(drag.box);
    else this.act.change(this.chosen, drag.box);
  }

  /** The smallest box under a point; clicked again, the next larger one. */
  #under(at) {
    const hit = this.boxes.map((entry, place) => ({ place, box: entry.box }))
      .filter((entry) => contains(entry.box, at))
      .sort((a, b) => areaOf(a.box) - areaOf(b.box));
    const current = hit.findIndex((entry) => entry.place === this.chosen);
    return hit.length ? hit[(current + 1) % hit.length].place : null;
  }

  #pinch() {
    const [a, b] = [...this.#pointers.values()];
    return { centre: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], apart: Math.hypot(a[0] - b[0], a[1] - b[1]) };
  }

  #pinched(drag) {
    if (this.#pointers.size < 2) return;
    const now = this.#pinch();
    this.#view.x += now.centre[0] - drag.from.centre[0];
    this.#view.y += now.centre[1] - drag.from.centre[1];
    this.zoom(now.apart / Math.max(1, drag.from.apart), now.centre);
    drag.from = now;
  }

  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0016)), this.#local(event));
  }

  #draw() {
    if (!this.photo) return;
    const { scale, x, y } = this.#view;
    this.#world.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    if (!this.sharp && scale * Math.max(this.photo.width, this.photo.height) > 2000) {
      this.sharp = true;
      if (Math.max(this.photo.width, this.photo.height) > 1600)
        this.#image.setAttribute("href", pictureAt(`/pictures/${this.photo.place}`, { size: "full" }));
    }
    const drag = this.#drag?.box ? this.#drag : null;
    const marks = this.boxes.flatMap((entry, place) => {
      const own = drag && drag.kind !== "draw" && place === this.chosen ? drag.box : entry.box;
      return this.#mark({ ...entry, box: own }, place === this.chosen);
    });
    if (drag?.kind === "draw") marks.push(...this.#mark({ box: drag.box, label: "" }, true));
    this.#marks.replaceChildren(...marks);
  }

  #mark({ box: [x0, y0, x1, y1], label, proposed }, chosen) {
    const sides = { x: x0, y: y0, width: Math.max(0, x1 - x0), height: Math.max(0, y1 - y0) };
    const kind = `box${chosen ? " chosen" : ""}${proposed ? " proposed" : ""}`;
    const parts = [shape("rect", { ...sides, class: "box under" }), shape("rect", { ...sides, class: kind })];
    const size = 13 / this.#view.scale;
    if (label) {
      const tag = shape("text", { x: x0 + size * 0.4, y: y0 + size * 1.25, "font-size": size, class: "tag" });
      tag.textContent = label;
      parts.push(tag);
    }
    if (chosen) parts.push(...HANDLES.map((handle) => this.#handle([x0, y0, x1, y1], handle)));
    return parts;
  }

  #handle(box, handle) {
    const half = 4.5 / this.#view.scale;
    const [x, y] = handlePoint(box, handle);
    return shape("rect", { x: x - half, y: y - half, width: 2 * half, height: 2 * half, class: "handle" });
  }
}
