// A map in words: what its axes show, and where its groups lie.

import { make } from "./dom.js";
import { SIDE } from "./map_points.js";

const percent = (share) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
export const METHODS = { pca: "PCA", umap: "UMAP" };

/** What a layout shows of the collection, and what it does not. */
export function shownBy({ layout, method }) {
  const thinned = layout.step > 1 ? ` One photo of ${layout.step} is shown.` : "";
  if (!layout.explained) {
    return "UMAP puts photos beside their most similar ones. How far apart groups lie, and how large they are, means little."
      + thinned;
  }
  const [across, down] = layout.explained;
  const left = 1 - across - down;
  return `${METHODS[method]}: of all that differs between the photos, ${percent(across)} is shown across and `
    + `${percent(down)} up and down. The other ${percent(left)} is not shown: photos that lie together may differ.${thinned}`;
}

/** Where each group lies and which is closest to it, as rows of a table. */
function groupsOf(points, groups) {
  const sums = [...groups.names, "others"].map((name) => ({ name, count: 0, x: 0, y: 0 }));
  for (const point of points.where(() => true)) {
    const sum = sums[groups.of[point]] ?? sums.at(-1);
    sum.count += 1;
    sum.x += points.x[point];
    sum.y += points.y[point];
  }
  const found = sums.filter(({ count }) => count).map((sum) => ({ ...sum, x: sum.x / sum.count, y: sum.y / sum.count }));
  const apart = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
  return found.map((group) => {
    const others = found.filter((other) => other !== group && other.name !== "others");
    const closest = others.length ? others.reduce((a, b) => (apart(group, b) < apart(group, a) ? b : a)).name : "";
    return { ...group, where: whereOf(group), closest };
  });
}

function whereOf({ x, y }) {
  const across = ["left", "middle", "right"][Math.min(2, Math.floor((3 * x) / SIDE))];
  const down = ["top", "middle", "bottom"][Math.min(2, Math.floor((3 * y) / SIDE))];
  return across === down ? across : `${down} ${across}`;
}

/** A table of the groups, for those who do not see the map. */
export function tableOf(points, groups, kind) {
  const head = [kind, "photos", "centre", "closest"].map((text) => make("th", { scope: "col" }, text));
  const rows = groupsOf(points, groups).map(({ name, count, where, closest }) => make("tr", {},
    make("th", { scope: "row" }, name), make("td", {}, count.toLocaleString()), make("td", {}, where), make("td", {}, closest)));
  return make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
}
