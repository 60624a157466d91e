// A rubber band: a drag with the mouse around cards.

import { make } from "./dom.js";

const LEAST = 6; // screen pixels: a shorter drag is a click
const EDGE = 40; // screen pixels from the window's edge within which the page scrolls
const OTHERS = "button, input, .caption"; // a drag that begins here is not one around cards

export class Band {
  #start = null;
  #band = make("div", { class: "band", "aria-hidden": true });

  /** `onband` is given the cards of `place` that the band touches, again and again. */
  constructor(place, onband) {
    Object.assign(this, { place, onband });
    place.addEventListener("pointerdown", (event) => this.#down(event));
    place.addEventListener("pointermove", (event) => this.#move(event));
    place.addEventListener("pointerup", () => this.#end());
    place.addEventListener("pointercancel", () => this.#end());
  }

  #down(event) {
    if (event.button || event.pointerType === "touch" || event.target.closest(OTHERS)) return;
    this.#start = { x: event.pageX, y: event.pageY, adding: event.ctrlKey || event.metaKey || event.shiftKey };
  }

  #move(event) {
    if (!this.#start || !event.buttons) return;
    const { x, y, adding } = this.#start;
    if (!this.#band.isConnected) {
      if (Math.hypot(event.pageX - x, event.pageY - y) < LEAST) return;
      this.place.setPointerCapture(event.pointerId);
      document.body.append(this.#band);
      document.body.classList.add("banding");
    }
    if (event.clientY < EDGE) scrollBy(0, -EDGE);
    else if (event.clientY > innerHeight - EDGE) scrollBy(0, EDGE);
    const area = new DOMRect(Math.min(x, event.pageX), Math.min(y, event.pageY),
      Math.abs(event.pageX - x), Math.abs(event.pageY - y));
    for (const [side, value] of [["left", area.x], ["top", area.y], ["width", area.width], ["height", area.height]]) {
      this.#band.style[side] = `${value}px`;
    }
    this.onband([...this.place.querySelectorAll("li[data-key]")].filter((card) => touches(card, area)), { adding });
  }

  #end() {
    if (!this.#start) return;
    this.#start = null;
    if (!this.#band.isConnected) return;
    this.#band.remove();
    document.body.classList.remove("banding");
    const swallow = (event) => { event.preventDefault(); event.stopPropagation(); };
    addEventListener("click", swallow, { capture: true, once: true }); // the click that ends a drag
    setTimeout(() => removeEventListener("click", swallow, { capture: true }));
  }
}

function touches(card, area) {
  const frame = card.getBoundingClientRect();
  const [left, top] = [frame.left + scrollX, frame.top + scrollY];
  return left < area.right && left + frame.width > area.left && top < area.bottom && top + frame.height > area.top;
}
