// The examples: what was said yes and no to, each with a button that takes it back.

import { send } from "./api.js";
import { pictureOf } from "./cards.js";
import { find, make } from "./dom.js";

const known = new Map(); // what is known of examples, by their keys

/** Show the examples of a state; `judge` is told which is taken back. */
export async function showTray({ like, unlike }, judge) {
  const asked = [...like, ...unlike].filter((key) => !known.has(key));
  if (asked.length) {
    const { items } = await send("POST", "/api/items", { items: asked });
    asked.forEach((key, place) => known.set(key, items[place]));
  }
  const tray = find("#tray");
  const focused = tray.contains(document.activeElement);
  tray.hidden = !like.length && !unlike.length;
  tray.replaceChildren(...list("Yes", like, "like", judge), ...list("No", unlike, "unlike", judge));
  if (focused) (find("button", tray) ?? find("#results")).focus();
}

function list(name, keys, what, judge) {
  if (!keys.length) return [];
  return [make("h3", {}, `${name} (${keys.length})`),
    make("ul", { class: `examples ${what}`, "aria-label": `${name} examples` }, ...keys.map((key) => {
      const item = known.get(key);
      const remove = make("button", { type: "button", title: `Take back: ${item.name}`, onclick: () => judge(key, what),
        "aria-label": `Take back ${name.toLowerCase()} to ${item.name}` }, "×");
      return make("li", {}, pictureOf(item), remove);
    }))];
}
