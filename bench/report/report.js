"use strict";
(() => {
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
    for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
  };

  for (const table of document.querySelectorAll("table.board")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = head.querySelector("button");
      button.addEventListener("click", () => {
        const before = head.getAttribute("aria-sort");
        const bestFirst = button.dataset.better === "higher";
        const descending = before === "none" ? bestFirst : before === "ascending";
        sortBy(table, head, column, button.dataset.kind, descending);
      });
    });
  }

  const pictures = new Map(Object.entries(JSON.parse(document.getElementById("pictures").textContent)));
  for (const image of document.querySelectorAll("img[data-picture]")) {
    pictures.set(image.dataset.picture, image.src);
  }

  const label = (version) => version === "lq" ? "LQ" : version === "hq" ? "HQ" : version.slice("restored:".length);

  const show = (figure, left, right) => {
    const versions = JSON.parse(figure.dataset.versions);
    const stage = figure.querySelector(".stage");
    const put = (image, version) => {
      const found = version in versions;
      image.style.visibility = found ? "visible" : "hidden";
      if (found) image.src = pictures.get(String(versions[version]));
      image.alt = found ? label(version) : "";
      return found ? label(version) : `${label(version)}: no picture`;
    };
    stage.querySelector(".tag-left").textContent = put(stage.querySelector(".left"), left);
    stage.querySelector(".tag-right").textContent = put(stage.querySelector(".right"), right);
    if (right.startsWith("restored:")) {
      const strip = figure.querySelector(".strip-restored");
      strip.querySelector("span").textContent = put(strip.querySelector("img"), right);
    }
    stage.hidden = false;
  };

  for (const gallery of document.querySelectorAll(".gallery")) {
    const [left, right] = ["left", "right"].map((side) => gallery.querySelector(`select[data-side=${side}]`));
    const figures = gallery.querySelectorAll("figure");
    const update = () => figures.forEach((figure) => show(figure, left.value, right.value));
    left.addEventListener("change", update);
    right.addEventListener("change", update);
    update();
  }

  for (const slider of document.querySelectorAll(".stage input")) {
    const move = () => slider.parentElement.style.setProperty("--split", `${slider.value}%`);
    slider.addEventListener("input", move);
    move();
  }
})();
