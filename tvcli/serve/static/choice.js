// Which photos are chosen: by the box on a card, a click with a modifier, a range, a drag around them, or keys.
// What is chosen stays so on other pages and in other searches, until it is cleared.

import { Band } from "./band.js";

export class Choice {
  #items = new Map(); // what is known of each photo, by its key
  #from = null; // the key that a range begins at

  /** Photos are chosen among the cards in `place`; `onchange` is called when others are. */
  constructor(place, onchange) {
    Object.assign(this, { place, onchange });
    place.addEventListener("click", (event) => this.#click(event), true);
    new Band(place, (cards, { adding }) => this.#replace(cards, adding));
  }

  get items() {
    return [...this.#items.values()];
  }

  get keys() {
    return [...this.#items.keys()];
  }

  get size() {
    return this.#items.size;
  }

  has(key) {
    return this.#items.has(key);
  }

  toggle(card) {
    const { key } = card.dataset;
    this.#from = key;
    if (this.has(key)) this.#items.delete(key);
    else this.#items.set(key, card.item);
    this.#changed();
  }

  /** Choose all from the card that was chosen last to this one. */
  range(card) {
    const cards = this.#cards(card.closest("ol"));
    const start = cards.findIndex((other) => other.dataset.key === this.#from);
    const [low, high] = [start < 0 ? cards.indexOf(card) : start, cards.indexOf(card)].sort((a, b) => a - b);
    this.add(cards.slice(low, high + 1).map((other) => other.item));
    this.#from ??= card.dataset.key;
  }

  add(items) {
    for (const item of items) this.#items.set(item.key, item);
    this.#changed();
  }

  remove(key) {
    this.#items.delete(key);
    this.#changed();
  }

  all() {
    this.add(this.#cards().map((card) => card.item));
  }

  clear() {
    this.#items.clear();
    this.#from = null;
    this.#changed();
  }

  /** Show on the cards which are chosen; what is known of those shown is the newest. */
  mark() {
    for (const card of this.#cards()) {
      const chosen = this.has(card.dataset.key);
      if (chosen) this.#items.set(card.dataset.key, card.item);
      card.classList.toggle("chosen", chosen);
      card.querySelector(".choose").checked = chosen;
    }
  }

  #cards(within = this.place) {
    return [...within.querySelectorAll("li[data-key]")].filter((card) => card.dataset.key);
  }

  #replace(cards, adding) {
    if (!adding) this.#items.clear();
    this.add(cards.filter((card) => card.dataset.key).map((card) => card.item));
  }

  #click(event) {
    const card = event.target.closest("li[data-key]");
    if (!card?.dataset.key) return;
    const box = event.target.closest(".choose");
    const modified = event.ctrlKey || event.metaKey || event.shiftKey;
    if (!box && !(modified && event.target.closest("a.photo"))) return;
    if (!box) event.preventDefault();
    event.stopPropagation();
    if (event.shiftKey) this.range(card);
    else this.toggle(card);
  }

  #changed() {
    this.mark();
    this.onchange();
  }
}
