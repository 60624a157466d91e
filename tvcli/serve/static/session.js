// Who may use the page: the ticket in its address is exchanged once for a session, which this origin keeps.
// Storage belongs to one port, which cookies do not, so no other server on this machine is ever sent it.

import { find, make } from "./dom.js";

const NAME = "tv";
let session = recall();
let asking = null;

function recall() {
  try {
    return JSON.parse(localStorage.getItem(NAME));
  } catch {
    return null; // the browser keeps nothing for pages: a reload asks again
  }
}

export const tokenNow = () => session?.token;

export const authorized = (headers = {}) =>
  session ? { ...headers, authorization: `Bearer ${session.token}` } : headers;

/** The address of a picture: elements send no headers, so a pass stands in it that only reads pictures. */
export const pictureAt = (path, parameters = {}) =>
  `${path}?${new URLSearchParams({ ...parameters, pass: session?.pictures ?? "" })}`;

/** Be let in again: by another tab that was, else by the ticket that a person enters. */
export function enterAgain(refused) {
  const known = recall();
  if (known && known.token !== refused) return Promise.resolve(take(known));
  return (asking ??= ask().finally(() => (asking = null)));
}

async function enter(ticket) {
  const headers = { "content-type": "application/json" };
  const response = await fetch("/api/session", { method: "POST", headers, body: JSON.stringify({ ticket }) });
  const content = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(content.error ?? response.statusText);
  take(content);
  try {
    localStorage.setItem(NAME, JSON.stringify(content));
  } catch { /* then this tab alone is let in */ }
}

function take(given) {
  session = given;
  for (const shown of document.querySelectorAll("img[src*='pass='], image[href*='pass=']")) {
    const name = shown.localName === "img" ? "src" : "href";
    const [path, query] = shown.getAttribute(name).split("?");
    shown.setAttribute(name, pictureAt(path, Object.fromEntries(new URLSearchParams(query))));
  }
}

function ticketIn(text) {
  return /(?:#ticket=|^)([\w-]+)\s*$/.exec(text.trim())?.[1] ?? "";
}

/** Take the ticket out of the address, so that neither the history nor a shared link has it. */
function ticketOfAddress() {
  if (!location.hash.startsWith("#ticket=")) return "";
  const ticket = ticketIn(location.hash);
  history.replaceState(history.state, "", location.pathname + location.search);
  return ticket;
}

async function arrive() {
  const ticket = ticketOfAddress();
  if (!ticket) return;
  const known = session && (await fetch("/api/about", { headers: authorized() }).catch(() => null));
  if (!known?.ok) await enter(ticket).catch(() => {}); // what is asked for next says that it is refused
}

async function ask() {
  await enter("").catch(() => {}); // has tv print an address that is good
  return new Promise((resolve, reject) => {
    const input = make("input", { "aria-label": "The new address, or its ticket", autocomplete: "off", autofocus: true });
    const wrong = make("p", { class: "wrong", role: "alert" });
    const form = make("form", {}, input, make("button", { class: "strong" }, "Open"));
    const dialog = make("dialog", { class: "ask", "aria-label": "This page needs a new address" },
      make("h2", {}, "This page needs a new address"),
      make("p", {}, "tv has printed one where it was started. Open that, or paste it here; nothing is lost."),
      form, wrong);
    const close = (finish, value) => {
      removeEventListener("storage", hear);
      dialog.remove();
      finish(value);
    };
    const hear = ({ key }) => key === NAME && recall() && close(resolve, take(recall())); // another tab was let in
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      enter(ticketIn(input.value)).then(() => close(resolve), (error) => (wrong.textContent = error.message));
    });
    dialog.addEventListener("cancel", () => close(reject, new Error("this page needs a new address of tv")));
    dialog.addEventListener("entered", () => close(resolve));
    addEventListener("storage", hear);
    document.body.append(dialog);
    dialog.showModal();
  });
}

addEventListener("hashchange", async () => {
  const ticket = ticketOfAddress(); // the new address was opened in this very tab
  const dialog = find("dialog.ask");
  if (ticket && dialog) await enter(ticket).then(() => dialog.dispatchEvent(new Event("entered")), () => {});
});
await arrive();
