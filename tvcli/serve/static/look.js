// The lightbox: a photo as large as the window, what is known of it, and the photos before and after.

import { get } from "./api.js";
import { searchWith } from "./address.js";
import { judgement, outline, percent, whyButton } from "./cards.js";
import { find, make } from "./dom.js";
import { pictureAt } from "./session.js";

export class Lightbox {
  #dialog = null;
  #turn = 0;

  /** `go` is asked to look at another photo, or at none; `said` tells what was said of an item, and its weight. */
  constructor({ go, choice, said }) {
    Object.assign(this, { go, choice, said });
  }

  /** Show the photo that the address names, as a card of the page or by itself; none: close. */
  async show(name) {
    const mine = ++this.#turn;
    if (!name) return this.#dialog?.close();
    this.name = name;
    const card = cardOf(name);
    const [column, row] = name.split(".");
    const index = column === "learned" ? 0 : Number(column);
    const key = `#${row}`;
    const known = await get("/api/item", { key, index }).catch((error) => ({ unreadable: error.message, name: key }));
    if (mine !== this.#turn) return;
    this.#draw({ ...known, ...card?.item, fields: known.fields ?? {}, facts: known.facts ?? {} }, { name, index, card });
  }

  #draw(item, { name, index, card }) {
    if (!this.#dialog) this.#open();
    const focused = document.activeElement?.dataset.step ?? document.activeElement?.dataset.say;
    const steps = neighbours(name);
    this.#dialog.setAttribute("aria-label", item.name);
    this.#dialog.dataset.key = item.key ?? "";
    this.item = item;
    this.#dialog.replaceChildren(this.#stage(item, index), this.#about(item, card), this.#bar(steps));
    const again = focused && find(`[data-step="${focused}"]:enabled, [data-say="${focused}"]`, this.#dialog);
    (again ?? find(".close", this.#dialog)).focus();
    for (const step of Object.values(steps)) if (step) preload(step);
  }

  #stage(item, index) {
    const stage = make("div", { class: "look-stage" });
    if (item.unreadable || item.missing) {
      stage.append(make("p", { class: "missing" }, item.missing ? "This photo is gone." : item.unreadable));
      return stage;
    }
    const frame = make("span", { class: "look-frame" });
    const picture = make("img", { alt: item.name, draggable: "false", width: item.width, height: item.height,
      src: pictureAt(`/pictures/${item.row}`, { size: "view", index }) });
    picture.addEventListener("error", () =>
      frame.replaceChildren(make("p", { class: "missing" }, "This photo cannot be shown.")), { once: true });
    frame.append(picture);
    if (item.width) { // as large as the window allows, small photos up to three times their size
      const ratio = item.width / item.height;
      frame.style.width = `min(100cqw, 100cqh * ${ratio}, ${3 * item.width}px)`;
      frame.style.aspectRatio = ratio;
    }
    if (item.box && item.width) frame.append(outline(item.box, item));
    picture.addEventListener("click", () => this.#zoom());
    stage.append(frame);
    return stage;
  }

  #about(item, card) {
    const box = item.box && item.box.map((side) => Math.round(side)).join(", ");
    const known = { rank: item.rank, similarity: item.similarity?.toFixed(3),
      probability: item.probability == null ? null : percent(item.probability), label: item.label, path: item.image,
      pixels: item.width ? `${item.width} × ${item.height}` : null, box,
      "same files": item.same_content?.join(", "), ...item.fields, ...item.facts };
    const rows = Object.entries(known).filter(([, value]) => value != null && value !== "");
    const why = find("[data-why]", card);
    const said = item.key != null && item.rank && find("[data-say]", card) ? judgement(item, ...this.said(item.key)) : null;
    const choose = item.key == null ? null : make("label", { class: "button" }, make("input", { type: "checkbox",
      class: "choose-this", checked: this.choice.has(item.key) }), "Choose");
    return make("div", { class: "look-about" },
      make("h2", {}, item.name),
      make("dl", {}, ...rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])),
      make("p", { class: "actions" }, said, choose,
        why ? whyButton(item, { index: why.dataset.index, learned: why.dataset.learned === "true", explains: true }) : null,
        item.key == null ? null : make("a", { class: "button", href: searchWith({ item: item.key }), "data-link": true }, "Search with it")));
  }

  #bar(steps) {
    const step = (way, text, name) =>
      make("button", { type: "button", "data-step": way, "aria-label": name, title: name, disabled: !steps[way] }, text);
    return make("p", { class: "look-bar" }, step("before", "←", "Photo before (←)"), step("after", "→", "Next photo (→)"),
      make("button", { type: "button", class: "zoom", title: "Actual size (z)", "aria-pressed": "false" }, "Zoom"),
      make("button", { type: "button", class: "close", title: "Close (Escape)" }, "Close"));
  }

  #open() {
    this.#dialog = make("dialog", { id: "look" });
    this.#dialog.addEventListener("close", () => this.#closed());
    this.#dialog.addEventListener("click", (event) => this.#clicked(event));
    this.#dialog.addEventListener("change", (event) => event.target.matches(".choose-this") && this.#choose());
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
    document.body.append(this.#dialog);
    this.#dialog.showModal();
  }

  #closed() {
    const was = this.#dialog;
    this.#dialog = null;
    was.remove();
    find(`[data-look="${this.name}"]`)?.closest("li").querySelector("a.photo, .look")?.focus();
    if (new URLSearchParams(location.search).has("look")) this.go("");
  }

  #clicked(event) {
    const way = event.target.closest("[data-step]")?.dataset.step;
    if (way) this.#step(way);
    else if (event.target.closest(".close") || event.target === this.#dialog) this.#dialog.close();
    else if (event.target.closest(".zoom")) this.#zoom();
  }

  #step(way) {
    const to = neighbours(this.name)[way];
    if (to) this.go(to.dataset.look);
  }

  #choose() {
    const card = cardOf(this.name);
    if (card) this.choice.toggle(card);
    else if (this.choice.has(this.item.key)) this.choice.remove(this.item.key);
    else this.choice.add([this.item]);
    find(".choose-this", this.#dialog).checked = this.choice.has(this.item.key);
  }

  #zoom() {
    const frame = find(".look-stage", this.#dialog);
    const picture = find("img", frame);
    if (!picture) return;
    const zoomed = frame.classList.toggle("zoomed");
    find(".zoom", this.#dialog).setAttribute("aria-pressed", String(zoomed));
    if (zoomed) picture.src = picture.src.replace("size=view", "size=full");
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const does = { ArrowLeft: () => this.#step("before"), ArrowRight: () => this.#step("after"), z: () => this.#zoom(),
      x: () => this.item.key != null && this.#choose(), " ": () => this.#dialog.close(),
      y: () => find("[data-say=like]", this.#dialog)?.click(), n: () => find("[data-say=unlike]", this.#dialog)?.click(),
      w: () => find("[data-why]", this.#dialog)?.click() }[event.key];
    if (!does || (event.key === " " && event.target.matches("button, a, input"))) return;
    event.preventDefault();
    does();
  }
}

const cardOf = (name) => find(`#results [data-look="${CSS.escape(name)}"]`)?.closest("li");

/** The buttons that look at the photo before and the one after, in the same list. */
function neighbours(name) {
  const here = cardOf(name ?? "");
  const look = (card) => card && find("[data-look]", card);
  return { before: look(here?.previousElementSibling), after: look(here?.nextElementSibling) };
}

function preload(look) {
  const { item } = look.closest("li");
  const column = look.dataset.look.split(".")[0];
  new Image().src = pictureAt(`/pictures/${item.row}`, { size: "view", index: column === "learned" ? 0 : column });
}
