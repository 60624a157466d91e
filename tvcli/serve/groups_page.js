// Marks photos that are not the same as the one kept; saved as lines for --not-duplicates.
const boxes = [...document.querySelectorAll("input[data-pair]")];
const button = document.querySelector(".save button");
const said = document.querySelector(".save span");

function show() {
  const marked = boxes.filter((box) => box.checked);
  for (const box of boxes) box.closest("li").classList.toggle("differs", box.checked);
  button.disabled = marked.length === 0;
  said.textContent = marked.length ? `${marked.length} marked as different` : "none marked";
}

function save() {
  const lines = boxes.filter((box) => box.checked).map((box) => `${box.dataset.pair}\n`);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
  link.download = "different.jsonl";
  link.click();
  URL.revokeObjectURL(link.href);
}

for (const box of boxes) box.addEventListener("change", show);
button.addEventListener("click", save);
show();
