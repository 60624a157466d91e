// A photo in a grid: its picture, its caption and, for a hit, yes and no.

import { searchWith } from "./address.js";
import { make } from "./dom.js";
import { pictureAt } from "./session.js";

export function pictureOf(item, { index = 0, size = "thumb" } = {}) {
  const frame = make("span", { class: "frame" });
  const picture = make("img", {
    src: pictureAt(`/pictures/${item.row}`, { size, index }),
    alt: "", loading: "lazy", decoding: "async", draggable: "false",
  });
  picture.addEventListener("error", () => frame.replaceChildren(missing(item)));
  frame.append(picture);
  if (item.box && item.width) {
    frame.append(outline(item.box, item));
  }
  return frame;
}

/** A box drawn over a picture of any size: the viewBox is the photo's own size in pixels. */
export function outline(box, { width, height }, kind = "located") {
  const namespace = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(namespace, "svg");
  const shape = document.createElementNS(namespace, "rect");
  drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
  drawing.setAttribute("class", `outline ${kind}`);
  drawing.setAttribute("aria-hidden", "true");
  const [x0, y0, x1, y1] = box;
  const sides = { x: x0, y: y0, width: x1 - x0, height: y1 - y0 };
  for (const [name, value] of Object.entries(sides)) shape.setAttribute(name, value);
  drawing.append(shape);
  return drawing;
}

export function photoCard(item) {
  const link = make("a", { class: "photo", href: searchWith({ item: item.key }), "data-link": true,
    "aria-label": `Search with ${item.name}${item.label ? `, ${item.label}` : ""}` }, pictureOf(item));
  return make("li", { "data-key": item.key }, link, caption(item));
}

export function hitCard(hit, said, { index, learned, explains }) {
  const score = hit.similarity.toFixed(3);
  const name = `Hit ${hit.rank}, ${hit.name}, similarity ${score}`;
  const picture = pictureOf(hit, { index });
  const link = hit.key == null ? picture : make("a", { class: "photo", "data-link": true,
    href: searchWith({ item: hit.key }), "aria-label": name }, picture);
  const judged = hit.key == null || index ? null : judgement(hit, said);
  const why = !explains || hit.missing ? null : make("button", { type: "button", class: "why", "data-why": hit.row,
    "data-index": index, "data-learned": Boolean(learned), title: "Why is this a hit? (w)", "aria-label": `Why ${hit.name} is a hit` }, "Why?");
  const kind = said === "like" ? "liked" : said === "unlike" ? "unliked" : "";
  return make("li", { "data-key": hit.key ?? "", class: kind }, link, judged, why, caption(hit, score));
}

function judgement(hit, said) {
  const button = (what, mark, word) => make("button", {
    type: "button", "data-say": what, "aria-pressed": String(said === what),
    title: `${word} (${mark})`, "aria-label": `${word}, to ${hit.name}`,
  }, word);
  return make("span", { class: "judgement" }, button("like", "y", "Yes"), button("unlike", "n", "No"));
}

function caption(item, score) {
  return make("p", { class: "caption" },
    score ? make("b", {}, score) : null,
    item.label ? make("span", { class: "label" }, item.label) : null,
    make("span", { title: item.image }, item.name));
}

const missing = (item) =>
  make("span", { class: "missing" }, item.missing ? "this photo is gone" : "cannot be shown");
