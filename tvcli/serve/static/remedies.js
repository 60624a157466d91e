// What can be done where there is nothing to show, something went wrong, or it takes long: buttons below the message.

import { find, make, say } from "./dom.js";

/** Offer things to do, `[name, action]`, the first as the strong button; none takes away what was offered. */
export function offer(remedies = []) {
  const place = find("#remedies");
  const had = place.contains(document.activeElement);
  place.hidden = !remedies.length;
  place.replaceChildren(...remedies.map(([name, action], own) =>
    make("button", { type: "button", class: own ? "" : "strong", onclick: action }, name)));
  if (had) (find("button", place) ?? find("#results, #neighbours"))?.focus();
}

/** Begin a page; where it cannot, say why, with a button to try again. */
export async function begin(work) {
  try {
    await work();
  } catch (error) {
    say(error.message, { error: true });
    offer([["Try again", () => location.reload()]]);
  }
}
