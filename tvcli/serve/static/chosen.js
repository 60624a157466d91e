// The bar of what is chosen, and what can be done with it.

import { fetched } from "./api.js";
import { find, numberOf, say } from "./dom.js";
import { copy, csv, jsonLines, paths, save } from "./exports.js";

/** Show a bar while photos are chosen; `judge` says yes or no to them, `saveClicks` saves a yes to each. */
export function chosenBar(choice, { judge, saveClicks }) {
  const actions = {
    like: () => judge(choice.keys, "like"),
    unlike: () => judge(choice.keys, "unlike"),
    clicks: () => saveClicks(choice.keys),
    copy: async () => {
      await copy(paths(choice.items));
      say(`${numberOf(choice.size, "photo")}: their paths are on the clipboard`);
    },
    jsonl: () => save("photos.jsonl", jsonLines(choice.items), "application/jsonl"),
    csv: () => save("photos.csv", csv(choice.items), "text/csv"),
    zip: async () => {
      say(`Packing ${numberOf(choice.size, "photo")}…`);
      save("photos.zip", await fetched("/api/zip", { items: choice.keys }));
      say(`${numberOf(choice.size, "photo")} saved as photos.zip`);
    },
    clear: () => choice.clear(),
  };
  find("#chosen").addEventListener("click", async (event) => {
    const asked = event.target.closest("[data-do]");
    if (!asked) return;
    try {
      await actions[asked.dataset.do]();
    } catch (error) {
      say(error.message, { error: true });
    }
  });
  return () => {
    const had = find("#chosen").contains(document.activeElement);
    find("#chosen").hidden = !choice.size;
    find("[data-do=unlike]").hidden = !document.body.classList.contains("searching");
    find("#chosen-count").textContent = choice.size ? `${numberOf(choice.size, "photo")} chosen` : "";
    if (had && !choice.size) find("#results").focus();
  };
}
