// The photos as a strip of thumbnails, one page of the list at a time.

import { get } from "./api.js";
import { find, make, numberOf } from "./dom.js";
import { rove, roving } from "./roving.js";
import { pictureAt } from "./session.js";

const PAGE = 60;

export class Strip {
  offset = 0;
  total = 0;
  photos = [];
  current = null; // the place of the photo shown

  constructor(open) {
    roving(find("#strip"));
    find("#strip").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) open(Number(button.dataset.place), event);
    });
    find("#earlier").addEventListener("click", () => this.page(this.offset - PAGE));
    find("#later").addEventListener("click", () => this.page(this.offset + PAGE));
  }

  /** Show the list that a filter gives, from its start. */
  async filter(parameters) {
    const { fresh, ...others } = parameters;
    this.parameters = others;
    return this.page(0, fresh ? { fresh } : {});
  }

  /** Show the page of the list that holds its photo number `at`, from 0. */
  pageOf(at) {
    return this.page(Math.floor(at / PAGE) * PAGE);
  }

  async page(offset, more = {}) {
    const found = await get("/api/photos", { ...this.parameters, ...more, offset: Math.max(0, offset), limit: PAGE });
    Object.assign(this, { offset: found.offset, total: found.total, photos: found.photos });
    const hadFocus = find("#strip").contains(document.activeElement);
    find("#strip").replaceChildren(...found.photos.map(thumb));
    find("#earlier").disabled = this.offset === 0;
    find("#later").disabled = this.offset + PAGE >= this.total;
    this.mark(this.current);
    if (hadFocus) find("#strip button[tabindex='0']")?.focus();
    return found;
  }

  has(place) {
    return this.photos.some((photo) => photo.place === place);
  }

  /** The number of the photo shown in the list, from 1; null where the page does not show it. */
  get number() {
    const here = this.photos.findIndex((photo) => photo.place === this.current);
    return here < 0 ? null : this.offset + here + 1;
  }

  mark(place, { boxes = null, empty = false } = {}) {
    this.current = place;
    for (const button of find("#strip").querySelectorAll("button")) {
      const own = Number(button.dataset.place) === place;
      button.setAttribute("aria-current", String(own));
      if (!own) continue;
      if (boxes != null) count(button, { boxes, empty });
      button.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    rove(find("#strip"));
  }
}

function thumb(photo) {
  const picture = make("img", { src: pictureAt(`/pictures/${photo.place}`, { size: "thumb" }), alt: "", loading: "lazy", draggable: "false" });
  picture.addEventListener("error", () => picture.replaceWith(make("span", { class: "missing" }, "cannot be shown")));
  const button = make("button", { type: "button", "data-place": photo.place, title: photo.name }, picture);
  count(button, photo);
  return make("li", {}, button);
}

function count(button, { boxes, empty }) {
  find("i", button)?.remove();
  if (boxes || empty) button.append(make("i", { "aria-hidden": true, class: empty ? "empty" : "" }, empty ? "none" : boxes));
  const told = empty ? "no object" : numberOf(boxes, "box", "boxes");
  button.setAttribute("aria-label", `${button.title}, ${told}`);
}
