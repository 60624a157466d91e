// What the address shows: a page of photos, or the hits of a search.

import { addressOf, filtersOf } from "./address.js";
import { get, send } from "./api.js";
import { hitCard, percent, photoCard } from "./cards.js";
import { find, make, numberOf } from "./dom.js";
import { inOrder } from "./filters.js";
import { showPager } from "./pager.js";
import { weightOf, weightsOf } from "./weights.js";

const PAGE = 60;
const HITS = 30;
const MOST = 600;

const hitsOf = (state) => Number(state.k) || HITS;
export const moreHits = (state) => hitsOf(state) + HITS;

/** What the address asks to search with. */
export function wish(state) {
  const { like, unlike, label, folder } = state;
  const wanted = { k: hitsOf(state), like, unlike, label, folder, weights: weightsOf(state), without_query: true };
  if (state.text) wanted.text = state.text;
  if (state.distinct) wanted.distinct = true;
  if (state.min) wanted.min_score = Number(state.min);
  if (state.probability) wanted.min_probability = Number(state.probability);
  for (const name of ["item", "file"]) if (state[name]) wanted[name] = state[name];
  if (state.box) wanted.box = state.box.split(",").map(Number);
  return wanted;
}

export function askPage(state) {
  const page = Math.max(1, Number(state.page) || 1);
  const wanted = [["offset", (page - 1) * PAGE], ["limit", PAGE], ["sort", state.sort ?? ""], ...filtersOf(state)];
  return get("/api/items", wanted);
}

export function showPage(state, found, go) {
  grids([make("ol", { class: "hits", "aria-label": "Photos" }, ...found.items.map(photoCard))]);
  const address = (page) => addressOf({ ...state, page: page > 1 ? page : "" });
  showPager(found.offset / PAGE + 1, Math.max(1, Math.ceil(found.total / PAGE)), address, (page) => go(address(page)));
  const what = state.text ? ` with “${state.text}”` : "";
  return [found.total ? `${found.total.toLocaleString()} photos${what}` : `No photo${what}`, found.total];
}

/** Ask each column; one that knows no probabilities is not cut by them. */
export const askHits = (state, columns) => Promise.all(columns.map(({ index, learned, calibrated }) => {
  const { min_probability, ...others } = wish(state);
  return send("POST", "/api/search", { ...others, ...(calibrated ? { min_probability } : {}), index, learned });
}));

export function showHits(state, columns, answers) {
  const explains = Boolean(state.item || state.file);
  if (columns[1]?.learned) markMoved(answers[0].hits, answers[1].hits);
  const lists = answers.map(({ hits }, place) => hitList(state, inOrder(hits, state.sort), { ...columns[place], explains }));
  grids(columns.length < 2 ? lists
    : lists.map((list, place) => make("section", {}, make("h2", {}, columns[place].name), list)));
  find("#pager").hidden = true;
  return [toldOfHits(state, answers[0].hits), answers[0].hits.length];
}

/** What to tell of hits; more are offered where there may be more. */
export function toldOfHits(state, { length: count }) {
  find("#more").hidden = count < hitsOf(state) || count >= MOST;
  const said = state.like.length + state.unlike.length;
  if (!count && state.min) return `No hit of a similarity of ${Number(state.min).toFixed(2)} or more`;
  if (!count && state.probability) return `No hit with a probability of ${percent(state.probability)} or more`;
  const what = state.text ? ` with “${state.text}”` : "";
  if (!count && state.text) return `No hit${what}`;
  return `${numberOf(count, "hit")}${what}${said ? `, ${state.like.length} yes and ${state.unlike.length} no` : ""}`;
}

/** Note at each hit how many places it moved up, or that it is new. */
function markMoved(before, after) {
  const ranks = new Map(before.map((hit) => [hit.row, hit.rank]));
  for (const hit of after) hit.moved = ranks.has(hit.row) ? ranks.get(hit.row) - hit.rank : "new";
}

function hitList(state, hits, column) {
  return make("ol", { class: "hits", "aria-label": `Hits, ${column.name}` },
    ...hits.map((hit) => hitCard(hit, saidOf(state, hit.key), column, weightOf(state, hit.key))));
}

/** What was said of a hit: `like`, `unlike`, or nothing. */
export const saidOf = (state, key) =>
  (state.like.includes(key) ? "like" : state.unlike.includes(key) ? "unlike" : "");

export const clearGrid = () => grids([]);

function grids(lists) {
  find("#results").classList.toggle("compared", lists.length > 1);
  find("#results").replaceChildren(...lists);
  find("#more").hidden = true;
}
