// The labels in use: their order gives each its colour and its number key.

// Ten hues that differ from each other and from the colours of proposals and of boxes without a label.
const COLOURS = ["#ff5a5f", "#3ddc68", "#ffe14d", "#c77dff", "#ff8c1a", "#1fd6d6", "#ff6ad5", "#b8f03c", "#d8a070", "#8fb4ff"];
const NONE = "#2f9bff";
const known = [];

export const allLabels = () => known;

export function learnLabels(labels) {
  for (const label of labels) if (label && !known.includes(label)) known.push(label);
}

export function colourOf(label) {
  const place = known.indexOf(label);
  return place < 0 ? NONE : COLOURS[place % COLOURS.length];
}
