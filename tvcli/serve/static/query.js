// What is searched with: the photo, its region, what was liked, and what can be done with that.

import { get } from "./api.js";
import { find, make } from "./dom.js";
import { Region } from "./region.js";
import { pictureAt } from "./session.js";

let shown = { of: null, region: null };

/** Show the query of a state; `change` is given what becomes different when a region is chosen. */
export async function showQuery(state, change) {
  const panel = find("#query");
  panel.hidden = false;
  const of = state.item ? `item ${state.item}` : state.file ? `file ${state.file}` : "examples";
  if (shown.of !== of) {
    const photo = await photoOf(state).catch((error) => {
      hideQuery();
      throw error;
    });
    shown = { of, region: photo ? stage(photo, change) : null };
    if (!photo) find("#stage").replaceChildren();
    find("#query-name").textContent = photo?.name ?? (state.file ? "your file" : "what you like");
    panel.classList.toggle("plain", !photo);
  }
  const box = state.box?.split(",").map(Number);
  shown.region?.show(box ?? null);
  find("#whole").hidden = !box;
  find("#region").hidden = !shown.region;
}

/** Draw where the object was found in the photo. */
export function showLocated(box) {
  if (box) shown.region?.show(box, "located");
}

export function hideQuery() {
  document.body.classList.remove("searching"); // there is no panel beside the photos
  find("#query").hidden = true;
  shown = { of: null, region: null };
}

export function toggleTouch() {
  const on = find("#region").getAttribute("aria-pressed") !== "true";
  find("#region").setAttribute("aria-pressed", String(on));
  find("#stage").classList.toggle("drawing", on);
  if (shown.region) shown.region.touch = on;
  find("#stage").focus();
}

async function photoOf(state) {
  if (state.item) return get("/api/item", { key: state.item });
  return state.file ? get(`/api/files/${encodeURIComponent(state.file)}`) : null;
}

function stage(photo, change) {
  const place = find("#stage");
  const source = photo.file ? pictureAt(`/api/files/${photo.file}/picture`)
    : pictureAt(`/pictures/${photo.row}`, { size: "view" });
  if (photo.unreadable) {
    place.replaceChildren(make("span", { class: "missing" }, photo.unreadable));
    return null;
  }
  const fresh = place.cloneNode(false); // without the listeners of the photo before
  fresh.append(make("img", { src: source, alt: photo.name ?? "your file", width: photo.width,
    height: photo.height, draggable: "false" }));
  place.replaceWith(fresh);
  const region = new Region(fresh, photo, (box) => change({ box: box.join(",") }));
  region.show(photo.box ?? null, "located");
  return region;
}
