// The map in place of the grid: what the filters leave, and a search with its hits marked.

import { get } from "./api.js";
import { filtersOf } from "./address.js";
import { find } from "./dom.js";
import { clearGrid, saidOf, toldOfHits } from "./results.js";

/** Show a state on the map, with the hits of a search if there are any; returns what to tell, and how many there are. */
export async function showOnMap(map, state, { hits = null, isCurrent }) {
  clearGrid();
  find("#pager").hidden = true;
  const filters = filtersOf(state);
  const [filtered, query] = await Promise.all([filters.length ? get("/api/rows", filters) : null,
    state.item ? get("/api/item", { key: state.item }) : null]);
  if (!isCurrent()) return [];
  const rows = filtered?.rows ?? null;
  const marked = (hits ?? []).map((hit) => ({ row: hit.row, rank: hit.rank,
    kind: { like: "yes", unlike: "no" }[saidOf(state, hit.key)] ?? "hit" }));
  if (query) marked.push({ row: query.row, kind: "query" });
  await map.show(state, { rows, marked, isCurrent });
  if (!isCurrent()) return [];
  const all = map.points.layout.rows;
  if (hits) return [`${toldOfHits(state, hits)}${hits.length ? ", marked on the map" : ""}`, hits.length];
  if (!rows) return [`${all.toLocaleString()} photos on the map`, all];
  const what = state.text ? ` with “${state.text}”` : "";
  const told = rows.length ? `${rows.length.toLocaleString()} of ${all.toLocaleString()} photos${what}` : `No photo${what}`;
  return [told, rows.length];
}
