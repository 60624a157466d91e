// The pages of a list: the one before, the next, and any by its number.

import { find, make } from "./dom.js";

/** Show where in the pages one is; `address` gives the address of a page, `go` goes to one. */
export function showPager(page, pages, address, go) {
  const link = (to, text, name) => make("a", { href: address(to), "data-link": true, class: "button",
    "aria-label": name, title: name }, text);
  const number = make("input", { type: "number", min: 1, max: pages, value: page, "aria-label": `Page, 1 to ${pages}`,
    inputmode: "numeric" });
  const jump = make("form", { novalidate: true }, make("label", {}, "Page ", number), ` of ${pages.toLocaleString()}`,
    make("button", { type: "submit" }, "Go"));
  jump.addEventListener("submit", (event) => {
    event.preventDefault();
    const to = Math.min(pages, Math.max(1, Math.round(Number(number.value)) || page));
    if (to !== page) go(to);
  });
  find("#pager").hidden = pages < 2;
  find("#pager").replaceChildren(
    page > 1 ? link(1, "⇤", "First page") : "", page > 1 ? link(page - 1, "←", "Page before") : "",
    jump,
    page < pages ? link(page + 1, "→", "Next page") : "", page < pages ? link(pages, "⇥", "Last page") : "");
}
