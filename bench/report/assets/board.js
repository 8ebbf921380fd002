  const buttons = (role) => [...document.querySelectorAll(`.tools button[data-role=${role}]`)];

  // Costs are columns that a narrow window has no room for until somebody asks.
  const showCosts = (shown) => {
    document.documentElement.classList.toggle("no-costs", !shown);
    for (const button of buttons("costs")) button.setAttribute("aria-pressed", String(shown));
  };
  const chosen = view.get("costs");
  showCosts(chosen ? chosen === "shown" : !matchMedia("(max-width: 640px)").matches);
  for (const button of buttons("costs")) {
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") === "false";
      showCosts(shown);
      view.set("costs", shown ? "shown" : "hidden");
    });
  }

  // The table as it is sorted and shown, in GitHub's Markdown.
  const plain = (text) => text.replace(/\s+/g, " ").trim().replace(/[\\`*_[\]<>|~$&]/g, "\\$&");
  const seenText = (element) => {
    const copy = element.cloneNode(true);
    for (const hidden of copy.querySelectorAll(".hidden")) hidden.remove();
    return plain(copy.textContent);
  };
  const cellText = (cell) => {
    if (cell.tagName === "TH") return plain(cell.firstChild.data);
    const part = (name) => { const found = cell.querySelector(`.${name}`); return found ? seenText(found) : ""; };
    const mean = cell.classList.contains("best") ? `**${part("mean")}**` : part("mean");
    const first = [mean, part("infinite"), part("difference") && `(${part("difference")})`];
    const second = ["interval", "coverage", "place"].map(part).filter(Boolean).join(", ");
    return first.filter(Boolean).join(" ") + (second ? `<br><sub>${second}</sub>` : "");
  };
  const headText = (head) => {
    const [name, ...small] = head.querySelector("button").childNodes;
    return [plain(name.data), ...small.map(seenText)].join(" ");
  };
  const markdown = (table) => {
    const seen = (cells) => [...cells].filter((cell) => cell.offsetParent !== null);
    const rows = [...table.tBodies].flatMap((body) => [...body.rows]).filter((row) => !row.classList.contains("heading"));
    const head = seen(table.tHead.rows[table.tHead.rows.length - 1].cells).map(headText);
    const body = rows.map((row) => seen(row.cells).map(cellText));
    return [head, head.map((_, place) => place ? "---:" : "---"), ...body].map((row) => `| ${row.join(" | ")} |`).join("\n") + "\n";
  };

  // Where the clipboard is closed to pages, the text stands below the title, selected.
  const putOut = (section, text) => {
    const area = section.querySelector("textarea") || document.createElement("textarea");
    area.readOnly = true;
    area.setAttribute("aria-label", "The leaderboard as Markdown");
    area.value = text;
    section.querySelector(".headline").after(area);
    area.select();
  };
  for (const button of buttons("copy")) {
    const name = button.textContent;
    button.addEventListener("click", async () => {
      const section = button.closest("section");
      const text = markdown(section.querySelector("table.leaderboard"));
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        putOut(section, text);
        return;
      }
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = name; }, 2000);
    });
  }
  for (const tools of document.querySelectorAll(".tools")) tools.hidden = false;
