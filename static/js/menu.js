// Menus are details elements: Escape and a click elsewhere close them.
// On a narrow screen the tab of this page may stand beyond the edge.
const current = document.querySelector(".navigation a[aria-current]");
const bar = current?.closest("ul");
if (bar && bar.scrollWidth > bar.clientWidth) {
  const from = bar.getBoundingClientRect();
  const tab = current.getBoundingClientRect();
  bar.scrollLeft += tab.left - from.left - (from.width - tab.width) / 2;
}

const menus = () => document.querySelectorAll("details.menu[open]");

document.addEventListener("click", (event) => {
  for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
