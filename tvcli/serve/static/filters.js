// Filters that go with any search: labels, folders, the least similarity, files once, and the order.

import { get } from "./api.js";
import { filtersOf, isMap, isSearch } from "./address.js";
import { percent } from "./cards.js";
import { find, make } from "./dom.js";

const ORDERS = [["", "most similar first", "as in the index"], ["name", "by name", "by name"], ["label", "by label", "by label"]];
/** By what hits are cut: its name, the field of a hit, how its least is written. */
const MEASURES = { min: ["Similarity", "similarity", (least) => least.toFixed(2)], probability: ["Probability", "probability", percent] };
let counted = { by: null, facets: null };

export function askFacets(state) {
  const by = new URLSearchParams(filtersOf(state)).toString();
  if (counted.by !== by) counted = { by, facets: get(`/api/facets?${by}`) };
  return counted.facets;
}

/** Show the filters of a state; `change` is told which change; `calibrated`: hits tell how probable they are. */
export function showFilters(state, facets, change, { calibrated = false } = {}) {
  const place = find("#filters");
  const open = new Set([...place.querySelectorAll("details[open]")].map((one) => one.dataset.of));
  const focused = document.activeElement?.closest("#filters") && document.activeElement.dataset.value;
  place.replaceChildren(...[facet("label", "Label", facets.labels, state, change, open),
    facet("folder", "Folder", facets.folders, state, change, open),
    isSearch(state) ? slider(state, change, calibrated && !state.min ? "probability" : "min") : null,
    isSearch(state) ? once(state, change) : null, isMap(state) ? null : order(state, change),
    views(state, change)].filter(Boolean));
  if (focused) find(`[data-value="${CSS.escape(focused)}"]`, place)?.focus();
}

function facet(of, name, counts, state, change, open) {
  const chosen = state[of];
  if (counts.length < 2 && !chosen.length) return null;
  const toggle = (value) => change({ page: "",
    [of]: chosen.includes(value) ? chosen.filter((other) => other !== value) : [...chosen, value] });
  const lines = counts.map(([value, count]) => make("label", {},
    make("input", { type: "checkbox", "data-value": `${of} ${value}`, onchange: () => toggle(value), checked: chosen.includes(value) }),
    make("span", {}, value), make("small", {}, count.toLocaleString())));
  return make("details", { "data-of": of, open: open.has(of) },
    make("summary", { class: "button", "data-value": `${of} summary` }, chosen.length ? `${name}: ${chosen.join(", ")}` : name),
    make("div", { class: "choices" }, ...lines,
      chosen.length ? make("button", { type: "button", onclick: () => change({ [of]: [], page: "" }) }, "Any") : null));
}

function slider(state, change, by) {
  const [name, field, written] = MEASURES[by];
  const told = (least) => (least ? written(least) : "any");
  const shown = make("output", {}, told(Number(state[by] ?? 0)));
  const input = make("input", { type: "range", min: 0, max: 1, step: 0.01, value: state[by] ?? 0, "data-value": "least",
    "aria-label": `Least ${field}` });
  input.addEventListener("input", () => {
    const least = Number(input.value);
    shown.textContent = told(least);
    for (const card of document.querySelectorAll("#results li[data-key]")) card.hidden = card.item[field] < least;
  });
  input.addEventListener("change", () => change({ [by]: Number(input.value) ? input.value : "" }));
  return make("label", { class: "least" }, `${name} at least `, input, shown);
}

/** Show files of the same content as one hit. */
const once = (state, change) => make("button", { type: "button", "data-value": "distinct", "aria-pressed": String(Boolean(state.distinct)),
  title: "Files of the same content are one hit, which lists the others", onclick: () => change({ distinct: state.distinct ? "" : "1" }) },
  "Same files once");

function order(state, change) {
  const select = make("select", { "aria-label": "Order", "data-value": "order", onchange: () => change({ sort: select.value }) },
    ...ORDERS.map(([value, searched, browsed]) => make("option", { value }, isSearch(state) ? searched : browsed)));
  select.value = state.sort ?? "";
  return select;
}

/** Show the photos as a grid, or as a map. */
function views(state, change) {
  const view = (name, value, title) => make("button", { type: "button", "data-value": `view ${name}`, title,
    "aria-pressed": String(isMap(state) === Boolean(value)), onclick: () => change({ view: value }) }, name);
  return make("span", { class: "views", role: "group", "aria-label": "View" },
    view("Grid", "", "As a grid (m)"), view("Map", "map", "As a map: similar photos lie close together (m)"));
}

/** Hits in the order of a state. */
export function inOrder(hits, sort) {
  const keys = { name: (hit) => hit.name, label: (hit) => `${hit.label ?? ""}\0${hit.name}` }[sort];
  return keys ? hits.toSorted((a, b) => keys(a).localeCompare(keys(b))) : hits;
}
