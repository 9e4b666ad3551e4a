// Sortable tables: the first click on a heading puts the best on top, another one turns it round.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const ascending = column === 0 || head.querySelector("button").dataset.onTop === "lowest";
    const up = head.hasAttribute("aria-sort") ? head.getAttribute("aria-sort") === "descending" : ascending;
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    sortRows(table.tBodies[0], column, up);
  }));
}

function sortRows(body, column, up) {
  const key = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
  const rows = [...body.rows].sort((first, second) => {
    const [a, b] = [key(first), key(second)];
    const [x, y] = [Number.parseFloat(a), Number.parseFloat(b)];
    if (column === 0 || (Number.isNaN(x) && Number.isNaN(y))) return (up ? 1 : -1) * a.localeCompare(b, undefined, {numeric: true});
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;  // the unknown stays below
    return (up ? 1 : -1) * (x - y);
  });
  body.append(...rows);
}

// What scrolls can be reached by keyboard, and nothing else.
const scrollers = new ResizeObserver(entries => {
  for (const {target} of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
document.querySelectorAll(".scroll").forEach(one => scrollers.observe(one));
