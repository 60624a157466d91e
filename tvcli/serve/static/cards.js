// A photo in a grid: its picture, its caption and, for a hit, yes and no.

import { searchWith } from "./address.js";
import { make, shape } from "./dom.js";
import { pictureAt } from "./session.js";
import { shownWeight } from "./weights.js";

export function pictureOf(item, { index = 0, size = "thumb" } = {}) {
  const frame = make("span", { class: "frame" });
  const picture = make("img", {
    src: pictureAt(`/pictures/${item.row}`, { size, index }),
    alt: "", loading: "lazy", decoding: "async", draggable: "false",
  });
  picture.addEventListener("error", () => frame.replaceChildren(missing(item)));
  frame.append(picture);
  if (item.box && item.width) frame.append(outline(item.box, item));
  return frame;
}

/** A box drawn over a picture of any size: the viewBox is the photo's own size in pixels. */
export function outline(box, { width, height }, kind = "located") {
  const drawing = shape("svg", { viewBox: `0 0 ${width} ${height}`, class: `outline ${kind}`, "aria-hidden": "true" });
  const [x0, y0, x1, y1] = box;
  drawing.append(shape("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0 }));
  return drawing;
}

export function photoCard(item) {
  const link = make("a", { class: "photo", href: searchWith({ item: item.key }), "data-link": true, draggable: "false",
    "aria-label": `Search with ${item.name}${item.label ? `, ${item.label}` : ""}` }, pictureOf(item));
  return card(item, "", { index: 0 }, [link], caption(item));
}

export function hitCard(hit, said, column, weight = 1) {
  const score = hit.similarity.toFixed(3);
  const name = `Hit ${hit.rank}, ${hit.name}, similarity ${score}`;
  const picture = pictureOf(hit, column);
  const link = hit.key == null ? picture : make("a", { class: "photo", "data-link": true, draggable: "false",
    href: searchWith({ item: hit.key }), "aria-label": name }, picture);
  const judged = hit.key == null || column.index ? null : judgement(hit, said, weight);
  const kind = said === "like" ? "liked" : said === "unlike" ? "unliked" : "";
  return card(hit, kind, column, [link, judged], caption(hit, score));
}

function card(item, kind, column, parts, below) {
  const choose = item.key == null ? null : make("input", { type: "checkbox", class: "choose",
    title: "Choose (x)", "aria-label": `Choose ${item.name}` });
  const look = make("button", { type: "button", class: "look", "data-look": `${columnName(column)}.${item.row}`,
    title: "Look at it (space)", "aria-label": `Look at ${item.name}` }, "Look");
  const tools = make("span", { class: "tools" }, whyButton(item, column), look);
  const element = make("li", { "data-key": item.key ?? "", class: kind },
    make("div", { class: "over" }, ...parts.filter(Boolean), choose, tools), below);
  element.item = item;
  return element;
}

/** What an address calls a column of hits: the number of its index, or that it is what was learned. */
const columnName = ({ index, learned }) => (learned ? "learned" : String(index));

export function whyButton(hit, { index, learned, explains }) {
  if (!explains || hit.missing) return null;
  return make("button", { type: "button", class: "why", "data-why": hit.row, "data-index": index,
    "data-learned": Boolean(learned), title: "Why is this a hit? (w)", "aria-label": `Why ${hit.name} is a hit` }, "Why?");
}

export function judgement(hit, said, weight = 1) {
  const button = (what, mark, word) => {
    const counts = said === what && weight !== 1 ? ` ${shownWeight(weight)}` : "";
    const next = said !== what ? word : counts ? "take it back" : "once more: counts twice";
    return make("button", { type: "button", "data-say": what, "aria-pressed": String(said === what),
      title: `${next} (${mark})`, "aria-label": `${word}${counts}, to ${hit.name}` }, `${word}${counts}`);
  };
  return make("span", { class: "judgement" }, button("like", "y", "Yes"), button("unlike", "n", "No"));
}

function caption(item, score) {
  return make("p", { class: "caption" },
    score ? make("b", {}, score) : null,
    item.probability == null ? null : make("span", { class: "probable", title: "How probably it belongs with what you searched with" },
      percent(item.probability)),
    item.moved ? movement(item.moved) : null,
    item.label ? make("span", { class: "label" }, item.label) : null,
    item.same_content ? sameFiles(item.same_content) : null,
    named(item.name, item.image));
}

/** A photo's name, of which the folder gives way where there is no room; its path is a tooltip. */
export function named(name, path = name) {
  const at = name.lastIndexOf("/") + 1;
  return make("span", { class: "name", title: path },
    at ? make("span", { class: "folder" }, make("bdi", {}, name.slice(0, at))) : null, make("span", { class: "file" }, name.slice(at)));
}

/** How many other files have the same content, and which. */
const sameFiles = (names) => make("span", { class: "same", role: "img", title: names.join("\n"),
  "aria-label": `and ${names.length} more of the same content` }, `+${names.length}`);

/** A probability as people read it. */
export const percent = (probability) => `${Math.round(probability * 100)} %`;

function movement(moved) {
  if (moved === "new") return make("span", { class: "moved up" }, "new");
  const [mark, way] = moved > 0 ? ["▲", "up"] : ["▼", "down"];
  return make("span", { class: `moved ${way}`, role: "img", "aria-label": `${Math.abs(moved)} ${way}` }, `${mark}${Math.abs(moved)}`);
}

const missing = (item) =>
  make("span", { class: "missing" }, item.missing ? "this photo is gone" : "cannot be shown");
