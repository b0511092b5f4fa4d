// The tree of operations at the left: marks where we are, opens its group, and keeps its place between pages.
const mark = () => {
  const link = [...document.querySelectorAll("[data-tree] a")].find((one) => one.getAttribute("href") === location.pathname);
  if (!link) return;
  link.setAttribute("aria-current", "page");
  const group = link.closest("details");
  if (group) group.open = true;
  const column = link.closest(".column-left");
  const box = link.getBoundingClientRect();
  const frame = column.getBoundingClientRect();
  if (box.top < frame.top + 60 || box.bottom > frame.bottom) column.scrollTop += box.top - frame.top - frame.height / 3;
};

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.matches?.("[data-tree]")) mark();
});
