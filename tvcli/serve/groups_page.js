// Which photos are kept, and which are not the same as the one kept; both survive a reload, where the browser keeps
// anything for the page. Saved as a list of what to drop, and as lines for --not-duplicates.
const keeps = [...document.querySelectorAll("input[data-names]")];
const pairs = [...document.querySelectorAll("input[data-pair]")];
const boxes = [...keeps, ...pairs];
const find = (selector) => document.querySelector(selector);
const cardOf = (box) => box.closest("li");
const named = (box) => box.dataset.names ?? box.dataset.pair;
const place = `tv dedupe ${keeps.length} ${sum(boxes.map(named).join())}`; // of these very groups

function sum(text) {
  let value = 0;
  for (const letter of text) value = (value * 31 + letter.codePointAt(0)) % 4294967291;
  return value;
}

const dropped = () => keeps.filter((box) => !box.checked && !cardOf(box).classList.contains("differs"));

function show() {
  for (const box of pairs) cardOf(box).classList.toggle("differs", box.checked);
  for (const box of keeps) {
    const word = box.checked ? "keep" : cardOf(box).classList.contains("differs") ? "different" : "drop";
    cardOf(box).classList.toggle("keep", box.checked);
    cardOf(box).classList.toggle("drop", word === "drop");
    cardOf(box).querySelector(".badge").textContent = word;
  }
  for (const group of document.querySelectorAll("section.group")) {
    const count = dropped().filter((box) => box.closest("section") === group).length;
    group.ariaLabel = group.querySelector("h2").textContent.replace(/\d+ to drop$/, `${count} to drop`);
    group.querySelector("h2").textContent = group.ariaLabel;
  }
  const [marked, going] = [pairs.filter((box) => box.checked), dropped()];
  find(".save button").disabled = marked.length === 0;
  find(".save span").textContent = marked.length ? `${marked.length} marked as different` : "none marked";
  find(".list button").disabled = going.length === 0;
  find(".list span").textContent = `${going.length} to drop`;
}

/** Take a change, unless it would leave a group without a photo to keep. */
function take(box) {
  const own = keeps.filter((other) => other.closest("section") === box.closest("section"));
  if (keeps.includes(box) && !own.some((other) => other.checked)) {
    box.checked = true;
    find(".list span").textContent = "one photo of each group is kept";
    return;
  }
  show();
  try {
    localStorage.setItem(place, JSON.stringify(boxes.map((other) => other.checked)));
  } catch { /* this browser keeps nothing for pages that are files */ }
}

function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(place));
    if (kept?.length === boxes.length) boxes.forEach((box, number) => (box.checked = kept[number] === true));
  } catch { /* nothing is kept */ }
}

/** Names as bytes, each ended by a zero; what is not UTF-8 came as lone surrogates. */
function bytesOf(names) {
  const encoder = new TextEncoder();
  return names.flatMap((name) => [...[...name].flatMap((letter) => {
    const code = letter.codePointAt(0);
    return code >= 0xdc80 && code <= 0xdcff ? [code - 0xdc00] : [...encoder.encode(letter)];
  }), 0]);
}

function save(name, parts) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

for (const box of boxes) box.addEventListener("change", () => take(box));
find(".save button").addEventListener("click", () =>
  save("different.jsonl", pairs.filter((box) => box.checked).map((box) => `${box.dataset.pair}\n`)));
find(".list button").addEventListener("click", () =>
  save("drop.list", [new Uint8Array(bytesOf(dropped().flatMap((box) => JSON.parse(box.dataset.names))))]));
recall();
show();
