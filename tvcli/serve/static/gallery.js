// The gallery: the address says what is shown; what a person does changes the address.

import { addressOf, isSearch, readAddress, searchWith } from "./address.js";
import { get, send, upload } from "./api.js";
import { hitCard, photoCard } from "./cards.js";
import { find, make, say } from "./dom.js";
import { acceptFiles } from "./files.js";
import { listen } from "./keys.js";
import { showWhy } from "./why.js";
import { Learning } from "./learning.js";
import { hideQuery, showLocated, showQuery, toggleTouch } from "./query.js";

const PAGE = 60;
const HITS = 30;
let state = readAddress();
let about = { indexes: [] };
const learning = new Learning(() => show());
let turn = 0; // what was asked for last: late answers to earlier questions are dropped

function go(address, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"]({}, "", address);
  return show();
}

const change = (changes) => go(addressOf({ ...state, ...changes }));

async function show() {
  state = readAddress();
  const mine = ++turn;
  const focused = focusOf(document.activeElement);
  find("#text").value = state.text ?? "";
  document.body.classList.toggle("searching", isSearch(state));
  try {
    await (isSearch(state) ? showHits(mine) : showPage(mine));
    if (mine === turn) refocus(focused);
  } catch (error) {
    if (mine === turn) say(error.message, { error: true });
  }
}

async function showPage(mine) {
  hideQuery();
  const page = Math.max(1, Number(state.page) || 1);
  const parameters = { offset: (page - 1) * PAGE, limit: PAGE, text: state.text ?? "" };
  const found = await get("/api/items", parameters);
  if (mine !== turn) return;
  grids([make("ol", { class: "hits", "aria-label": "Photos" }, ...found.items.map(photoCard))]);
  pager(page, Math.max(1, Math.ceil(found.total / PAGE)));
  const what = state.text ? ` with “${state.text}”` : "";
  say(found.total ? `${found.total.toLocaleString()} photos${what}` : `No photo${what}`);
}

/** What the address asks to search with. */
function wish() {
  const wanted = { k: Number(state.k) || HITS, like: state.like, unlike: state.unlike };
  for (const name of ["item", "file"]) if (state[name]) wanted[name] = state[name];
  if (state.box) wanted.box = state.box.split(",").map(Number);
  return wanted;
}

async function showHits(mine) {
  say("Searching…");
  const wanted = wish();
  const columns = about.indexes.map(({ name }, index) => ({ name, index }));
  if (learning.ready) columns.splice(1, columns.length, { name: "as learned", index: 0, learned: true });
  const asked = columns.map(({ index, learned }) => send("POST", "/api/search", { ...wanted, index, learned }));
  const [answers] = await Promise.all([Promise.all(asked), showQuery(state, change)]);
  if (mine !== turn) return;
  showLocated(answers[0].located);
  grids(answers.map((answer, place) => hitList(answer.hits, columns[place], columns.length)));
  pager(1, 1);
  find("#more").hidden = answers[0].hits.length < wanted.k || wanted.k >= 600;
  const said = state.like.length + state.unlike.length;
  find("#save").hidden = !said;
  find("#learn").hidden = !(said || about.said);
  say(`${answers[0].hits.length} hits${said ? `, ${state.like.length} yes and ${state.unlike.length} no` : ""}`);
}

function hitList(hits, { name, ...column }, columns) {
  const explains = Boolean(state.item || state.file);
  const said = (key) => (state.like.includes(key) ? "like" : state.unlike.includes(key) ? "unlike" : "");
  const list = make("ol", { class: "hits", "aria-label": `Hits, ${name}` },
    ...hits.map((hit) => hitCard(hit, said(hit.key), { ...column, explains })));
  return columns < 2 ? list : make("section", {}, make("h2", {}, name), list);
}

function grids(lists) {
  find("#results").classList.toggle("compared", lists.length > 1);
  find("#results").replaceChildren(...lists);
  find("#more").hidden = true;
}

function pager(page, pages) {
  const link = (to, text, name) => make("a", { href: addressOf({ ...state, page: to > 1 ? to : "" }),
    "data-link": true, class: "button", "aria-label": name }, text);
  find("#pager").hidden = pages < 2;
  find("#pager").replaceChildren(
    page > 1 ? link(page - 1, "←", "Page before") : "",
    make("span", {}, `Page ${page} of ${pages.toLocaleString()}`),
    page < pages ? link(page + 1, "→", "Next page") : "");
}

/** Say yes or no to a hit, or take it back. */
function judge(key, what) {
  const without = (list) => list.filter((other) => other !== key);
  const next = { like: without(state.like), unlike: without(state.unlike) };
  if (!state[what].includes(key)) next[what].push(key);
  return change(next);
}

async function saveClicks() {
  const { item, like, unlike } = state;
  const box = state.box ? state.box.split(",").map(Number) : null;
  try {
    const saved = await send("POST", "/api/clicks", { item: item ?? null, box, like, unlike });
    about.said = saved.total;
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
  try {
    const kept = await upload("/api/files", file);
    await go(searchWith({ file: kept.file }));
  } catch (error) {
    say(error.message, { error: true });
  }
}

function focusOf(element) {
  const card = element?.closest?.("[data-key]");
  return card && { key: card.dataset.key, say: element.dataset.say };
}

function refocus(was) {
  if (!was) return;
  const card = [...document.querySelectorAll("[data-key]")].find((c) => c.dataset.key === was.key);
  find(was.say ? `[data-say=${was.say}]` : "a", card ?? document.createElement("p"))?.focus();
}

/** Move among the cards as they lie on the screen. */
function step(across, down) {
  const links = [...document.querySelectorAll("#results a.photo")];
  const here = links.indexOf(document.activeElement?.closest("[data-key]")?.querySelector("a.photo"));
  if (!links.length) return false;
  const top = (link) => Math.round(link.getBoundingClientRect().top);
  const columns = links.filter((link) => top(link) === top(links[0])).length || 1;
  const to = here < 0 ? 0 : here + across + down * columns;
  links[Math.min(links.length - 1, Math.max(0, to))].focus();
  return true;
}

function judgeFocused(what) {
  const card = document.activeElement?.closest("[data-key]");
  return card && isSearch(state) && card.dataset.key ? void judge(card.dataset.key, what) : false;
}

function why(button) {
  const { why: row, index, learned } = button.dataset;
  const { like, unlike, ...wanted } = wish(); // of the photo itself, whatever was liked
  showWhy({ ...wanted, row: Number(row), index: Number(index), learned: learned === "true" }, button);
}

function whyFocused() {
  const button = document.activeElement?.closest("[data-key]")?.querySelector("[data-why]");
  return button ? void why(button) : false;
}

document.addEventListener("click", (event) => {
  const asked = event.target.closest("[data-why]");
  if (asked) why(asked);
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
  go(addressOf({ text: find("#text").value, like: [], unlike: [] }));
});
find("#whole").addEventListener("click", () => change({ box: "" }));
find("#region").addEventListener("click", toggleTouch);
find("#save").addEventListener("click", saveClicks);
find("#learn").addEventListener("click", learn);
find("#more").addEventListener("click", () => change({ k: (Number(state.k) || HITS) + HITS }));
addEventListener("popstate", show);
acceptFiles(searchFile);
listen([
  [["/"], "filter by name or label", () => find("#text").focus()],
  [["ArrowLeft"], "photo before", () => step(-1, 0)],
  [["ArrowRight"], "next photo", () => step(1, 0)],
  [["ArrowUp"], "row above", () => step(0, -1)],
  [["ArrowDown"], "row below", () => step(0, 1)],
  [["y"], "yes: more like this hit", () => judgeFocused("like")],
  [["n"], "no: less like this hit", () => judgeFocused("unlike")],
  [["w"], "why this is a hit: what made it similar", whyFocused],
  [["r"], "choose a region: Enter, arrows, Shift+arrows, Enter", () => find("#stage")?.focus()],
  [["s"], "save yes and no as clicks", () => (find("#save").hidden ? false : void saveClicks())],
  [["t"], "learn from all clicks saved", () => (find("#learn").hidden ? false : void learn())],
  [["o"], "open a file to search with", () => find("#file").click()],
  [["Escape"], "back to all photos", () => (isSearch(state) ? void go("/") : false)],
  [["?"], "these keys", null],
].filter(([keys]) => keys[0] !== "?"));

about = await get("/api/about");
find("#title").textContent = about.indexes.map((index) => index.name).join(" and ");
document.title = `${find("#title").textContent} · tv gallery`;
await learning.look();
await show();
