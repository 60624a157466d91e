// The two views of the box editor, one photo alone and the sheet of many: which is shown, and going to the other.

import { find } from "./dom.js";
import { addressWith, readFilters } from "./travel.js";

export class Views {
  constructor({ travel, sheet, editing }) {
    Object.assign(this, { travel, sheet, editing });
  }

  /** The places of the photos shown. */
  get shown() {
    if (this.sheet.isOpen) return this.sheet.places;
    return this.editing.photo?.place >= 0 ? [this.editing.photo.place] : [];
  }

  isAlone(place) {
    return !this.sheet.isOpen && place === this.editing.photo?.place;
  }

  focus() {
    if (this.sheet.isOpen) this.sheet.focus();
    else find("#stage").focus();
  }

  #change(isSheet) {
    document.body.classList.toggle("on-sheet", isSheet);
    find("#sheet").hidden = !isSheet;
    find("#work").hidden = isSheet;
    find("#view").setAttribute("aria-pressed", String(isSheet));
    if (find("#work:focus-within, #sheet:focus-within")?.hidden) document.activeElement.blur(); // browsers do it, but later
  }

  /** Show the sheet, and do there what `work` does. */
  async toSheet({ push = true, work = () => this.sheet.enter() } = {}) {
    if (push && !this.sheet.isOpen) history.pushState({}, "", addressWith({ view: "sheet" }));
    document.title = "Sheet · tv annotate boxes";
    this.#change(true);
    await work();
  }

  /** Leave the sheet for a photo, null for the first of the list. */
  async toPhoto(place, { push = true } = {}) {
    this.#change(false);
    await this.travel.enter(place, { push, isStale: true });
    this.focus();
  }

  /** Open a photo alone. */
  open(place) {
    return this.travel.inTurn(() => (this.sheet.isOpen ? this.toPhoto(place) : this.travel.open(place)));
  }

  other() {
    return this.travel.inTurn(() => (this.sheet.isOpen ? this.toPhoto(this.sheet.place) : this.toSheet()));
  }

  /** Show what the address says, else the photo `begin`. */
  start({ begin = null } = {}) {
    readFilters();
    const query = new URLSearchParams(location.search);
    if (query.get("view") === "sheet") return this.toSheet({ push: false, work: () => this.sheet.begin() });
    const place = query.get("photo") ?? begin;
    return this.sheet.isOpen ? this.toPhoto(place, { push: false }) : this.travel.enter(place, { push: false });
  }

  refilter(event) {
    return this.sheet.isOpen ? this.travel.inTurn(() => this.sheet.begin()) : this.travel.refilter(event);
  }

  refresh(how) {
    return this.sheet.isOpen ? this.sheet.refresh() : this.travel.refresh(how);
  }
}
