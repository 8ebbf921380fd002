  const heads = (table) => [...table.tHead.rows[table.tHead.rows.length - 1].cells];

  const rank = (row, column, kind) => {
    const cell = row.cells[column];
    return kind === "text" ? cell.textContent.trim() : cell.dataset.value === "" ? null : Number(cell.dataset.value);
  };

  // The baseline, the blind restorers and the oracles are groups of their own: each is sorted
  // for itself, so the baseline stays on top and an oracle never stands among the others.
  const sortBy = (table, head, column, kind, descending) => {
    for (const body of table.tBodies) {
      const rows = [...body.rows].filter((row) => !row.classList.contains("heading"));
      rows.sort((one, two) => {
        const [a, b] = [rank(one, column, kind), rank(two, column, kind)];
        if (a === null || b === null) return (a === null) - (b === null);
        const order = kind === "text" ? a.localeCompare(b) : a - b;
        return descending ? -order : order;
      });
      body.append(...rows);
    }
    for (const other of heads(table)) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
  };

  for (const table of document.querySelectorAll("table.board")) {
    const place = `sort-${table.id}`;
    const [order, ...key] = (view.get(place) || "").split(".");
    heads(table).forEach((head, column) => {
      const { kind, better, key: name } = head.querySelector("button").dataset;
      if (order && name === key.join(".")) sortBy(table, head, column, kind, order === "descending");
      head.querySelector("button").addEventListener("click", () => {
        const before = head.getAttribute("aria-sort");
        const descending = before === "none" ? better === "higher" : before === "ascending";
        sortBy(table, head, column, kind, descending);
        view.set(place, `${head.getAttribute("aria-sort")}.${name}`);
      });
    });
  }
