// The keys of the sheet.

import { arrowKeys, digitKeys } from "./keys.js";
import { allLabels } from "./labels.js";

/** `actions` are those of the buttons. */
export const sheetKeys = (sheet, actions) => [
  [["Enter", "Shift+Enter"], "accept all proposals of the page, and go on", (event) => void actions.accept(event)],
  [["←", "→", "↑", "↓"], "go to another photo", null],
  [[" "], "dismiss the proposal, or propose it again", null],
  [["e"], "there is no object in this photo", () => sheet.empty()],
  [["k"], "draw with the keyboard: arrows move the box, with Ctrl resize it, with Shift by 10; Escape ends it", () => sheet.draws()],
  [["Delete", "Backspace"], "delete the box, or dismiss the proposal", () => sheet.remove()],
  [["l"], "label the box, and those to come", () => sheet.label()],
  ...digitKeys("give that label of the list", (place) => allLabels()[place] && sheet.give(allLabels()[place])),
  [["o"], "open this photo alone (also a double click)", () => sheet.openAlone()],
  [["d", "PageDown"], "next page; proposals stay as they are", (event) => void actions.after(event)],
  [["a", "PageUp"], "page before", (event) => void actions.before(event)],
  [["Ctrl+z", "u"], "undo", () => void actions.undo()],
  [["Ctrl+Shift+z", "Ctrl+y"], "redo", () => void actions.redo()],
  [["Escape"], "give up a drag, end drawing with the keyboard", () => sheet.escape()],
  [["s"], "one photo at a time", () => void actions.sheet()],
  [["Home"], null, () => sheet.step(-Infinity, 0)],
  [["End"], null, () => sheet.step(Infinity, 0)],
  ...arrowKeys((across, down, event) => sheet.arrow(across, down, event)),
];
