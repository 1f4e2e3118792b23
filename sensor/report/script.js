"use strict";
// Comfort only: the page reads whole without it. Nothing is fetched, stored or evaluated.
(() => {
  const root = document.documentElement;

  // A button for light and dark.
  const theme = document.createElement("button");
  theme.type = "button";
  theme.className = "theme";
  const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const name = () => { theme.textContent = isDark() ? "Light" : "Dark"; theme.setAttribute("aria-label", isDark() ? "Switch to light colours" : "Switch to dark colours"); };
  theme.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; name(); });
  name();
  document.querySelector("header.top").append(theme);

  // An address such as #day-2017-04-01 opens what it leads to.
  const open = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView(); }
  };
  addEventListener("hashchange", open);
  open();

  // On paper everything is open, and as before afterwards.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((one) => { one.open = true; });
  });
  addEventListener("afterprint", () => { closed.forEach((one) => { one.open = false; }); closed = []; });

  // Tables sort by a column when its head is pressed.
  const key = (row, column, numeric) => {
    const cell = row.cells[column];
    const text = cell.dataset.value ?? cell.textContent;
    if (!numeric) { return text; }
    const bare = text.replace(/,/g, "");
    return bare === "" || Number.isNaN(Number(bare)) ? -Infinity : Number(bare);
  };
  const sort = (table, head, column) => {
    const numeric = head.classList.contains("number");
    const up = head.getAttribute("aria-sort") === (numeric ? "descending" : "none") || (!numeric && !head.hasAttribute("aria-sort"));
    table.querySelectorAll("thead th").forEach((one) => one.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [key(row, column, numeric), row]);
    rows.sort(([a], [b]) => (numeric ? a - b : a.localeCompare(b)) * (up ? 1 : -1));
    body.append(...rows.map(([, row]) => row));
  };
  document.querySelectorAll("details.table table").forEach((table) => {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(table, head, column));
    });
  });
})();
