// Keys of a page: a table of [key, what it does, action], shown with ?.

import { find, make } from "./dom.js";

const WRITING = "input:not([type=checkbox]):not([type=file]):not([type=range]), textarea, select";
const SLIDES = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];
/** What has a key to itself where it has the focus: it is pressed, followed or slid by it, and nothing else happens. */
const OWNERS = { " ": "button, summary, input", Enter: "a[href], button:not([data-leaves-enter]), summary",
  ...Object.fromEntries(SLIDES.flatMap((key) => ["", "Shift+"].map((shift) => [shift + key, "input[type=range]"]))) };
const SHOWN = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", " ": "space" };

function nameOf(event) {
  const control = event.ctrlKey || event.metaKey ? "Ctrl+" : "";
  const shift = event.shiftKey && event.key.length > 1 ? "Shift+" : "";
  const key = event.key.length === 1 && control ? event.key.toLowerCase() : event.key;
  const capital = control && event.shiftKey && event.key.length === 1 ? "Shift+" : "";
  return control + capital + shift + key;
}

/** Rows of a table for the arrows, alone and with Shift, Ctrl or both: `action(across, down, event)`. */
export const arrowKeys = (action) => [["ArrowLeft", -1, 0], ["ArrowRight", 1, 0], ["ArrowUp", 0, -1], ["ArrowDown", 0, 1]]
  .map(([key, across, down]) => [[key, `Shift+${key}`, `Ctrl+${key}`, `Ctrl+Shift+${key}`], null, (event) => action(across, down, event)]);

/** Rows of a table for the keys 1 to 9: `action(place)`, from 0. */
export const digitKeys = (does, action) => Array.from("123456789", (digit, place) =>
  [[digit], place ? null : `1 to 9: ${does}`, () => action(place)]);

/** Answer to the keys of a table, while `isOn()`: views of one page have a table each. */
export function listen(table, isOn = () => true) {
  const actions = new Map(table.flatMap(([keys, , action]) => keys.map((key) => [key, action])));
  addHelp(table, isOn);
  document.addEventListener("keydown", (event) => {
    if (!isOn() || event.target.matches?.(WRITING) || event.altKey || event.defaultPrevented) return;
    if (find("dialog[open]")) return;
    const name = nameOf(event);
    if (OWNERS[name] && event.target.matches?.(OWNERS[name])) return;
    const action = actions.get(name);
    if (action && action(event) !== false) event.preventDefault();
  });
}

function addHelp(table, isOn) {
  const rows = table.filter(([, does]) => does).map(([keys, does]) =>
    make("tr", {}, make("td", {}, ...shown(keys)), make("td", {}, does)));
  const close = make("button", { class: "strong", onclick: () => dialog.close() }, "Close");
  const list = make("div", { tabindex: 0 }, make("table", {}, make("tbody", {}, ...rows)));
  const dialog = make("dialog", { id: find("#keys") ? null : "keys", class: "keys", "aria-label": "Keys" },
    make("h2", { tabindex: -1, autofocus: true }, "Keys"), list, close);
  document.body.append(dialog);
  const open = () => {
    if (!isOn()) return;
    dialog.showModal();
    list.scrollTop = 0;
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "?" && !event.target.matches?.(WRITING) && !find("dialog[open]")) open();
  });
  find("#help")?.addEventListener("click", open);
}

function shown(keys) {
  const marks = keys.map((key) =>
    make("kbd", {}, key.replace(/[^+]+$/, (last) => SHOWN[last] ?? last)));
  return marks.flatMap((mark, place) => (place ? [" ", mark] : [mark]));
}
