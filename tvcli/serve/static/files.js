// A photo from elsewhere: dropped on the page, pasted, or chosen.

import { find } from "./dom.js";

export function acceptFiles(onfile) {
  const body = document.body;
  const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    body.classList.add("dropping");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) body.classList.remove("dropping");
  });
  addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    body.classList.remove("dropping");
    take(event.dataTransfer.files, onfile);
  });
  addEventListener("paste", (event) => take(event.clipboardData?.files, onfile));
  find("#file").addEventListener("change", (event) => {
    take(event.target.files, onfile);
    event.target.value = "";
  });
}

function take(files, onfile) {
  if (files?.length) onfile(files[0]);
}
