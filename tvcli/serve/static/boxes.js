// The box editor: one photo at a time; every change is one step of history and is saved at once.

import { get, send } from "./api.js";
import { find, make, say } from "./dom.js";
import { isBox, moved, resized } from "./geometry.js";
import { History } from "./history.js";
import { listen } from "./keys.js";
import { Saver } from "./saver.js";
import { Stage } from "./stage.js";
import { Strip } from "./strip.js";

const history_ = new History();
const saver = new Saver(showSaved);
const stage = new Stage(find("#stage"), { add, change, choose });
const strip = new Strip((place) => inTurn(() => open(place)));
let photo = null; // the photo shown, with `boxed` and `proposals`
let chosen = null; // the place of the chosen box among all marks, or null
let lastLabel = "";
let lastBoxes = []; // of the photo before, to copy
let labels = [];

const marks = () => [...photo.boxed, ...photo.proposals.map((box) => ({ ...box, proposed: true }))];
const contentOf = () => ({ boxes: photo.boxed, proposals: photo.proposals });
const isProposed = (place) => place != null && place >= photo.boxed.length;
const filters = () => ({ filter: find("#which").value, order: find("#order").value, text: find("#text").value });

// Changes: all go through `set`, so history, screen and disk cannot part.

function set(boxes, proposals, choice = null) {
  const before = contentOf();
  Object.assign(photo, { boxed: boxes, proposals });
  history_.add(photo.place, before, contentOf());
  chosen = choice;
  keep();
}

function keep() {
  saver.put(photo.place, contentOf());
  draw();
}

function add(box) {
  const entry = { box, label: lastLabel, fields: {} };
  set([...photo.boxed, entry], photo.proposals, photo.boxed.length);
}

function change(place, box) {
  if (place == null || !isBox(box)) return;
  const entry = { ...marks()[place], box };
  if (isProposed(place)) accept(place, entry);
  else set(photo.boxed.with(place, entry), photo.proposals, place);
}

function remove() {
  if (chosen == null) return;
  const own = chosen - photo.boxed.length;
  if (isProposed(chosen)) set(photo.boxed, photo.proposals.toSpliced(own, 1));
  else set(photo.boxed.toSpliced(chosen, 1), photo.proposals);
}

const accepted = ({ box, label }) => ({ box, label: label ?? "", fields: {} });

function accept(place, entry = marks()[place]) {
  if (!isProposed(place)) return false;
  const left = photo.proposals.toSpliced(place - photo.boxed.length, 1);
  set([...photo.boxed, accepted(entry)], left, photo.boxed.length);
}

function acceptAll() {
  if (photo.proposals.length) set([...photo.boxed, ...photo.proposals.map(accepted)], []);
}

function label(text) {
  if (chosen == null || isProposed(chosen) || photo.boxed[chosen].label === text) return;
  lastLabel = text;
  if (text && !labels.includes(text)) labels.push(text);
  set(photo.boxed.with(chosen, { ...photo.boxed[chosen], label: text }), photo.proposals, chosen);
}

function copyLast() {
  const inside = lastBoxes.map(({ box, label }) => ({ label, fields: {}, box: [
    Math.min(box[0], photo.width), Math.min(box[1], photo.height),
    Math.min(box[2], photo.width), Math.min(box[3], photo.height)] })).filter(({ box }) => isBox(box));
  if (inside.length) set([...photo.boxed, ...inside], photo.proposals, photo.boxed.length);
}

const step = (what) => inTurn(async () => {
  const next = history_[what]();
  if (!next) return;
  if (next.place !== photo.place) await open(next.place);
  Object.assign(photo, { boxed: next.content.boxes, proposals: next.content.proposals });
  chosen = null;
  keep();
});

// The photo that is shown. What is asked for while another opens waits for its turn.

let moving = null;

function inTurn(work) {
  const mine = Promise.resolve(moving).then(work)
    .catch((error) => say(error.message, { error: true }))
    .finally(() => { if (moving === mine) moving = null; });
  moving = mine;
  return mine;
}

const waiting = (action) => (event) => (moving ? void inTurn(() => void action(event)) : action(event));

async function open(place, { push = true } = {}) {
  if (photo?.boxed.length) lastBoxes = photo.boxed;
  const found = await get(`/api/photos/${place}`);
  // What waits to be saved is newer than what the server knows.
  photo = saver.latest(place) ? { ...found, ...saver.latest(place) } : found;
  if (!saver.busyWith(place)) saver.versions.set(place, found.version);
  chosen = null;
  if (push) history.pushState({}, "", addressOf(place));
  find("#name").textContent = photo.name;
  document.title = `${photo.name} · tv annotate boxes`;
  find("#stage").classList.toggle("unreadable", Boolean(photo.unreadable));
  find("#stage").toggleAttribute("hidden", Boolean(photo.unreadable));
  find("#unreadable").hidden = !photo.unreadable;
  find("#unreadable").textContent = photo.unreadable ? `This photo cannot be shown: ${photo.unreadable}` : "";
  if (!photo.unreadable) stage.open(photo);
  if (!strip.photos.some((other) => other.place === place)) await showPageOf(place);
  draw();
}

function addressOf(place) {
  const query = new URLSearchParams({ photo: place });
  for (const [name, value] of Object.entries(filters()))
    if (value && value !== "all" && value !== "name") query.set(name, value);
  return `/?${query}`;
}

async function showPageOf(place) {
  const { at } = await get("/api/place", { ...filters(), of: place });
  if (at != null) await strip.page(Math.floor(at / 60) * 60);
}

const go = (stepBy, parameters = filters()) => inTurn(async () => {
  const { place } = await get("/api/next", { ...parameters, from: photo?.place ?? -1, step: stepBy });
  if (place == null) say(stepBy > 0 ? "No photo after this one" : "No photo before this one");
  else await open(place);
});

const nextWithout = () => go(1, { ...filters(), filter: "unboxed" });

const refilter = () => inTurn(async () => {
  showProgress(await strip.filter(filters()));
  if (strip.photos.length) await open(strip.photos[0].place);
  else say("No such photo");
});

// What is seen.

function draw() {
  const all = photo.unreadable ? [] : marks();
  stage.show(all, chosen);
  find("#boxes").replaceChildren(...all.map(listed));
  find("#labelling").hidden = chosen == null || isProposed(chosen);
  if (chosen != null && !isProposed(chosen)) find("#label").value = photo.boxed[chosen].label;
  find("#accepting").hidden = photo.proposals.length < 2;
  find("#labels").replaceChildren(...labels.map((text) => make("option", { value: text })));
  tool("undo").disabled = !history_.canUndo;
  tool("redo").disabled = !history_.canRedo;
  tool("remove").disabled = chosen == null;
  tool("copy").disabled = !lastBoxes.length || Boolean(photo.unreadable);
  strip.mark(photo.place, photo.boxed.length);
  say(photo.unreadable ? "" : photo.boxed.length || photo.proposals.length
    ? `${photo.width} × ${photo.height} pixels` : "No box yet: drag on the photo to draw one.");
}

const tool = (name) => find(`[data-do=${name}]`);

function listed(entry, place) {
  const [x0, y0, x1, y1] = entry.box.map(Math.round);
  const size = entry.proposed ? `${Math.round(entry.score * 100)} %` : `${x1 - x0} × ${y1 - y0}`;
  const name = make("b", {}, entry.label || (entry.proposed ? "proposed" : "no label"));
  const button = make("button", { type: "button", class: entry.proposed ? "proposed" : "",
    "aria-pressed": String(place === chosen), onclick: () => choose(place) }, name, make("small", {}, size));
  const take = entry.proposed && make("button", { type: "button", class: "small", "aria-label": "Accept",
    title: "Accept (Enter)", onclick: () => accept(place) }, "✓");
  return make("li", {}, button, take || null);
}

function choose(place) {
  chosen = place;
  draw();
}

function showSaved(progress) {
  const failed = saver.failure;
  const saved = find("#saved");
  saved.textContent = failed ? "Not saved" : saver.busy ? "Saving…" : "Saved";
  saved.className = failed ? "failed" : saver.busy ? "busy" : "";
  if (progress) showProgress(progress);
  find("#trouble").hidden = !failed;
  if (!failed) return;
  const changed = failed.status === 409;
  find("#trouble span").textContent = changed
    ? `${failed.message}. Your last change is not saved: nothing of theirs is overwritten.`
    : `Not saved: ${failed.message}`;
  find("#mend").textContent = changed ? "Load the file as it is now" : "Try again";
  find("#mend").onclick = changed ? reload : () => saver.retry();
}

function showProgress({ done, count }) {
  find("#progress").textContent = `${done.toLocaleString()} of ${count.toLocaleString()} with boxes`;
  find("#share").value = count ? done / count : 0;
}

async function reload() {
  saver.forget();
  history_.clear();
  showProgress(await send("POST", "/api/reload", {}));
  await strip.page(strip.offset);
  await open(photo.place, { push: false });
}

/** Notice what another program does to the file, before the next change if possible. */
async function watch() {
  if (document.hidden || saver.busy) return;
  const about = await get("/api/about").catch(() => null);
  if (!about?.changed || saver.busy) return;
  find("#trouble").hidden = false;
  find("#trouble span").textContent = `${about.file} was changed by another program.`;
  find("#mend").textContent = "Load the file as it is now";
  find("#mend").onclick = () => reload().then(() => (find("#trouble").hidden = true));
}

// Keys and buttons.

function nudge(across, down, event) {
  if (chosen == null) return across ? void go(across) : false;
  const far = event.shiftKey ? 10 : 1;
  const { box } = marks()[chosen];
  change(chosen, event.ctrlKey || event.metaKey
    ? resized(box, "se", across * far, down * far, photo) : moved(box, across * far, down * far, photo));
}

function makeBox() {
  if (photo.unreadable) return;
  const { width, height } = photo;
  add([width / 4, height / 4, width * 0.75, height * 0.75].map(Math.round));
}

function cycle(by) {
  const all = marks().length;
  if (all) choose(chosen == null ? (by > 0 ? 0 : all - 1) : (chosen + by + all) % all);
}

function hide() {
  const hidden = find("#stage").classList.toggle("hidden");
  tool("hide").setAttribute("aria-pressed", String(hidden));
}

const arrows = [["ArrowLeft", -1, 0], ["ArrowRight", 1, 0], ["ArrowUp", 0, -1], ["ArrowDown", 0, 1]];
const arrowKeys = arrows.map(([key, across, down]) => [
  [key, `Shift+${key}`, `Ctrl+${key}`, `Ctrl+Shift+${key}`], null, (event) => nudge(across, down, event)]);
const actions = {
  before: () => go(-1), after: () => go(1), unboxed: nextWithout, undo: () => step("undo"),
  redo: () => step("redo"), remove, copy: copyLast, fit: () => stage.fit(), hide, acceptAll,
};
const table = [
  [["d", "PageDown"], "next photo", () => void go(1)],
  [["a", "PageUp"], "photo before", () => void go(-1)],
  [["w"], "next photo without a box", () => void nextWithout()],
  [["k"], "make a box with the keyboard", makeBox],
  [["←", "→", "↑", "↓"], "move the chosen box, else change the photo; Shift: by 10", null],
  [["Ctrl+←", "Ctrl+↓"], "resize the chosen box; Shift: by 10", null],
  [["Delete", "Backspace"], "delete the box, or dismiss the proposal", remove],
  [["Ctrl+z", "u"], "undo", () => void step("undo")],
  [["Ctrl+Shift+z", "Ctrl+y"], "redo", () => void step("redo")],
  [["c"], "copy the boxes of the last photo", copyLast],
  [["."], "choose the next box", () => cycle(1)],
  [[","], "choose the box before", () => cycle(-1)],
  [["Escape"], "choose none", () => choose(null)],
  [["l"], "label the chosen box", () => chosen != null && !isProposed(chosen) ? find("#label").select() : false],
  [["Enter"], "accept the chosen proposal", () => (isProposed(chosen) ? accept(chosen) : false)],
  [["Shift+Enter"], "accept all proposals", acceptAll],
  [["+", "="], "zoom in (also the wheel)", () => stage.zoom(1.25)],
  [["-"], "zoom out", () => stage.zoom(0.8)],
  [["f", "0"], "fit the photo", () => stage.fit()],
  [["h"], "hide or show the boxes", hide],
  [[" "], "hold and drag to move the photo", () => (stage.space = true)],
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [[String(n)], n === 1 ? "1 to 9: give a label in use" : null,
    () => labels[n - 1] && label(labels[n - 1])]),
  ...arrowKeys,
];
listen(table.map(([keys, does, action]) => [keys, does, action && waiting(action)]));
addEventListener("keyup", (event) => event.key === " " && (stage.space = false));
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) waiting(actions[button.dataset.do])(event);
});
find("#label").addEventListener("change", (event) => label(event.target.value.trim()));
find("#label").addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === "Escape") event.target.blur();
});
find("#filter").addEventListener("submit", (event) => event.preventDefault());
for (const name of ["which", "order", "text"]) find(`#${name}`).addEventListener("change", refilter);
addEventListener("popstate", () => inTurn(() => start({ push: false })));

async function start({ push }) {
  const query = new URLSearchParams(location.search);
  for (const [id, name] of [["which", "filter"], ["order", "order"], ["text", "text"]])
    if (query.get(name)) find(`#${id}`).value = query.get(name);
  const parameters = JSON.stringify(filters());
  if (start.parameters !== parameters) await strip.filter(filters());
  start.parameters = parameters;
  const place = query.get("photo") ?? strip.photos[0]?.place;
  if (place == null) say("No such photo");
  else await open(Number(place), { push });
}

const about = await get("/api/about");
labels = about.labels;
lastLabel = labels[0] ?? "";
find("#title").textContent = about.file;
find("#order").hidden = about.proposed == null;
if (about.proposed != null && !location.search) find("#order").value = "uncertain";
showProgress(about);
await start({ push: false });
find("#stage").focus();
setInterval(watch, 4000);
