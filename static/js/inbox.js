// Keys of the webhook bench: an element with data-key="r" is pressed by r; of a list or a block, the first link or button in it.
const typing = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || typing(event.target)) return;
  if (!/^[a-z]$/.test(event.key)) return;
  const element = document.querySelector(`[data-key="${event.key}"]`);
  const target = element?.matches("a, button") ? element : element?.querySelector("a, button");
  if (!target) return;
  event.preventDefault();
  target.click();
});
