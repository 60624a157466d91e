// A photo as the server and this page know it together.

import { get } from "./api.js";
import { contentOf } from "./content.js";

/** Return a photo with its boxes; what waits to be saved is newer than what the server knows. */
export async function openedPhoto(place, { saver, past }) {
  const found = await get(`/api/photos/${place}`);
  if (!saver.busyWith(place)) {
    const known = saver.version(place);
    if (known !== undefined && known !== found.version) past.forget(place);
    saver.know(place, found.version, contentOf(found));
  }
  return { ...found, ...saver.latest(place) };
}
