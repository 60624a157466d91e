// Moving over a map by mouse, touch and pen: pan, zoom, pinch, lasso, rectangle, click.

import { pointIn } from "./dom.js";

const LEAST = 5; // screen pixels: a shorter drag is a click

export class Gestures {
  #pointers = new Map();
  #drag = null;
  lassoing = false; // a drag draws a lasso rather than moves the map

  /** `on` is told: pan(dx, dy), zoom(factor, at), hover(at | null), click(at, event), shape(corners, {adding, done}). */
  constructor(canvas, on) {
    Object.assign(this, { canvas, on });
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", (event) => this.#cancel(event));
    canvas.addEventListener("pointerleave", () => on.hover(null));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("contextmenu", (event) => event.ctrlKey && event.preventDefault()); // Ctrl+click of a Mac
  }

  #down(event) {
    if (event.button) return;
    const at = pointIn(this.canvas, event);
    this.canvas.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, at);
    this.on.hover(null);
    if (this.#pointers.size > 1) {
      if (this.#drag?.path) this.on.shape([], {});
      this.#drag = null;
      return;
    }
    const kind = event.shiftKey ? "rectangle" : this.lassoing ? "lasso" : "pan";
    this.#drag = { kind, start: at, last: at, far: false, path: kind === "pan" ? null : [at],
      adding: event.ctrlKey || event.metaKey };
  }

  #move(event) {
    const at = pointIn(this.canvas, event);
    if (!this.#pointers.has(event.pointerId)) return this.on.hover(event.pointerType === "touch" ? null : at);
    if (this.#pointers.size > 1) this.#pinch(event.pointerId, at);
    this.#pointers.set(event.pointerId, at);
    const drag = this.#drag;
    if (!drag) return undefined;
    drag.far ||= Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) > LEAST;
    if (!drag.far) return undefined;
    if (drag.kind === "pan") this.on.pan(at[0] - drag.last[0], at[1] - drag.last[1]);
    else {
      if (drag.kind === "lasso") drag.path.push(at);
      else drag.path = corners(drag.start, at);
      this.on.shape(drag.path, { adding: drag.adding });
    }
    drag.last = at;
    return undefined;
  }

  #pinch(moved, at) {
    const [still] = [...this.#pointers].filter(([id]) => id !== moved).map(([, place]) => place);
    const was = this.#pointers.get(moved);
    const apart = (place) => Math.max(1, Math.hypot(place[0] - still[0], place[1] - still[1]));
    this.on.zoom(apart(at) / apart(was), still);
  }

  #up(event) {
    if (!this.#pointers.delete(event.pointerId)) return;
    const drag = this.#drag;
    this.#drag = null;
    if (!drag) return;
    if (!drag.far) this.on.click(pointIn(this.canvas, event), event);
    else if (drag.path) this.on.shape(drag.path, { adding: drag.adding, done: true });
  }

  #cancel(event) {
    this.#pointers.delete(event.pointerId);
    if (this.#drag?.path) this.on.shape([], {});
    this.#drag = null;
  }

  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode ? 30 : 1;
    this.on.zoom(Math.exp(-Math.max(-300, Math.min(300, event.deltaY * lines)) / 400), pointIn(this.canvas, event));
  }
}

/** The corners of a rectangle between two of them. */
export const corners = ([ax, ay], [bx, by]) => [[ax, ay], [bx, ay], [bx, by], [ax, by]];
