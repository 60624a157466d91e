// A map drawn on a canvas: dots, photos where there is room, what is marked, and the lasso.

import { pictureAt } from "./session.js";

const COLOURS = 10;
const ROOM = 300; // points on the screen, up to which photos are drawn
const KEPT = 500; // photos that are kept at most
const AT_ONCE = 6; // photos that are asked for at a time
const MARK = 9; // screen pixels: the radius of a ring

export class Drawing {
  #pictures = new Map();
  #waiting = [];
  #asked = 0;
  #due = 0;

  /** `scene()` gives what is to be drawn. */
  constructor(canvas, scene) {
    Object.assign(this, { canvas, scene, context: canvas.getContext("2d") });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.soon());
  }

  soon() {
    this.#due ||= requestAnimationFrame(() => {
      this.#due = 0;
      if (this.canvas.offsetParent) this.#draw(this.scene());
    });
  }

  /** Fit the canvas to its place on the screen; returns its size in CSS pixels. */
  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const sharp = devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * sharp)) this.canvas.width = Math.round(width * sharp);
    if (this.canvas.height !== Math.round(height * sharp)) this.canvas.height = Math.round(height * sharp);
    return { width, height };
  }

  #draw(scene) {
    const { width, height } = this.resize();
    const sharp = this.canvas.width / width;
    const style = getComputedStyle(this.canvas);
    const colour = (name) => style.getPropertyValue(name).trim();
    const palette = [...Array(COLOURS).keys()].map((place) => colour(`--c${place}`));
    this.context.setTransform(sharp, 0, 0, sharp, 0, 0);
    this.context.clearRect(0, 0, width, height);
    const { points, view } = scene;
    if (!points) return;
    const [x0, y0] = view.photoPoint([0, 0]);
    const [x1, y1] = view.photoPoint([width, height]);
    const seen = points.inside([x0, y0, x1, y1]);
    const at = (point) => [points.x[point] * view.scale + view.x, points.y[point] * view.scale + view.y];
    this.#dots(scene, at, { palette, faint: colour("--faint"), other: colour("--other"), width, height, seen });
    const drawn = seen.length <= ROOM ? this.#photos(scene, seen, at, palette, colour("--other")) : new Map();
    this.#marks(scene, at, drawn, colour);
    this.#shape(scene, colour("--accent"));
  }

  #dots({ points, groups, only }, at, { palette, faint, other, width, height, seen }) {
    const size = points.count > 5000 ? 3 : points.count > 500 ? 5 : 7;
    const dot = (point, paint) => {
      const [x, y] = at(point);
      this.context.fillStyle = paint;
      this.context.fillRect(x - size / 2, y - size / 2, size, size);
    };
    const isFaint = (point) => only != null && groups && groups.of[point] !== only;
    if (points.open) {
      for (let point = 0; point < points.count; point++) {
        const [x, y] = at(point);
        if (!points.isOpen(point) && x >= 0 && y >= 0 && x <= width && y <= height) dot(point, faint);
      }
    }
    if (only != null) for (const point of seen) if (isFaint(point)) dot(point, faint);
    for (const point of seen) if (!isFaint(point)) dot(point, groups ? palette[groups.of[point]] ?? other : palette[0]);
  }

  /** Draw photos at their places, none over another: marked ones first. Returns the size of each that is drawn. */
  #photos({ points, groups, marks, chosen, only, focus }, seen, at, palette, other) {
    const side = seen.length < 20 ? 96 : seen.length < 60 ? 68 : 46;
    const taken = [];
    const drawn = new Map();
    const first = (point) => (point === focus ? 3 : marks.has(point) ? 2 : chosen.has(point) ? 1 : 0);
    const order = seen.filter((point) => only == null || !groups || groups.of[point] === only)
      .sort((a, b) => first(b) - first(a) || a - b);
    this.#waiting = [];
    for (const point of order) {
      const [x, y] = at(point);
      if (taken.some(([otherX, otherY]) => Math.abs(otherX - x) < side + 4 && Math.abs(otherY - y) < side + 4)) continue;
      taken.push([x, y]);
      const picture = this.#pictureOf(points.rowOf(point));
      if (!picture) continue;
      const scale = side / Math.max(picture.naturalWidth, picture.naturalHeight);
      const [width, height] = [picture.naturalWidth * scale, picture.naturalHeight * scale];
      this.context.fillStyle = groups ? palette[groups.of[point]] ?? other : palette[0];
      this.context.fillRect(x - width / 2 - 2, y - height / 2 - 2, width + 4, height + 4);
      this.context.drawImage(picture, x - width / 2, y - height / 2, width, height);
      drawn.set(point, [width + 4, height + 4]);
    }
    this.#ask();
    return drawn;
  }

  /** A photo that is there already; otherwise it is asked for. */
  #pictureOf(row) {
    const known = this.#pictures.get(row);
    if (known) {
      this.#pictures.delete(row);
      this.#pictures.set(row, known); // used last
      return known.complete && known.naturalWidth ? known : null;
    }
    this.#waiting.push(row);
    return null;
  }

  #ask() {
    while (this.#asked < AT_ONCE && this.#waiting.length) {
      const row = this.#waiting.shift();
      const picture = new Image();
      const done = () => {
        this.#asked -= 1;
        this.soon();
      };
      picture.addEventListener("load", done, { once: true });
      picture.addEventListener("error", done, { once: true });
      this.#asked += 1;
      this.#pictures.set(row, picture);
      picture.src = pictureAt(`/pictures/${row}`, { size: "thumb" });
    }
    for (const row of this.#pictures.keys()) {
      if (this.#pictures.size <= KEPT) break;
      this.#pictures.delete(row);
    }
  }

  /** Rings around what was searched with, hits with their ranks, what is chosen, and what has the focus. */
  #marks({ marks, chosen, focus, points }, at, drawn, colour) {
    const { context } = this;
    const around = (point, width, paint, gap = 0) => {
      const [x, y] = at(point);
      const size = drawn.get(point);
      context.lineWidth = width;
      context.strokeStyle = paint;
      context.beginPath();
      if (size) context.rect(x - size[0] / 2 - gap, y - size[1] / 2 - gap, size[0] + 2 * gap, size[1] + 2 * gap);
      else context.arc(x, y, MARK - 2 + gap, 0, 2 * Math.PI);
      context.stroke();
    };
    for (const point of chosen) if (points.isOpen(point)) around(point, 3, colour("--accent"));
    context.font = "600 11px system-ui, sans-serif";
    const written = []; // where ranks stand: none over another, the best ones first
    for (const [point, { kind, rank }] of marks) {
      around(point, 2, colour(`--mark-${kind}`), 3);
      const place = at(point);
      if (!rank || written.some(([x, y]) => Math.abs(place[0] - x) < 22 && Math.abs(place[1] - y) < 16)) continue;
      written.push(place);
      const [x, y] = at(point);
      const [across, down] = drawn.get(point)?.map((side) => side / 2) ?? [5, 5];
      const text = String(rank);
      const wide = context.measureText(text).width + 6;
      context.fillStyle = colour("--card");
      context.fillRect(x + across - 2, y - down - 12, wide, 14);
      context.fillStyle = colour("--ink");
      context.fillText(text, x + across + 1, y - down - 1);
    }
    if (focus >= 0) {
      around(focus, 5, colour("--card"), 5);
      around(focus, 2.5, colour("--ink"), 5);
    }
  }

  #shape({ shape }, paint) {
    if (!shape?.length) return;
    const { context } = this;
    context.beginPath();
    for (const [x, y] of shape) context.lineTo(x, y);
    context.closePath();
    context.globalAlpha = 0.15;
    context.fillStyle = paint;
    context.fill();
    context.globalAlpha = 1;
    context.lineWidth = 2;
    context.strokeStyle = paint;
    context.stroke();
  }
}
