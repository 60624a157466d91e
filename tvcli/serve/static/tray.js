// The examples: what was said yes and no to, each with its weight and a button that takes it back.

import { send } from "./api.js";
import { pictureOf } from "./cards.js";
import { find, make } from "./dom.js";
import { shownWeight, stepped, weightOf } from "./weights.js";

const known = new Map(); // what is known of examples, by their keys

const KEYS = { ArrowUp: 1, ArrowRight: 1, "+": 1, ArrowDown: -1, ArrowLeft: -1, "-": -1 };

/** Show the examples of a state; `takeBack` and `weigh` are told what a person does with one. */
export async function showTray(state, does) {
  const { like, unlike } = state;
  const asked = [...like, ...unlike].filter((key) => !known.has(key));
  if (asked.length) {
    const { items } = await send("POST", "/api/items", { items: asked });
    asked.forEach((key, place) => known.set(key, items[place]));
  }
  const tray = find("#tray");
  const focused = tray.contains(document.activeElement);
  const weighs = document.activeElement?.dataset?.weighs;
  tray.hidden = !like.length && !unlike.length;
  tray.replaceChildren(...list("Yes", like, "like", state, does), ...list("No", unlike, "unlike", state, does));
  const again = [...tray.querySelectorAll("[data-weighs]")].find((one) => weighs && one.dataset.weighs === weighs);
  if (focused) (again ?? find("button", tray) ?? find("#results")).focus();
}

function list(name, keys, what, state, { takeBack, weigh }) {
  if (!keys.length) return [];
  return [make("section", {}, make("h3", {}, `${name} (${keys.length})`),
    make("ul", { class: `examples ${what}`, "aria-label": `${name} examples` }, ...keys.map((key) => {
      const item = known.get(key);
      const remove = make("button", { type: "button", title: `Take back: ${item.name}`, onclick: () => takeBack(key),
        "aria-label": `Take back ${name.toLowerCase()} to ${item.name}` }, "×");
      return make("li", {}, pictureOf(item), make("span", { class: "handles" }, weightButton(item, key, weightOf(state, key), weigh), remove));
    })))];
}

/** The weight of an example: a click doubles it, up to 8 and then from ¼ on; arrows, + and - step it. */
function weightButton(item, key, weight, weigh) {
  const next = stepped(weight, 1) === weight ? 0.25 : stepped(weight, 1);
  const button = make("button", { type: "button", class: "weight", "data-weighs": key, onclick: () => weigh(key, next),
    title: "How much it counts: click, or ↑ ↓", "aria-label": `Weight of ${item.name}: ${weight}` }, shownWeight(weight));
  button.addEventListener("keydown", (event) => {
    if (!KEYS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const other = stepped(weight, KEYS[event.key]);
    if (other !== weight) weigh(key, other);
  });
  return button;
}
