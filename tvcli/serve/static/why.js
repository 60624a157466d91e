// Why a hit is one: heat maps over the query and the hit, in a dialog.

import { fetched } from "./api.js";
import { make } from "./dom.js";

const HINT = "What you searched with on the left, the hit on the right. Light is where much of the " +
  "similarity comes from, dark where little or none does; the photos themselves are below.";

const WITH_EXAMPLES = " With yes and no, the hit is compared with your photo and your examples together: " +
  "what is not explained on the left comes from the examples.";

export async function showWhy(wanted, button) {
  const close = make("button", { class: "strong", onclick: () => dialog.close() }, "Close");
  const place = make("p", { class: "hint", role: "status" }, "Looking…");
  const dialog = make("dialog", { id: "why", "aria-label": button.getAttribute("aria-label"),
    onclose: () => { dialog.remove(); button.focus(); } },
    make("h2", {}, button.getAttribute("aria-label")), place, close);
  document.body.append(dialog);
  dialog.showModal();
  try {
    const address = URL.createObjectURL(await fetched("/api/explain", wanted));
    const picture = make("img", { src: address, alt: "Heat maps of what made the hit similar" });
    await picture.decode().finally(() => URL.revokeObjectURL(address));
    place.textContent = HINT + (wanted.like.length || wanted.unlike.length ? WITH_EXAMPLES : "");
    place.before(picture);
  } catch (error) {
    place.textContent = error.message;
    place.classList.add("error");
  }
}
