// Boxes as they are drawn over a photo: their sides, labels and handles, and the lines through the pointer.

import { shape } from "./dom.js";
import { HANDLES, handlePoint } from "./geometry.js";
import { colourOf } from "./labels.js";

const LONGEST = 40; // letters of a label that are drawn

/** A box `{box, label, kind}`, where kind is own, proposed or theirs; handles only where it has them. */
export function mark({ box, label, kind }, scale, { chosen = false, handles = false } = {}) {
  const [x0, y0, x1, y1] = box;
  const sides = { x: x0, y: y0, width: Math.max(0, x1 - x0), height: Math.max(0, y1 - y0) };
  const state = chosen ? " chosen" : "";
  const drawn = ["under", kind].map((name) => shape("rect", { ...sides, class: `box ${name}${state}` }));
  if (kind === "own") drawn[1].style.setProperty("--mark", colourOf(label));
  if (label) drawn.push(tag(label, [x0, y0], scale));
  return handles ? [...drawn, ...HANDLES.map((name) => handle(box, name, scale))] : drawn;
}

function tag(label, [x, y], scale) {
  const size = 13 / scale;
  const text = shape("text", { x: x + size * 0.4, y: y + size * 1.25, "font-size": size, class: "tag" });
  text.textContent = label.length > LONGEST ? `${label.slice(0, LONGEST - 1)}…` : label;
  return text;
}

function handle(box, name, scale) {
  const half = 4.5 / scale;
  const [x, y] = handlePoint(box, name);
  return shape("rect", { x: x - half, y: y - half, width: 2 * half, height: 2 * half, class: "handle" });
}

/** Lines through a point of the photo, as far as the photo reaches. */
export const guides = ([x, y], { width, height }) => [
  shape("line", { x1: 0, x2: width, y1: y, y2: y, class: "guide" }),
  shape("line", { x1: x, x2: x, y1: 0, y2: height, class: "guide" }),
];
