// What keeps the page from going on, above everything else, with what can be done about it.

import { find, make } from "./dom.js";

/** Show a text with buttons `[id, name, action]`; the first is the strong one. The same is left as it is. */
export function showTrouble(text, buttons) {
  const place = find("#trouble");
  const is = JSON.stringify([text, buttons.map(([id, name]) => [id, name])]);
  if (!place.hidden && place.dataset.is === is) return;
  place.dataset.is = is;
  place.hidden = false;
  place.replaceChildren(make("span", {}, text), make("span", { class: "actions" }, ...buttons.map(([id, name, action], own) =>
    make("button", { id, type: "button", class: own ? "" : "strong", onclick: action }, name))));
}

export function endTrouble() {
  const place = find("#trouble");
  if (place.contains(document.activeElement)) find("#tiles button[tabindex='0'], #stage")?.focus();
  place.hidden = true;
  place.replaceChildren();
}
