// Tabs over <div class="tablist" data-tabs><a href="#panel">…</a></div>. The chosen one is in the address (#panel).
const panelOf = (tab) => document.getElementById(tab.hash.slice(1));

const select = (tabs, tab, { focus = false, remember = true } = {}) => {
  for (const other of tabs) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.tabIndex = chosen ? 0 : -1;
    panelOf(other)?.classList.toggle("is-open", chosen);
  }
  if (focus) tab.focus();
  if (remember) history.replaceState(history.state, "", tab.hash);
};

const wire = (list) => {
  if (list.dataset.wired) return;
  list.dataset.wired = "yes";
  const tabs = [...list.querySelectorAll("a[href^='#']")];
  list.setAttribute("role", "tablist");
  for (const tab of tabs) {
    const panel = panelOf(tab);
    tab.setAttribute("role", "tab");
    tab.id ||= `${tab.hash.slice(1)}-tab`;
    tab.setAttribute("aria-controls", tab.hash.slice(1));
    panel?.setAttribute("role", "tabpanel");
    panel?.setAttribute("aria-labelledby", tab.id);
    panel?.setAttribute("tabindex", "0");
  }
  const asked = tabs.find((tab) => tab.hash === location.hash);
  select(tabs, asked ?? tabs.find((tab) => panelOf(tab)?.classList.contains("is-open")) ?? tabs[0], { remember: false });
  list.addEventListener("click", (event) => {
    const tab = event.target.closest("a[href^='#']");
    if (!tab) return;
    event.preventDefault();
    select(tabs, tab);
  });
  list.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (at < 0 || (step === undefined && event.key !== "Home" && event.key !== "End")) return;
    event.preventDefault();
    const next = step === undefined ? (event.key === "Home" ? 0 : tabs.length - 1) : (at + step + tabs.length) % tabs.length;
    select(tabs, tabs[next], { focus: true });
  });
};

const wireAll = (root) => root.querySelectorAll("[data-tabs]").forEach(wire);
wireAll(document);
document.addEventListener("htmx:load", (event) => wireAll(event.target.parentElement ?? document));
