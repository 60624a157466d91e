// How much examples count: 1 unless the address says `weight=2:KEY`, which a second click on yes or no does.

const STEPS = [0.25, 0.5, 1, 2, 4, 8];
const DOUBLE = 2;

/** The weights of an address by key, of those that do not count 1. */
export function weightsOf({ weight = [] }) {
  const pairs = weight.map((text) => [text.slice(text.indexOf(":") + 1), Number(text.slice(0, text.indexOf(":")))]);
  return Object.fromEntries(pairs.filter(([, value]) => STEPS.includes(value)));
}

export const weightOf = (state, key) => weightsOf(state)[key] ?? 1;

/** What of an address changes when an example gets a weight. */
export function weighed(state, key, weight) {
  const weights = { ...weightsOf(state), [key]: weight };
  const kept = Object.entries(weights).filter(([one, value]) =>
    value !== 1 && (state.like.includes(one) || state.unlike.includes(one)));
  return { weight: kept.map(([one, value]) => `${value}:${one}`) };
}

/** The weight so many steps above another, as far as they go. */
export const stepped = (weight, steps) =>
  STEPS[Math.min(STEPS.length - 1, Math.max(0, STEPS.indexOf(weight) + steps))];

/** What of an address changes when yes or no is said to hits again: once more weighs double, then it is taken back. */
export function judged(state, keys, what) {
  const [key] = keys;
  const again = keys.length === 1 && state[what].includes(key);
  if (again && weightOf(state, key) === 1) return weighed(state, key, DOUBLE);
  return again ? takenBack(state, ...keys) : said(state, keys, what);
}

/** Take back what was said of a hit. */
export const takenBack = (state, key) => said(state, [key], null);

/** Say yes or no to hits (null: neither), whatever was said of them before. */
function said(state, keys, what) {
  const left = (list) => list.filter((one) => !keys.includes(one));
  const next = { like: left(state.like), unlike: left(state.unlike) };
  if (what) next[what].push(...keys);
  return { ...next, ...weighed({ ...next, weight: state.weight }, "", 1) };
}

/** A weight as people read it: ×2, ×½. */
export const shownWeight = (weight) => `×${{ 0.25: "¼", 0.5: "½" }[weight] ?? weight}`;
