// Boxes as numbers: which handle is where, and what moving one does. Nothing here touches a page.

export const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];

export function handlePoint([x0, y0, x1, y1], handle) {
  const x = handle.includes("w") ? x0 : handle.includes("e") ? x1 : (x0 + x1) / 2;
  const y = handle.includes("n") ? y0 : handle.includes("s") ? y1 : (y0 + y1) / 2;
  return [x, y];
}

/** The handle of a box near a point, the corners first; null where there is none. */
export function handleAt(box, [x, y], reach) {
  const near = HANDLES.filter((handle) => {
    const [hx, hy] = handlePoint(box, handle);
    return Math.abs(hx - x) <= reach && Math.abs(hy - y) <= reach;
  });
  return near.find((handle) => handle.length === 2) ?? near[0] ?? null;
}

export const contains = ([x0, y0, x1, y1], [x, y]) => x >= x0 && x < x1 && y >= y0 && y < y1;
export const areaOf = ([x0, y0, x1, y1]) => (x1 - x0) * (y1 - y0);

/** A box between two corners in any order, in whole pixels of the photo. */
export function between([ax, ay], [bx, by], { width, height }) {
  const clip = (value, most) => Math.round(Math.min(most, Math.max(0, value)));
  return [clip(Math.min(ax, bx), width), clip(Math.min(ay, by), height),
    clip(Math.max(ax, bx), width), clip(Math.max(ay, by), height)];
}

export function moved([x0, y0, x1, y1], dx, dy, { width, height }) {
  const across = Math.round(Math.min(width - x1, Math.max(-x0, dx)));
  const down = Math.round(Math.min(height - y1, Math.max(-y0, dy)));
  return [x0 + across, y0 + down, x1 + across, y1 + down];
}

/** Boxes moved together, as far as all of them stay inside the photo. */
export function movedTogether(boxes, dx, dy, photo) {
  const around = [Math.min(...boxes.map((box) => box[0])), Math.min(...boxes.map((box) => box[1])),
    Math.max(...boxes.map((box) => box[2])), Math.max(...boxes.map((box) => box[3]))];
  const to = moved(around, dx, dy, photo);
  const [across, down] = [to[0] - around[0], to[1] - around[1]];
  return boxes.map(([x0, y0, x1, y1]) => [x0 + across, y0 + down, x1 + across, y1 + down]);
}

/** A box whose handle was dragged; dragged past the other side it turns over. */
export function resized([x0, y0, x1, y1], handle, dx, dy, photo) {
  const west = x0 + (handle.includes("w") ? dx : 0);
  const east = x1 + (handle.includes("e") ? dx : 0);
  const north = y0 + (handle.includes("n") ? dy : 0);
  const south = y1 + (handle.includes("s") ? dy : 0);
  return between([west, north], [east, south], photo);
}

export const isBox = ([x0, y0, x1, y1]) => x1 - x0 >= 1 && y1 - y0 >= 1;
