// The state of the gallery is its address, so back, reload and a shared link work.

const LISTS = ["like", "unlike", "weight", "label", "folder"];
const TEXTS = ["item", "file", "box", "text", "page", "k", "min", "probability", "distinct", "sort", "view", "layout", "colour", "look"];

export function readAddress() {
  const query = new URLSearchParams(location.search);
  const state = {};
  for (const name of TEXTS) if (query.get(name)) state[name] = query.get(name);
  for (const name of LISTS) state[name] = query.getAll(name);
  return state;
}

export function addressOf(state) {
  const query = new URLSearchParams();
  for (const name of TEXTS) if (state[name]) query.set(name, state[name]);
  for (const name of LISTS) for (const key of state[name] ?? []) query.append(name, key);
  const text = query.toString();
  return text ? `/?${text}` : "/";
}

/** The address without what is looked at: what else is shown is the same by it. */
export const withoutLook = (state) => addressOf({ ...state, look: "" });

export const isSearch = (state) => Boolean(state.item || state.file || state.like?.length);

export const isMap = (state) => state.view === "map";

/** The filters of a state that leave some of the collection, as the server is asked with them. */
export function filtersOf({ text, label, folder }) {
  return [...(text ? [["text", text]] : []), ...label.map((name) => ["label", name]),
    ...folder.map((name) => ["folder", name])];
}

/** A search with an item or a file alone: filters and the view stay, what was said of other hits does not carry over. */
export function searchWith(what) {
  const { text, label, folder, distinct, view, layout, colour } = readAddress();
  return addressOf({ ...what, text, label, folder, distinct, view, layout, colour });
}
