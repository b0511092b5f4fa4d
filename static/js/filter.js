// <input data-filter="#list" data-filter-count="#count">: hides the items of a list that do not contain every word typed.
// Items are [data-text]; an empty data-text stands for the item's own words and the titles in it. Groups are [data-group] and
// hide when nothing in them is left.
const texts = new WeakMap();

const textOf = (item) => {
  if (!texts.has(item)) {
    const titles = [...item.querySelectorAll("[title]")].map((one) => one.title);
    texts.set(item, (item.dataset.text || [item.textContent, ...titles].join(" ")).toLowerCase());
  }
  return texts.get(item);
};

const apply = (input) => {
  const list = document.querySelector(input.dataset.filter);
  if (!list) return;
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const item of list.querySelectorAll("[data-text]")) {
    const hit = words.every((word) => textOf(item).includes(word));
    item.hidden = !hit;
    shown += hit ? 1 : 0;
  }
  for (const group of list.querySelectorAll("[data-group]")) {
    const left = group.querySelector("[data-text]:not([hidden])") !== null;
    group.hidden = !left;
    if (!("open" in group)) continue;
    group.dataset.before ??= String(group.open);
    group.open = words.length ? left : group.dataset.before === "true";
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
document.addEventListener("htmx:afterSettle", () => {
  for (const input of document.querySelectorAll("[data-filter]")) if (input.value) apply(input);
});
