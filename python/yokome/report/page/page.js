// Filters and sorts the table of findings. Without it the page still says everything.
"use strict";
(() => {
  const table = document.getElementById("findings");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const search = document.getElementById("search");
  const selects = Array.from(document.querySelectorAll("select[data-filter]"));
  const shown = document.getElementById("shown");

  function filter() {
    const words = search.value.normalize("NFKC").toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      row.searched ??= row.textContent.normalize("NFKC").toLowerCase();
      const fits = words.every((word) => row.searched.includes(word))
        && selects.every((s) => s.value === "" || row.getAttribute("data-" + s.dataset.filter) === s.value);
      row.hidden = !fits;
      count += fits;
    }
    shown.textContent = count.toLocaleString("en") + " / " + rows.length.toLocaleString("en");
  }

  function sort(header) {
    const column = header.cellIndex;
    const down = header.getAttribute("aria-sort") === "ascending";
    for (const other of header.parentNode.cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const number = header.classList.contains("n");
    const key = (row) => {
      const cell = row.cells[column];
      const value = cell.dataset.sort ?? cell.textContent;
      return number ? Number(value) : value;
    };
    const order = number ? (a, b) => a - b : (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    const sorted = rows.map((row, place) => [key(row), place, row]);
    sorted.sort((a, b) => (down ? order(b[0], a[0]) : order(a[0], b[0])) || a[1] - b[1]);
    body.append(...sorted.map((entry) => entry[2]));
  }

  search.addEventListener("input", filter);
  for (const select of selects) select.addEventListener("change", filter);
  for (const button of table.querySelectorAll(".sort")) {
    button.addEventListener("click", () => sort(button.closest("th")));
    button.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      sort(button.closest("th"));
    });
  }
  filter();
})();
