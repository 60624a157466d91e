// Where the focus is among the cards, and moving it as they lie on the screen.

import { find } from "./dom.js";

const cardOf = (element) => element?.closest?.("#results [data-key]");

export const focusedCard = () => cardOf(document.activeElement);

/** Remember what of which card has the focus; what is returned gives it back, in cards drawn anew. */
export function keepFocus() {
  const card = focusedCard();
  if (!card) return () => {};
  const { key } = card.dataset;
  const { say } = document.activeElement.dataset;
  const chooses = document.activeElement.matches(".choose");
  return () => {
    if (find("dialog[open]")) return;
    const again = [...document.querySelectorAll("#results [data-key]")].find((other) => other.dataset.key === key);
    if (again) find(say ? `[data-say=${say}]` : chooses ? ".choose" : "a", again)?.focus();
  };
}

/** Move the focus among the cards by so many columns and rows; returns the card, or none. */
export function step(across, down) {
  const card = focusedCard();
  const link = beside([...document.querySelectorAll("#results a.photo")], card && find("a.photo", card), across, down);
  link?.focus();
  return link?.closest("[data-key]") ?? null;
}

/** Which of some elements of a grid is so many columns and rows from one of them; the first from none. */
export function beside(all, one, across, down) {
  const here = all.indexOf(one);
  const top = (other) => Math.round(other.getBoundingClientRect().top);
  const columns = all.filter((other) => top(other) === top(all[0])).length;
  return all[here < 0 ? 0 : Math.min(all.length - 1, Math.max(0, here + across + down * columns))];
}
