// "/" goes to the filter of the list in view, or to the search field.
const typing = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;
const visible = (element) => element !== null && element.offsetParent !== null;

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || typing(event.target)) return;
  const target = [document.querySelector("[data-slash]"), document.querySelector("[data-search]")].find(visible);
  if (!target) return;
  event.preventDefault();
  target.focus();
  target.select();
});
