// From photo to photo: opening one, the next, a number of the list, and the address that says which.

import { get } from "./api.js";
import { find, say } from "./dom.js";
import { openedPhoto } from "./opened.js";

const FIELDS = [["which", "filter"], ["order", "order"], ["text", "text"]];
const NOTHING = { place: -1, name: "", boxed: [], proposals: [], empty: false };

/** Fill in the filters that the address names. */
export function readFilters() {
  const query = new URLSearchParams(location.search);
  for (const [id, name] of FIELDS) if (query.get(name)) find(`#${id}`).value = query.get(name);
}

export const filters = () => Object.fromEntries(FIELDS.map(([id, name]) => [name, find(`#${id}`).value]));

export class Travel {
  #moving = null;
  #parameters = null;

  /** `show(photo)` shows one that was opened. */
  constructor({ editing, saver, strip, show, progress }) {
    Object.assign(this, { editing, saver, strip, show, progress });
  }

  /** Do something once what was asked for before is done: while a photo opens, the next waits. */
  inTurn(work) {
    const mine = Promise.resolve(this.#moving).then(work)
      .catch((error) => say(error.message, { error: true }))
      .finally(() => { if (this.#moving === mine) this.#moving = null; });
    this.#moving = mine;
    return mine;
  }

  get isMoving() {
    return this.#moving !== null;
  }

  waiting(action) {
    return (event) => (this.#moving ? void this.inTurn(() => void action(event)) : action(event));
  }

  async open(place, { push = true } = {}) {
    const { saver, editing, strip } = this;
    editing.show(await openedPhoto(place, { saver, past: editing.history }));
    if (push) history.pushState({}, "", addressOf(place));
    document.title = `${editing.photo.name} · tv annotate boxes`;
    if (!strip.has(place)) await this.#showPageOf(place);
    strip.mark(place);
    this.#number();
    this.show(editing.photo);
  }

  /** Show that there is no photo, and why. */
  #none() {
    const { text, filter } = filters();
    const kinds = { unboxed: "that was not looked at", boxed: "with boxes", empty: "without an object" };
    const reason = ["No photo", kinds[filter], text && `with “${text}” in its name`].filter(Boolean).join(" ");
    this.editing.show({ ...NOTHING, unreadable: `${reason}.`, isNone: true });
    this.strip.mark(null);
    document.title = "tv annotate boxes";
    this.#number();
    this.show(this.editing.photo);
  }

  async #showPageOf(place) {
    const { at } = await get("/api/place", { ...filters(), of: place });
    if (at != null) await this.strip.pageOf(at);
  }

  #number() {
    find("#number").value = this.strip.number ?? "";
    find("#total").textContent = `of ${this.strip.total.toLocaleString()}`;
  }

  go(step, parameters = filters()) {
    return this.inTurn(async () => {
      const from = this.editing.photo?.place ?? -1;
      const { place, extended } = await get("/api/next", { ...parameters, from, step });
      if (extended) await this.strip.page(this.strip.offset);
      if (place == null) say(step > 0 ? "No photo after this one" : "No photo before this one");
      else await this.open(place);
    });
  }

  /** Open a photo by its number in the list, from 1. */
  jump(text) {
    return this.inTurn(async () => {
      const number = Number(text);
      if (!Number.isInteger(number) || number < 1 || number > this.strip.total) {
        this.#number();
        return say(`Photos of this list are 1 to ${this.strip.total.toLocaleString()}`, { error: true });
      }
      await this.strip.pageOf(number - 1);
      await this.open(this.strip.photos[number - 1 - this.strip.offset].place);
    });
  }

  /** Show what the filters ask for, from its start; by doubt in a new order. */
  refilter(event) {
    return this.inTurn(async () => {
      const fresh = event?.target.id === "order" ? { fresh: 1 } : {};
      this.progress(await this.strip.filter({ ...filters(), ...fresh }));
      this.#parameters = JSON.stringify(filters());
      if (this.strip.photos.length) await this.open(this.strip.photos[0].place);
      else this.#none();
    });
  }

  showAll() {
    for (const [id, name] of FIELDS) find(`#${id}`).value = { filter: "all", order: find("#order").value, text: "" }[name];
    return this.refilter();
  }

  /** Open a photo, null for the first of the list; `isStale`: photos were changed since the list was shown. */
  async enter(place, { push = true, isStale = false } = {}) {
    const parameters = JSON.stringify(filters());
    if (isStale || this.#parameters !== parameters) this.progress(await this.strip.filter(filters()));
    this.#parameters = parameters;
    const first = place ?? this.strip.photos[0]?.place;
    if (first == null) this.#none();
    else await this.open(Number(first), { push });
  }

  /** Show the list and the photo again, after the server read the file or was started anew. */
  async refresh({ place = this.editing.photo?.place } = {}) {
    await this.strip.page(this.strip.offset);
    if (place >= 0) await this.open(place, { push: false });
  }
}

export const addressOf = (place) => addressWith({ photo: place });

export function addressWith(parameters) {
  const query = new URLSearchParams(parameters);
  for (const [name, value] of Object.entries(filters()))
    if (value && value !== "all" && value !== "name") query.set(name, value);
  return `/?${query}`;
}
