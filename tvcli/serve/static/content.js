// What a page knows of a photo's boxes, as it is sent and compared: boxes, proposals, and whether it is empty.

export const contentOf = ({ boxed, proposals, empty }) => ({ boxes: boxed, proposals, empty: Boolean(empty) });

/** A box as text: the same for the same box, whatever the order of its fields. */
function written({ box, label, fields }) {
  const others = Object.entries(fields ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([box.map(Number), label ?? "", others]);
}

const sorted = (boxes) => JSON.stringify(boxes.map(written).sort());

/** The same boxes, in whatever order. */
export const isSame = (mine, theirs) =>
  Boolean(mine.empty) === Boolean(theirs.empty) && sorted(mine.boxes) === sorted(theirs.boxes);

/** The boxes of both, those that are the same once. */
export function both(mine, theirs) {
  const known = new Set(theirs.boxes.map(written));
  const boxes = [...theirs.boxes, ...mine.boxes.filter((box) => !known.has(written(box)))];
  return { boxes, proposals: mine.proposals, empty: !boxes.length && (mine.empty || theirs.empty) };
}
