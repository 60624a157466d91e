// The photos as a strip of thumbnails, one page of the list at a time.

import { get } from "./api.js";
import { find, make } from "./dom.js";
import { pictureAt } from "./session.js";

const PAGE = 60;

export class Strip {
  constructor(open) {
    this.offset = 0;
    this.photos = [];
    find("#strip").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) open(Number(button.dataset.place));
    });
    find("#earlier").addEventListener("click", () => this.page(this.offset - PAGE));
    find("#later").addEventListener("click", () => this.page(this.offset + PAGE));
  }

  /** Show the list that a filter gives, from its start. */
  async filter(parameters) {
    this.parameters = parameters;
    return this.page(0);
  }

  async page(offset) {
    const found = await get("/api/photos", { ...this.parameters, offset: Math.max(0, offset), limit: PAGE });
    Object.assign(this, { offset: found.offset, total: found.total, photos: found.photos });
    find("#strip").replaceChildren(...found.photos.map(thumb));
    find("#earlier").disabled = this.offset === 0;
    find("#later").disabled = this.offset + PAGE >= this.total;
    this.mark(this.current);
    return found;
  }

  mark(place, boxes = null) {
    this.current = place;
    for (const button of find("#strip").querySelectorAll("button")) {
      const own = Number(button.dataset.place) === place;
      button.setAttribute("aria-current", String(own));
      if (!own) continue;
      if (boxes != null) count(button, boxes);
      button.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }
}

function thumb(photo) {
  const picture = make("img", { src: pictureAt(`/pictures/${photo.place}`, { size: "thumb" }), alt: "", loading: "lazy", draggable: "false" });
  picture.addEventListener("error", () => picture.replaceWith(make("span", { class: "missing" }, "cannot be read")));
  const button = make("button", { type: "button", "data-place": photo.place, title: photo.name }, picture);
  count(button, photo.boxes, photo.name);
  return make("li", {}, button);
}

function count(button, boxes) {
  find("i", button)?.remove();
  if (boxes) button.append(make("i", { "aria-hidden": true }, boxes));
  button.setAttribute("aria-label", `${button.title}, ${boxes} ${boxes === 1 ? "box" : "boxes"}`);
}
