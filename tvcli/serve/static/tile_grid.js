// How many photos a sheet holds, in how many columns, and which one lies beside which.

const [GAP, CAPTION] = [10, 34]; // screen pixels between tiles, and below a photo
const SHAPE = 4 / 3; // of most photos
const MOST = 20;
const NARROW = 760; // screen pixels: a phone's window is less wide

/** The side in screen pixels of a photo where so many tiles share an area. */
function sideOf({ width, height }, columns, rows) {
  const across = (width - GAP * (columns - 1)) / columns;
  const down = (height - GAP * (rows - 1)) / rows - CAPTION;
  return Math.min(across, down * SHAPE);
}

/** The most tiles, in whole rows, whose photos are large enough to draw in; four where none are. */
export function tilesFitting(area) {
  const least = area.width < NARROW ? 140 : 200;
  let best = [4, 0];
  for (let columns = 1; columns <= MOST; columns += 1) {
    for (let rows = 1; columns * rows <= MOST; rows += 1) {
      const side = sideOf(area, columns, rows);
      const isBetter = columns * rows > best[0] || (columns * rows === best[0] && side > best[1]);
      if (side >= least && isBetter) best = [columns * rows, side];
    }
  }
  return best[0];
}

/** The columns in which so many tiles are largest. */
export function columnsFor(count, area) {
  const sides = Array.from({ length: Math.max(1, count) }, (_, own) => sideOf(area, own + 1, Math.ceil(count / (own + 1))));
  return sides.indexOf(Math.max(...sides)) + 1;
}
