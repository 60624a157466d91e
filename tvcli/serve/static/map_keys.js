// A map by keys: from photo to photo, zoom, choose, and a rectangle that arrows draw.

import { say } from "./dom.js";
import { corners } from "./map_gestures.js";

const STEP = 20; // screen pixels that a corner of the rectangle moves; with Shift four times that
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export const MAP_KEYS = [
  [["m"], "map, or grid"],
  [["+", "-", "0"], "on the map: zoom in, zoom out, show all"],
  [["l"], "on the map: a drag draws a lasso, or moves the map"],
  [["b"], "on the map: begin a rectangle; arrows, Shift+arrows, Enter chooses"],
];

export class MapKeys {
  #rectangle = null; // its first corner and the one that moves, on the screen

  constructor(map) {
    this.map = map;
    map.canvas.addEventListener("keydown", (event) => this.#key(event));
    map.canvas.addEventListener("focus", () => map.points && (map.focus >= 0 ? map.focusOn(map.focus) : this.#begin()));
    map.canvas.addEventListener("blur", () => {
      this.#end();
      map.blurred();
    });
  }

  #key(event) {
    if (!this.map.points || event.altKey) return;
    const arrow = ARROWS[event.key];
    const does = arrow ? () => this.#arrow(arrow, event) : this.#actions(event)[event.key];
    if (!does || ((event.ctrlKey || event.metaKey) && !arrow)) return;
    event.preventDefault();
    event.stopPropagation();
    does();
  }

  #actions() {
    const { map } = this;
    if (this.#rectangle) return { Enter: () => this.#choose(), Escape: () => this.#end(), b: () => this.#end() };
    const look = () => map.focus >= 0 && map.look(map.points.rowOf(map.focus));
    return { "+": () => map.zoom(1.5), "=": () => map.zoom(1.5), "-": () => map.zoom(1 / 1.5), 0: () => map.fit(),
      Enter: look, " ": look, x: () => map.focus >= 0 && map.toggle(map.focus), l: () => map.lasso(), b: () => this.#start() };
  }

  /** The photo nearest to the middle is where the keys begin. */
  #begin() {
    const { width, height } = this.map.size;
    const point = this.map.points.nearest(...this.map.view.photoPoint([width / 2, height / 2]));
    if (point >= 0 && this.map.focus < 0) this.map.focusOn(point);
  }

  #arrow([across, down], { shiftKey, ctrlKey, metaKey }) {
    const { map } = this;
    if (this.#rectangle) {
      const step = shiftKey ? 4 * STEP : STEP;
      const { width, height } = map.size;
      const [x, y] = this.#rectangle.to;
      this.#rectangle.to = [Math.min(width, Math.max(0, x + across * step)), Math.min(height, Math.max(0, y + down * step))];
      return map.drawShape(corners(this.#rectangle.from, this.#rectangle.to));
    }
    if (ctrlKey || metaKey) {
      map.view.pan(-across * 4 * STEP, -down * 4 * STEP);
      return map.redraw();
    }
    if (map.focus < 0) return this.#begin();
    const from = map.focus;
    map.focusOn(map.points.toward(from, across, down));
    if (shiftKey) map.choose([from, map.focus], { adding: true });
    return undefined;
  }

  #start() {
    if (this.map.focus < 0) return;
    const at = this.map.screen(this.map.focus);
    this.#rectangle = { from: [at[0] - STEP, at[1] - STEP], to: [at[0] + STEP, at[1] + STEP] };
    this.map.drawShape(corners(this.#rectangle.from, this.#rectangle.to));
    say("Arrows move the corner, Enter chooses what lies in the rectangle, Escape leaves it");
  }

  #choose() {
    const { from, to } = this.#rectangle;
    this.#end();
    this.map.drawShape(corners(from, to), { done: true });
  }

  #end() {
    if (!this.#rectangle) return;
    this.#rectangle = null;
    this.map.drawShape(null);
  }
}
