// "/" goes to the filter of the list in view, or to the search field; Ctrl/Cmd-K goes to search.
const typing = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;
const visible = (element) => element && element.offsetParent !== null;

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey) return;
  const search = document.querySelector("[data-search]");
  if (event.key === "/" && !event.ctrlKey && !event.metaKey && !typing(event.target)) {
    const filter = document.querySelector("[data-slash]");
    const target = visible(filter) ? filter : search;
    if (!visible(target)) return;
    event.preventDefault();
    target.focus();
    target.select();
  } else if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey) {
    event.preventDefault();
    if (visible(search)) {
      search.focus();
      search.select();
    } else {
      location.href = "/search";
    }
  }
});
