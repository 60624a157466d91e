// A region chosen on a photo: by dragging, or with the arrow keys.

import { outline } from "./cards.js";

const STEP = 0.02;
const LEAST = 8; // screen pixels: a shorter drag is a click

export class Region {
  constructor(stage, photo, onchosen) {
    Object.assign(this, { stage, photo, onchosen, box: null, touch: false });
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    stage.addEventListener("pointerup", (event) => this.#up(event));
    stage.addEventListener("pointercancel", () => this.#cancel());
    stage.addEventListener("keydown", (event) => this.#key(event));
  }

  show(box, kind = "chosen") {
    this.stage.querySelector(`.outline.${kind}`)?.remove();
    if (box) this.stage.append(outline(box, this.photo, kind));
    if (kind === "chosen") this.box = box;
  }

  #at(event) {
    const frame = this.stage.getBoundingClientRect();
    const part = (value, start, length) => Math.min(1, Math.max(0, (value - start) / length));
    return [part(event.clientX, frame.left, frame.width) * this.photo.width,
      part(event.clientY, frame.top, frame.height) * this.photo.height];
  }

  #down(event) {
    if (event.button || (event.pointerType === "touch" && !this.touch)) return;
    this.stage.setPointerCapture(event.pointerId);
    this.start = { at: this.#at(event), x: event.clientX, y: event.clientY, box: this.box };
  }

  #move(event) {
    if (!this.start) return;
    const far = Math.min(Math.abs(event.clientX - this.start.x), Math.abs(event.clientY - this.start.y));
    if (far >= LEAST) this.show(ordered(this.start.at, this.#at(event)));
  }

  #up(event) {
    if (!this.start) return;
    const before = this.start.box;
    this.start = null;
    if (this.box && this.box !== before) this.onchosen(this.box);
  }

  #cancel() {
    if (this.start) this.show(this.start.box);
    this.start = null;
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { width, height } = this.photo;
    if (event.key === "Enter") {
      if (this.box) this.onchosen(this.box);
      else this.show([width / 4, height / 4, width * 0.75, height * 0.75].map(Math.round));
    } else if (event.key === "Escape" && this.box) this.show(null);
    else if (event.key.startsWith("Arrow") && this.box) this.show(this.#moved(event));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #moved(event) {
    const across = { ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0;
    const down = { ArrowUp: -1, ArrowDown: 1 }[event.key] ?? 0;
    const [dx, dy] = [across * STEP * this.photo.width, down * STEP * this.photo.height];
    const [x0, y0, x1, y1] = this.box;
    const moved = event.shiftKey ? [x0, y0, x1 + dx, y1 + dy] : [x0 + dx, y0 + dy, x1 + dx, y1 + dy];
    const inside = moved[0] >= 0 && moved[1] >= 0
      && moved[2] <= this.photo.width && moved[3] <= this.photo.height;
    return inside && moved[2] - moved[0] > 4 && moved[3] - moved[1] > 4 ? moved.map(Math.round) : this.box;
  }
}

function ordered([ax, ay], [bx, by]) {
  return [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)].map(Math.round);
}
