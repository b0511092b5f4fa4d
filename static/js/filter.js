// <input data-filter="#list" data-filter-count="#count">: hides the items of a list that do not contain every word typed.
// Items are [data-text]; groups are [data-group] and hide when nothing in them is left.
const apply = (input) => {
  const list = document.querySelector(input.dataset.filter);
  if (!list) return;
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const item of list.querySelectorAll("[data-text]")) {
    const hit = words.every((word) => item.dataset.text.includes(word));
    item.hidden = !hit;
    shown += hit ? 1 : 0;
  }
  for (const group of list.querySelectorAll("[data-group]")) {
    const left = group.querySelector("[data-text]:not([hidden])") !== null;
    group.hidden = !left;
    if (words.length && left && "open" in group) group.open = true;
  }
  const count = document.querySelector(input.dataset.filterCount);
  if (count) count.textContent = words.length ? `${shown} found` : "";
};

document.addEventListener("input", (event) => {
  if (event.target.matches("[data-filter]")) apply(event.target);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.matches("[data-filter]") && event.target.value) {
    event.target.value = "";
    apply(event.target);
  }
});
document.addEventListener("htmx:load", () => {
  for (const input of document.querySelectorAll("[data-filter]")) if (input.value) apply(input);
});
