// A row of buttons as one stop of the Tab key: arrows, Home and End move within it.

import { find } from "./dom.js";

const buttonsOf = (row) => [...row.querySelectorAll("button:not(:disabled)")];

/** Make one of a row's buttons the stop: the one that has it, or had it, or is current, else the first. */
export function rove(row) {
  const all = buttonsOf(row);
  const stop = all.find((one) => one === document.activeElement) ?? find("[aria-current=true]", row)
    ?? all.find((one) => one.tabIndex === 0 && one.hasAttribute("tabindex")) ?? all[0];
  for (const button of row.querySelectorAll("button")) button.tabIndex = button === stop ? 0 : -1;
}

export function roving(row) {
  const steps = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity };
  row.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    const all = buttonsOf(row);
    const here = all.indexOf(document.activeElement);
    if (!step || here < 0 || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    event.preventDefault();
    all[Math.min(all.length - 1, Math.max(0, here + step))].focus();
  });
  row.addEventListener("focusin", () => rove(row));
  rove(row);
}

/** Replace what is in a list, and keep the focus at the same place of it. */
export function refill(row, children) {
  const here = [...row.children].findIndex((child) => child.contains(document.activeElement));
  const own = here < 0 ? -1 : [...row.children[here].querySelectorAll("button")].indexOf(document.activeElement);
  row.replaceChildren(...children);
  if (here >= 0) {
    const child = row.children[Math.min(here, row.children.length - 1)];
    const buttons = child ? [...child.querySelectorAll("button")] : [];
    (buttons[own] ?? buttons[0])?.focus();
  }
}
