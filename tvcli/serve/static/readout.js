// Over the photo: where the pointer is, or the size and place of a box while it changes; and the zoom.

import { find } from "./dom.js";

export function showReadout({ scale, box, isDragged, at, photo }) {
  find("#percent").textContent = photo ? `${Math.round(scale * 100)} %` : "– %";
  const point = at && photo && at[0] >= 0 && at[1] >= 0 && at[0] < photo.width && at[1] < photo.height ? at : null;
  const text = isDragged || (box && !point) ? sizeOf(box) : point ? `${Math.floor(point[0])}, ${Math.floor(point[1])}` : "";
  find("#readout").textContent = text;
  find("#readout").hidden = !text;
}

function sizeOf(box) {
  const [x0, y0, x1, y1] = box.map(Math.round);
  return `${x1 - x0} × ${y1 - y0} at ${x0}, ${y0}`;
}
