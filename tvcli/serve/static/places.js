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
  const links = [...document.querySelectorAll("#results a.photo")];
  const here = links.indexOf(find("a.photo", focusedCard() ?? document.createElement("p")));
  if (!links.length) return null;
  const top = (link) => Math.round(link.getBoundingClientRect().top);
  const columns = links.filter((link) => top(link) === top(links[0])).length || 1;
  const to = here < 0 ? 0 : here + across + down * columns;
  const link = links[Math.min(links.length - 1, Math.max(0, to))];
  link.focus();
  return link.closest("[data-key]");
}
