// The gallery: the address says what is shown; what a person does changes the address.

import { addressOf, filtersOf, isMap, isSearch, readAddress, searchWith, withoutLook } from "./address.js";
import { get, send, upload } from "./api.js";
import { Choice } from "./choice.js";
import { chosenBar } from "./chosen.js";
import { find, say } from "./dom.js";
import { acceptFiles } from "./files.js";
import { askFacets, showFilters } from "./filters.js";
import { listen } from "./keys.js";
import { Learning } from "./learning.js";
import { Lightbox } from "./look.js";
import { CollectionMap } from "./map.js";
import { MAP_KEYS } from "./map_keys.js";
import { showOnMap } from "./map_page.js";
import { focusedCard, keepFocus, step } from "./places.js";
import { hideQuery, showLocated, showQuery, toggleTouch } from "./query.js";
import { begin, offer } from "./remedies.js";
import { askHits, askPage, clearGrid, moreHits, saidOf, showHits, showPage, wish } from "./results.js";
import { showTray } from "./tray.js";
import { judged, takenBack, weighed, weightOf } from "./weights.js";
import { showWhy } from "./why.js";

let state = readAddress();
let shown = null; // the address of what is shown, but for the photo that is looked at
let about = { indexes: [] };
let turn = 0; // what was asked for last: late answers to earlier questions are dropped
const learning = new Learning(async () => {
  about = await get("/api/about"); // what was kept has other vectors, and is not calibrated
  await show({ again: true });
});
const choice = new Choice(find("#results"), () => {
  showChosen();
  map.redraw();
});
const map = new CollectionMap({ choice, change, look: (row) => lookAt(`0.${row}`) });
const showChosen = chosenBar(choice, { judge: judgeAll, saveClicks });
const lightbox = new Lightbox({ choice, go: lookAt, said: (key) => [saidOf(state, key), weightOf(state, key)] });

function go(address, { replace = false, looked = false } = {}) {
  history[replace ? "replaceState" : "pushState"]({ looked }, "", address);
  return show();
}

function change(changes) {
  return go(addressOf({ ...state, ...changes }));
}

/** Look at a photo; at none, go back to where one came from. */
function lookAt(name) {
  const looked = Boolean(history.state?.looked);
  if (!name && looked) return history.back();
  return go(addressOf({ ...state, look: name }), { replace: Boolean(state.look), looked: !state.look || looked });
}

async function show({ again = false } = {}) {
  state = readAddress();
  const mine = ++turn;
  find("#text").value = state.text ?? "";
  if (!isMap(state)) map.hide();
  document.body.classList.toggle("searching", isSearch(state));
  try {
    if (again || shown !== withoutLook(state)) await showResults(mine);
    if (mine === turn) await lightbox.show(state.look);
  } catch (error) {
    if (mine !== turn) return;
    if (isMap(state)) map.hide();
    if (isSearch(state) && find("#query").hidden) clearGrid(); // what was searched with before is gone, and so are its hits
    say(error.message, { error: true });
    offer([["Try again", () => show({ again: true })], ...otherWays()]);
  }
}

/** What else can be shown where this cannot. */
function otherWays() {
  return [...(state.file ? [["Choose another file", () => find("#file").click()]] : []),
    ...(isMap(state) && state.layout ? [["Lay out by PCA", () => change({ layout: "" })]] : []),
    ...(isMap(state) ? [["Show the grid", () => change({ view: "", layout: "" })]] : []),
    ...(isSearch(state) ? [["Show all photos", () => go("/")]] : [])];
}

async function showResults(mine) {
  const refocus = keepFocus();
  shown = null;
  offer();
  const [told, count] = await (isSearch(state) ? hits(mine) : photos(mine));
  if (mine !== turn) return;
  shown = withoutLook(state);
  choice.mark();
  refocus();
  say(told);
  offer(count ? [] : whereNothingIs());
}

/** What can be done where nothing is found: what leaves too little is taken away. */
function whereNothingIs() {
  const isLeast = isSearch(state) && (state.min || state.probability);
  return [...(isLeast ? [["However similar", () => change({ min: "", probability: "" })]] : []),
    ...(filtersOf(state).length ? [["Without filters", () => change({ text: "", label: [], folder: [], page: "" })]] : []),
    ...(isSearch(state) ? [["Show all photos", () => go("/")]] : [])];
}

async function photos(mine) {
  hideQuery();
  const [found, facets] = await Promise.all([isMap(state) ? null : askPage(state), askFacets(state)]);
  if (mine === turn) showFilters(state, facets, change);
  if (mine === turn && isMap(state)) return showOnMap(map, state, { isCurrent: () => mine === turn });
  return mine === turn ? showPage(state, found, (address) => go(address)) : [];
}

async function hits(mine) {
  say("Searching…");
  const columns = about.indexes.map(({ name, calibrated }, index) => ({ name, index, calibrated }));
  if (learning.ready) columns.splice(1, columns.length, { name: "as learned", index: 0, learned: true });
  const [answers, facets] = await Promise.all([askHits(state, columns), askFacets(state), showQuery(state, change),
    showTray(state, { takeBack: (key) => change(takenBack(state, key)).then(() => relearn([key])), weigh: (key, weight) => change(weighed(state, key, weight)) })]);
  if (mine !== turn) return [];
  showFilters(state, facets, change, { calibrated: columns[0].calibrated });
  showLocated(answers[0].located);
  const said = state.like.length + state.unlike.length;
  find("#save").hidden = !said;
  find("#learn").hidden = !(said || about.said);
  if (isMap(state)) return showOnMap(map, state, { hits: answers[0].hits, isCurrent: () => mine === turn });
  return showHits(state, columns, answers);
}

/** Say yes or no to a hit; said again it counts twice, and said once more it is taken back. */
async function judge(key, what) {
  await change(judged(state, [key], what));
  await relearn([key]);
}

/** Where learning is on, learn from what was just said, or no longer. */
async function relearn(keys) {
  if (!learning.live) return;
  const gone = keys.filter((key) => !saidOf(state, key));
  if (await saveClicks(null, gone)) await learning.start();
}

/** Say yes or no to hits; without a search, yes begins one. */
function judgeAll(keys, what) {
  const fresh = keys.filter((key) => !state[what].includes(key));
  return fresh.length ? change(judged(state, fresh, what)) : undefined;
}

/** Save what was said; with `chosen`, that these are right. */
async function saveClicks(chosen = null, gone = []) {
  const { item, like, unlike } = state;
  const box = state.box ? state.box.split(",").map(Number) : null;
  const said = chosen ? { like: chosen, unlike: [] } : { like, unlike };
  try {
    const saved = await send("POST", "/api/clicks", { item: item ?? null, box, ...said, taken_back: gone });
    about.said = saved.total;
    find("#learn").hidden = !isSearch(state);
    say(`${saved.added} new in ${saved.file}, ${saved.total} in all`);
    return true;
  } catch (error) {
    say(error.message, { error: true });
    return false;
  }
}

async function learn() {
  const said = state.like.length + state.unlike.length;
  if (!said || (await saveClicks())) await learning.start();
}

async function searchFile(file) {
  say(`Searching with ${file.name || "what you pasted"}…`);
  offer();
  try {
    const kept = await upload("/api/files", file);
    await go(searchWith({ file: kept.file }));
  } catch (error) {
    say(error.message, { error: true });
    offer([["Choose another file", () => find("#file").click()]]);
  }
}

function why(button) {
  const { why: row, index, learned } = button.dataset;
  showWhy({ ...wish(state), row: Number(row), index: Number(index), learned: learned === "true" }, button);
}

/** Do something with the card that has the focus, if there is one that it can be done with. */
function onCard(does) {
  return () => {
    const card = focusedCard();
    return card ? does(card) : false;
  };
}

const press = (selector) => onCard((card) => {
  const button = find(selector, card);
  return button ? button.click() : false;
});

function stepChoosing(across, down) {
  const from = focusedCard();
  if (from?.dataset.key && !choice.has(from.dataset.key)) choice.toggle(from);
  const card = step(across, down);
  if (card?.dataset.key) choice.add([card.item]);
}

document.addEventListener("click", (event) => {
  const asked = event.target.closest("[data-why]");
  if (asked) why(asked);
  const looked = event.target.closest("[data-look]");
  if (looked) lookAt(looked.dataset.look);
  const link = event.target.closest("a[data-link]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.button) {
    event.preventDefault();
    go(link.getAttribute("href")).then(() => scrollTo({ top: 0 }));
  }
  const button = event.target.closest("[data-say]");
  if (button) judge(button.closest("[data-key]").dataset.key, button.dataset.say);
});
find("#filter").addEventListener("submit", (event) => {
  event.preventDefault();
  change({ text: find("#text").value, page: "" });
});
find("#whole").addEventListener("click", () => change({ box: "" }));
find("#region").addEventListener("click", toggleTouch);
find("#save").addEventListener("click", () => saveClicks());
find("#learn").addEventListener("click", learn);
find("#more").addEventListener("click", () => change({ k: moreHits(state) }));
addEventListener("popstate", () => show());
acceptFiles(searchFile);
listen([
  [["/"], "filter by name or label", () => find("#text").focus()],
  [["f"], "filter by labels or folders", () => { find("#filters summary")?.focus(); }],
  [["ArrowLeft"], "photo before", () => Boolean(step(-1, 0))],
  [["ArrowRight"], "next photo", () => Boolean(step(1, 0))],
  [["ArrowUp"], "row above", () => Boolean(step(0, -1))],
  [["ArrowDown"], "row below", () => Boolean(step(0, 1))],
  [[" "], "look at the photo; ← → the ones beside it, z actual size", press(".look")],
  [["x"], "choose the photo, or not", onCard((card) => (card.dataset.key ? choice.toggle(card) : false))],
  [["Shift+ArrowLeft"], "choose this photo and the one before", () => stepChoosing(-1, 0)],
  [["Shift+ArrowRight"], "choose this photo and the next", () => stepChoosing(1, 0)],
  [["Ctrl+a"], "choose all that are shown", () => choice.all()],
  [MAP_KEYS[0][0], MAP_KEYS[0][1], () => void change({ view: isMap(state) ? "" : "map" })],
  ...MAP_KEYS.slice(1).map(([keys, does]) => [keys, does, () => false]),
  [["y"], "yes: more like this hit; again: counts twice", press("[data-say=like]")],
  [["n"], "no: less like this hit; again: counts twice", press("[data-say=unlike]")],
  [["w"], "why this is a hit: what made it similar", press("[data-why]")],
  [["r"], "choose a region: Enter, arrows, Shift+arrows, Enter", () => find("#stage")?.focus()],
  [["s"], "save yes and no as clicks", () => (find("#save").hidden ? false : void saveClicks())],
  [["t"], "learn from all clicks saved", () => (find("#learn").hidden ? false : void learn())],
  [["o"], "open a file to search with", () => find("#file").click()],
  [["Escape"], "choose none; back to all photos", () => (choice.size ? choice.clear() : isSearch(state) ? void go("/") : false)],
]);

await begin(async () => {
  about = await get("/api/about");
  find("#title").textContent = about.indexes.map((index) => index.name).join(" and ");
  document.title = `${find("#title").textContent} · tv gallery`;
  await learning.look({ wait: false });
  await show();
});
