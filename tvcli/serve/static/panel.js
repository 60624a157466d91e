// Beside the photo: its boxes, the field for their label, and the labels in use with their keys.

import { find, make, say } from "./dom.js";
import { allLabels, colourOf } from "./labels.js";
import { refill } from "./roving.js";

const KEYS = 9; // labels that have a number key

export function drawPanel(editing, theirs = null) {
  const { photo, own } = editing;
  const marks = editing.canDraw ? editing.marks : [];
  refill(find("#boxes"), marks.map((entry, place) => listed(entry, place, editing)));
  const shared = new Set(own.map((place) => photo.boxed[place].label));
  find("#accepting").hidden = photo.proposals.length < 2;
  drawLabelling(own.length ? shared : new Set([editing.label]), (text) => editing.give(text));
  find("#labelling").hidden = !own.length;
  say(theirs ? "Theirs are drawn dotted." : told(editing));
}

function told({ photo, chosen, canDraw }) {
  if (!canDraw) return "";
  if (chosen.length > 1) return `${chosen.length} boxes chosen`;
  if (photo.empty) return "No object here: looked at, and none was found.";
  return photo.boxed.length || photo.proposals.length ? `${photo.width} × ${photo.height} pixels`
    : "No box yet: drag on the photo to draw one, or say that there is no object.";
}

function listed(entry, place, editing) {
  const [x0, y0, x1, y1] = entry.box.map(Math.round);
  const isProposed = entry.kind === "proposed";
  const size = isProposed ? `${Math.round(entry.score * 100)} %` : `${x1 - x0} × ${y1 - y0}`;
  const name = make("b", { title: entry.label || null }, entry.label || (isProposed ? "proposed" : "no label"));
  const button = make("button", { type: "button", class: entry.kind, title: `at ${x0}, ${y0}`,
    "aria-pressed": String(editing.chosen.includes(place)),
    onclick: (event) => editing.choose(place, event.shiftKey || event.ctrlKey || event.metaKey) },
    isProposed ? null : swatch(entry.label), name, make("small", {}, size));
  const take = isProposed && make("button", { type: "button", class: "small", "aria-label": "Accept",
    title: "Accept (Enter)", onclick: () => editing.accept([place]) }, "✓");
  return make("li", {}, button, take || null);
}

function swatch(label) {
  const mark = make("i", { class: "swatch", "aria-hidden": true });
  mark.style.background = colourOf(label);
  return mark;
}

/** Show the `current` label in its field, and the labels in use, each with its key. */
export function drawLabelling(current, give) {
  const field = find("#label");
  if (document.activeElement !== field) field.value = current.size === 1 ? [...current][0] : "";
  find("#labelling").hidden = false;
  find("#labels").replaceChildren(...allLabels().map((text) => make("option", { value: text })));
  find("#in-use").hidden = !allLabels().length;
  refill(find("#classes"), allLabels().map((text, place) => {
    const key = place < KEYS ? make("kbd", {}, place + 1) : null;
    return make("li", {}, make("button", { type: "button", title: text, "aria-pressed": String(current.has(text)),
      onclick: () => give(text) }, swatch(text), make("b", {}, text), key));
  }));
}
