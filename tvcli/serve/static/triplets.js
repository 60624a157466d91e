// The similarity editor: a reference, its neighbours; one that is similar, one that is less so.

import { get, send } from "./api.js";
import { named, pictureOf } from "./cards.js";
import { find, make, numberOf, say } from "./dom.js";
import { digitKeys, listen } from "./keys.js";
import { beside } from "./places.js";
import { begin } from "./remedies.js";
import { rove } from "./roving.js";

const ROLES = { positive: "similar", negative: "less similar" };
const NEAREST = 24;
let shown = null; // what /api/reference gave; at the end without a reference
let rows = 0; // references in all
let chosen = { positive: null, negative: null }; // keys of neighbours
let k = NEAREST;

async function show(at, { push = true } = {}) {
  if (rows && at >= rows) return showEnd({ push });
  const waits = setTimeout(() => say("Looking for its neighbours…"), 400);
  try {
    shown = await get("/api/reference", { at, k });
  } catch (error) {
    return fail(error, () => show(at, { push }));
  } finally {
    clearTimeout(waits);
  }
  const had = find("#neighbours").contains(document.activeElement);
  chosen = { positive: null, negative: null };
  if (push) history.pushState({}, "", `/?at=${shown.at}`);
  find("#reference").replaceChildren(pictureOf(shown.reference, { size: "view" }));
  find("#name").textContent = find("#name").title = shown.reference.name;
  find("#neighbours").replaceChildren(...shown.neighbours.map(card));
  if (had) photos()[0]?.focus();
  find("#more").hidden = shown.neighbours.length < k;
  place();
  draw();
}

/** There is nothing more to ask about. */
function showEnd({ push }) {
  shown = { at: rows, neighbours: [], total: rows };
  chosen = { positive: null, negative: null };
  if (push) history.pushState({}, "", `/?at=${rows}`);
  find("#neighbours").replaceChildren();
  find("#more").hidden = true;
  place();
  draw();
  find("#back").focus();
}

/** Show where in the order one is. */
function place() {
  const isEnd = shown.at >= rows;
  find("#position").textContent = `${(isEnd ? rows : shown.at + 1).toLocaleString()} of ${rows.toLocaleString()}`;
  find("figure").hidden = isEnd;
  find("#save").hidden = find("#skip").hidden = isEnd;
  find("#first").hidden = !isEnd;
  find("#again").hidden = true;
  find("#back").disabled = shown.at === 0;
}

/** Say what went wrong, with a button to do it again. */
function fail(error, action) {
  say(error.message, { error: true });
  find("#again").hidden = false;
  find("#again").onclick = () => {
    find("#again").hidden = true;
    action();
  };
}

function card(hit) {
  const button = make("button", { type: "button", class: "photo", "data-key": hit.key, "data-leaves-enter": true,
    "aria-label": `${hit.rank}: ${hit.name}, similarity ${hit.similarity.toFixed(3)}` }, pictureOf(hit));
  const caption = make("p", { class: "caption" }, make("b", {}, hit.similarity.toFixed(3)),
    hit.label ? make("span", { class: "label" }, hit.label) : null, named(hit.name, hit.image));
  return make("li", {}, button, caption);
}

function draw() {
  for (const button of document.querySelectorAll("#neighbours .photo")) {
    const role = Object.keys(ROLES).find((name) => chosen[name] === button.dataset.key);
    button.parentElement.className = role ?? "";
    button.setAttribute("aria-pressed", String(Boolean(role)));
    button.setAttribute("aria-description", role ? ROLES[role] : "");
  }
  rove(find("#neighbours"));
  find("#save").disabled = !(chosen.positive && chosen.negative);
  if (shown.at >= rows) return say("That was the last one. What you chose is saved.");
  if (shown.neighbours.length < 2) return say("There are too few other photos to choose from: skip it.");
  say(!chosen.positive ? "Which of these is similar to it?"
    : !chosen.negative ? "And which one is less similar?" : "Save, or choose others.");
}

/** Choose a neighbour: for a role, or for the first that is free; chosen again, none. */
function choose(key, role = null) {
  const had = Object.keys(ROLES).find((name) => chosen[name] === key);
  if (had) chosen[had] = null;
  const free = !chosen.positive ? "positive" : "negative";
  if (!had || (role && role !== had)) chosen[role ?? free] = key;
  draw();
}

async function save() {
  if (!chosen.positive || !chosen.negative) return;
  const triplet = { anchor: shown.reference.key, ...chosen, at: shown.at };
  if (await write("/api/triplets", triplet, save)) await show(shown.at + 1);
}

async function undo() {
  const undone = await write("/api/undo", {}, undo);
  if (undone) await show(undone.at);
}

async function reload() {
  if (!(await write("/api/reload", {}, reload))) return;
  find("#reload").hidden = true;
  draw();
}

async function write(path, content, again) {
  try {
    const counts = await send("POST", path, content);
    count(counts);
    return counts;
  } catch (error) {
    const isTheirs = /another program/.test(error.message);
    find("#reload").hidden = !isTheirs;
    if (isTheirs) say(error.message, { error: true });
    else fail(error, again);
    return null;
  }
}

function count({ triplets, undoable, rows: all }) {
  rows = all ?? rows;
  find("#count").textContent = numberOf(triplets, "triplet");
  find("#undo").disabled = !undoable;
}

const skip = () => shown && show(Math.min(shown.at + 1, rows));
const back = () => shown && show(Math.max(shown.at - 1, 0));
const first = () => show(0);
const photos = () => [...document.querySelectorAll("#neighbours .photo")];

function step(across, down) {
  beside(photos(), document.activeElement, across, down)?.focus();
}

function chooseFocused(role) {
  const key = document.activeElement?.dataset.key;
  return key ? choose(key, role) : false;
}

find("#neighbours").addEventListener("focusin", () => rove(find("#neighbours")));
find("#neighbours").addEventListener("click", (event) => {
  const button = event.target.closest(".photo");
  if (button) choose(button.dataset.key);
});
for (const [id, action] of Object.entries({ save, skip, undo, back, reload, first }))
  find(`#${id}`).addEventListener("click", action);
find("#more").addEventListener("click", () => {
  k = Math.min(200, k * 2);
  show(shown.at, { push: false });
});
addEventListener("popstate", () => show(placeOfAddress(), { push: false }));
listen([
  [["ArrowLeft"], "photo before", () => step(-1, 0)],
  [["ArrowRight"], "next photo", () => step(1, 0)],
  [["ArrowUp"], "row above", () => step(0, -1)],
  [["ArrowDown"], "row below", () => step(0, 1)],
  ...digitKeys("choose that neighbour", (place) => photos()[place] && choose(photos()[place].dataset.key)),
  [["y", "p"], "this one is similar", () => chooseFocused("positive")],
  [["n"], "this one is less similar", () => chooseFocused("negative")],
  [["Enter"], "save and go on, once both are chosen", () => (find("#save").disabled || find("#save").hidden ? false : void save())],
  [["s"], "skip", () => void skip()],
  [["b"], "back", () => void back()],
  [["Ctrl+z", "u"], "undo", () => void undo()],
]);

const placeOfAddress = () => Number(new URLSearchParams(location.search).get("at")) || 0;
await begin(async () => {
  const about = await get("/api/about");
  find("#title").textContent = about.index;
  document.title = `${about.index} · tv annotate triplets`;
  count(about);
  await show(placeOfAddress(), { push: false });
});
