// Elements made of parts: text stays text, so no file name can become markup.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

/** The same for a part of a drawing. */
export function shape(name, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** How many of something there are, in words. */
export const numberOf = (count, noun, plural = `${noun}s`) => `${count.toLocaleString()} ${count === 1 ? noun : plural}`;

/** Where a pointer is in an element, in screen pixels from its upper left corner. */
export function pointIn(element, { clientX, clientY }) {
  const { left, top } = element.getBoundingClientRect();
  return [clientX - left, clientY - top];
}

export const find = (selector, within = document) => within.querySelector(selector);

/** Say something to everybody: shown, and read by screen readers. */
export function say(text, { error = false } = {}) {
  const place = find("#message");
  place.textContent = text;
  place.classList.toggle("error", error);
}
