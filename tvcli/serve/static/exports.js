// Items as text that other programs read, and as files that the browser saves.

import { make } from "./dom.js";

const FIRST = ["query", "rank", "image", "similarity", "box", "label"]; // in the order of `tv search`
const OF_THE_PAGE = new Set(["row", "key", "name", "width", "height", "unreadable", "moved", "fields", "facts"]);
const FORMULA = /^'*[=+\-@\t\r\n]/; // what spreadsheets take for a formula, as core/files/tables.py has it

/** An item as `tv search` writes it: in its order, its fields beside the rest. */
function known(item) {
  const names = Object.keys(item).filter((name) => !OF_THE_PAGE.has(name) && item[name] != null);
  const ordered = new Set([...FIRST.filter((name) => names.includes(name)), ...names]);
  const own = Object.fromEntries([...ordered].map((name) => [name, item[name]]));
  return { ...own, ...item.fields, ...own };
}

export const jsonLines = (items) => items.map((item) =>
  `${JSON.stringify(known(item))}\n`).join("");

export function csv(items) {
  const records = items.map(known);
  const names = [...new Set(records.flatMap(Object.keys))];
  const rows = records.map((item) => names.map((name) => cell(name, item[name])));
  return [names.map((name) => cell("", name)), ...rows].map((row) => `${row.join(",")}\r\n`).join("");
}

function cell(name, value) {
  if (value == null) return "";
  const text = Array.isArray(value) ? value.join(" ") : String(value);
  const harmless = typeof value === "string" && FORMULA.test(text) ? `${name === "image" ? "./" : "'"}${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

export const paths = (items) => [...new Set(items.map((item) => item.image))].join("\n");

/** Have the browser save a file: text, or a Blob. */
export function save(name, content, type) {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** Put text on the clipboard, also where the page is no secure context: over a network, without TLS. */
export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = make("textarea", { class: "unseen" });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("the browser does not let this page use the clipboard");
}
