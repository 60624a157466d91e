// The box editor: one photo at a time, or many on a sheet. Here its parts are put together, with their keys and buttons.

import { get } from "./api.js";
import { find, say } from "./dom.js";
import { Editing } from "./editing.js";
import { arrowKeys, digitKeys, listen } from "./keys.js";
import { allLabels, learnLabels } from "./labels.js";
import { drawPanel } from "./panel.js";
import { showReadout } from "./readout.js";
import { begin } from "./remedies.js";
import { roving } from "./roving.js";
import { Saver } from "./saver.js";
import { Sheet } from "./sheet.js";
import { sheetKeys } from "./sheet_keys.js";
import { Stage } from "./stage.js";
import { Status } from "./status.js";
import { Strip } from "./strip.js";
import { filters, Travel } from "./travel.js";
import { Views } from "./views.js";

const editing = new Editing((place, content) => saver.put(place, content), draw);
const status = new Status({ resolve, refresh: (how) => views.refresh(how), isBusy: () => stage.isBusy || sheet.isBusy,
  open: (place) => views.open(place), shown: () => views.shown, isAlone: (place) => views.isAlone(place) });
const saver = new Saver(saved, reloaded);
const stage = new Stage(find("#stage"), { add: (box) => editing.add(box), seen: showReadout, broken,
  change: (places, boxes) => editing.change(places, boxes), choose: (place, more) => editing.choose(place, more) });
const strip = new Strip((place, event) => travel.inTurn(() => travel.open(place)).then(() => toStage(event)));
const travel = new Travel({ editing, saver, strip, show, progress });
const sheet = new Sheet({ editing, saver, filters, open: (place) => views.open(place) });
const views = new Views({ travel, sheet, editing });
const tool = (name) => find(`#tools [data-do=${name}]`);

/** After a click the keys are the photo's again; who pressed a button by a key stays there. */
const toStage = (event) => event?.detail && views.focus();

function progress(told) {
  sheet.done = told.done;
  status.progress(told);
}

function show(photo) {
  const { unreadable, isNone } = photo;
  find("#name").textContent = isNone ? "No photo" : photo.name;
  find("#canvas").hidden = Boolean(unreadable);
  find("#nothing").hidden = !unreadable;
  if (unreadable) {
    find("#unreadable").textContent = isNone ? unreadable : `This photo cannot be shown: ${unreadable}. It takes no boxes.`;
    find("#onward").textContent = isNone ? "Show all photos" : "Next photo";
    find("#onward").onclick = isNone ? () => travel.showAll() : () => travel.go(1);
    stage.close();
  } else stage.open(photo);
  draw();
}

function draw() {
  if (sheet.isOpen) return; // which draws itself
  const { photo, chosen, canDraw, lastBoxes, history: past } = editing;
  const theirs = saver.conflicts.get(photo.place);
  const others = (theirs?.boxed ?? []).map((entry) => ({ ...entry, kind: "theirs" }));
  if (canDraw) stage.show([...editing.marks, ...others], chosen);
  drawPanel(editing, theirs);
  tool("undo").disabled = !past.placesOf("undo").length;
  tool("redo").disabled = !past.placesOf("redo").length;
  tool("remove").disabled = !chosen.length;
  tool("copy").disabled = !lastBoxes.length || !canDraw;
  tool("empty").disabled = !canDraw || photo.boxed.length > 0;
  tool("empty").setAttribute("aria-pressed", String(Boolean(photo.empty)));
  strip.mark(photo.place, { boxes: photo.boxed.length, empty: photo.empty });
}

function saved(told) {
  if (told) sheet.done = told.done;
  status.saved(told);
  const theirs = views.shown.map((place) => saver.conflicts.get(place));
  if (theirs.some((others, own) => others !== saved.theirs?.[own])) (sheet.isOpen ? sheet.draw() : draw()); // what others drew comes, or goes
  saved.theirs = theirs;
}

/** The picture did not come: ask why, and show that, unless the server alone is to blame. */
async function broken(photo) {
  const found = await get(`/api/photos/${photo.place}`).catch(() => null);
  if (found && editing.photo === photo) show(Object.assign(photo, { unreadable: found.unreadable ?? "its picture did not come" }));
}

const step = (what) => travel.inTurn(async () => {
  const places = editing.history.placesOf(what);
  if (!places.length) return;
  const isOnSheet = places.length > 1 || (sheet.isOpen && sheet.has(places));
  if (isOnSheet) await views.toSheet({ work: () => sheet.showPageOf(places) });
  else if (sheet.isOpen) await views.toPhoto(places[0]);
  else if (places[0] !== editing.photo.place) await travel.open(places[0]);
  if (String(editing.history.placesOf(what)) !== String(places))
    return void say("Others have changed this photo since: there is nothing to take back.");
  const changes = editing.history[what]();
  if (isOnSheet) sheet.restore(changes);
  else editing.restore(changes[0][1]);
});

function resolve(place, kept) {
  const { before, after } = saver.resolve(place, kept);
  editing.history.forget(place);
  if (kept !== "mine") editing.history.add(place, before, after);
  const shownIn = sheet.isOpen ? sheet.editingOf(place) : editing.photo.place === place ? editing : null;
  if (!shownIn) return;
  Object.assign(shownIn.photo, { boxed: after.boxes, proposals: after.proposals, empty: after.empty });
  shownIn.choose(null);
}

/** The server has read the file again, or found a photo that has another place now. */
async function reloaded({ moved = null, place = null } = {}) {
  if (sheet.isOpen) await (moved ? sheet.begin() : sheet.refresh());
  else if (moved && editing.photo.name === moved) await travel.refresh({ place });
  else await strip.page(strip.offset);
}

function hide() {
  const hidden = find("#stage").classList.toggle("hidden");
  tool("hide").setAttribute("aria-pressed", String(hidden));
}

function nudge(across, down, event) {
  const far = event.shiftKey ? 10 : 1;
  const did = editing.photo && editing.nudge(across * far, down * far, event.ctrlKey || event.metaKey);
  return did === false && across ? void travel.go(across) : did;
}

function toggleEmpty() {
  if (!editing.toggleEmpty()) say(editing.canDraw ? "There are boxes: delete them first." : "", { error: true });
}

const actions = {
  before: () => travel.go(-1), after: () => travel.go(1), undo: () => step("undo"), redo: () => step("redo"),
  unboxed: () => travel.go(1, { ...filters(), filter: "unboxed" }), empty: toggleEmpty, hide,
  remove: () => editing.remove(), copy: () => editing.copyLast(), acceptAll: () => editing.acceptAll(),
  sheet: () => views.other(), fit: () => stage.fit(), in: () => stage.zoom(1.25), out: () => stage.zoom(0.8), pixels: () => stage.zoomToPixels(),
};

/** Turn a page, but none that is asked for while one comes: nobody has seen what it shows. */
const turning = (turn) => (event) => {
  if (!event?.repeat && !(event?.detail > 1) && !travel.isMoving) travel.inTurn(turn);
};
const sheetActions = { ...actions, accept: turning(() => sheet.accept()), before: turning(() => sheet.back()),
  after: turning(() => sheet.forward()) };
const table = [
  [["s"], "sheet of many photos that were not looked at", () => void actions.sheet()],
  [["d", "PageDown"], "next photo", () => void actions.after()],
  [["a", "PageUp"], "photo before", () => void actions.before()],
  [["w"], "next photo not looked at", () => void actions.unboxed()],
  [["g"], "go to a photo by its number", () => find("#number").select()],
  [["e"], "there is no object in this photo", actions.empty],
  [["k"], "make a box with the keyboard", () => editing.addInTheMiddle()],
  [["←", "→", "↑", "↓"], "move what is chosen, else change the photo; Shift: by 10", null],
  [["Ctrl+←", "Ctrl+↓"], "resize what is chosen; Shift: by 10", null],
  [["Delete", "Backspace"], "delete what is chosen, or dismiss proposals", actions.remove],
  [["Ctrl+z", "u"], "undo", () => void actions.undo()],
  [["Ctrl+Shift+z", "Ctrl+y"], "redo", () => void actions.redo()],
  [["c"], "copy the boxes of the last photo", actions.copy],
  [["."], "choose the next box; Shift or Ctrl and a click: one more", () => editing.cycle(1)],
  [[","], "choose the box before", () => editing.cycle(-1)],
  [["Ctrl+a"], "choose all boxes", () => editing.chooseAll()],
  [["Escape"], "give up a drag, else choose none", () => void (stage.cancel() || editing.choose(null))],
  [["l"], "label what is chosen", () => (editing.own.length ? find("#label").select() : false)],
  [["Enter"], "accept the chosen proposals", () => editing.accept(editing.chosen)],
  [["Shift+Enter"], "accept all proposals", actions.acceptAll],
  [["+", "="], "zoom in (also the wheel)", actions.in],
  [["-"], "zoom out", actions.out],
  [["z"], "pixel by pixel, or the whole photo", actions.pixels],
  [["f", "0"], "fit the photo", actions.fit],
  [["h"], "hide or show the boxes", hide],
  [[" "], "hold and drag to move the photo", () => (stage.space = true)],
  ...digitKeys("give that label of the list", (place) => allLabels()[place] && editing.give(allLabels()[place])),
  ...arrowKeys(nudge),
];
listen(table.map(([keys, does, action]) => [keys, does, action && travel.waiting(action)]), () => !sheet.isOpen);
listen(sheetKeys(sheet, sheetActions), () => sheet.isOpen);
addEventListener("keyup", (event) => event.key === " " && (stage.space = false));
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (!button) return;
  const action = sheet.isOpen ? sheetActions[button.dataset.do] : travel.waiting(actions[button.dataset.do]);
  action(event);
  toStage(event);
});

find("#label").addEventListener("change", (event) => (sheet.isOpen ? sheet : editing).give(event.target.value.trim()));
find("#label").addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const labels = sheet.isOpen ? sheet.labels : new Set(editing.own.map((place) => editing.photo.boxed[place].label));
    event.target.value = labels.size === 1 ? [...labels][0] : ""; // given up: what it was
  }
  if (event.key !== "Enter" && event.key !== "Escape") return;
  event.preventDefault(); // else the tile that takes the focus would be pressed
  views.focus();
});
find("#jump").addEventListener("submit", (event) => {
  event.preventDefault();
  travel.jump(find("#number").value).then(() => find("#stage").focus());
});
find("#filter").addEventListener("submit", (event) => event.preventDefault());
for (const name of ["which", "order", "text"]) find(`#${name}`).addEventListener("change", (event) => views.refilter(event));
addEventListener("popstate", () => travel.inTurn(() => views.start()));
roving(find("#tools"));
roving(find("#sheet .tools"));

await begin(async () => {
  const about = await get("/api/about");
  learnLabels(about.labels);
  editing.label = about.last.label;
  find("#title").textContent = about.file;
  find("#order").hidden = about.proposed == null;
  Object.assign(sheet, { learns: about.learns, done: about.done });
  // What is learned meanwhile gains nothing by an order, so there one goes on where one stopped.
  const byDoubt = about.proposed != null && !about.learns && !location.search;
  if (byDoubt) find("#order").value = "uncertain";
  status.begin(saver, about);
  const isAnew = byDoubt || location.search || about.done + about.unreadable >= about.count;
  const stopped = isAnew ? null : about.last.place;
  await travel.inTurn(() => views.start({ begin: stopped }));
  views.focus();
});
