// Ctrl/Cmd-K: the results page over any page. Type, arrow keys, Enter. Without script the search field does the same.
let dialog;
let timer;
let asked = 0;

const links = () => [...dialog.querySelectorAll(".results a")];

const choose = (link) => {
  for (const other of links()) delete other.dataset.chosen;
  if (!link) return;
  link.dataset.chosen = "yes";
  link.scrollIntoView({ block: "nearest" });
};

const search = async (text) => {
  const mine = ++asked;
  const query = new URLSearchParams({ q: text, palette: "1" });
  const environment = document.querySelector(".top .search [name=environment]")?.value;
  if (environment) query.set("environment", environment);
  const response = await fetch(`/search?${query}`, { headers: { "HX-Request": "true" } });
  if (mine !== asked || !response.ok) return;
  const parsed = new DOMParser().parseFromString(await response.text(), "text/html");
  dialog.querySelector(".palette-results").replaceChildren(...parsed.body.childNodes);
  choose(text ? links()[0] : null);
};

const build = () => {
  dialog = document.createElement("dialog");
  dialog.className = "palette";
  dialog.setAttribute("aria-label", "Search");
  const head = document.createElement("div");
  head.className = "palette-head";
  const input = document.createElement("input");
  input.type = "search";
  input.placeholder = "Operations, APIs, schemas, actions";
  input.setAttribute("aria-label", "Search operations, APIs, schemas and actions");
  input.autocomplete = "off";
  input.spellcheck = false;
  const key = document.createElement("kbd");
  key.textContent = "Esc";
  head.append(input, key);
  const results = document.createElement("div");
  results.className = "palette-results";
  results.setAttribute("aria-live", "polite");
  dialog.append(head, results);
  document.body.append(dialog);
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => search(input.value.trim()), 120);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    const all = links();
    const at = all.findIndex((one) => "chosen" in one.dataset);
    if (event.key === "Escape") {
      // A search field would only clear itself; the label beside it says that Escape leaves.
      event.preventDefault();
      dialog.close();
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && all.length) {
      event.preventDefault();
      choose(all[(at + step + all.length) % all.length]);
    } else if (event.key === "Enter" && event.target === input) {
      event.preventDefault();
      if (all[at]) location.href = all[at].href;
      else if (input.value.trim()) location.href = `/search?q=${encodeURIComponent(input.value.trim())}`;
    }
  });
};

const open = (text = "") => {
  if (!dialog) build();
  const input = dialog.querySelector("input");
  if (text) input.value = text;
  if (!dialog.open) dialog.showModal();
  input.focus();
  input.select();
  search(input.value.trim());
};

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
  if (!document.querySelector("[data-search]")) return; // nobody is signed in
  event.preventDefault();
  open();
});
