  // More conditions than these are shown on demand: a wall of fifty tables helps nobody.
  const AT_ONCE = 4;
  const filters = document.querySelector(".filters");
  const conditions = [...document.querySelectorAll("section.condition")];
  const more = document.querySelector(".more");

  const wanted = () => [...(filters ? filters.elements : [])]
    .filter((each) => each.tagName === "SELECT" && each.value !== "")
    .map((each) => [each.name, each.value]);

  const fits = (element, choices) => choices.every(([facet, value]) => {
    const told = element.dataset[facet];
    return told === undefined || JSON.parse(told).includes(value);
  });

  const applyFilters = (all) => {
    const choices = wanted();
    const found = conditions.filter((each) => fits(each, choices));
    const shown = all ? found : found.slice(0, AT_ONCE);
    for (const each of conditions) each.hidden = !shown.includes(each);
    for (const each of document.querySelectorAll("section.severity, .plot-card, .numbers tbody tr")) {
      each.hidden = !fits(each, choices);
    }
    if (more) {
      more.hidden = shown.length === found.length;
      more.querySelector("button").textContent = `Show ${found.length - shown.length} more`;
    }
    if (filters) {
      const missing = found.length ? "" : ": choose others";
      filters.querySelector(".count").textContent =
        `${shown.length} of ${conditions.length} leaderboards shown${missing}`;
    }
  };

  if (filters) {
    filters.hidden = false;
    for (const select of filters.querySelectorAll("select")) {
      const asked = view.get(select.name);
      if ([...select.options].some((each) => each.value === asked)) select.value = asked;
    }
    filters.addEventListener("change", (event) => {
      view.set(event.target.name, event.target.value);
      applyFilters(false);
    });
    filters.addEventListener("submit", (event) => event.preventDefault());
  }
  if (more) more.querySelector("button").addEventListener("click", () => applyFilters(true));

  // A link to a leaderboard that would be shown on demand demands it.
  const reveal = () => {
    const target = conditions.find((each) => each.id === view.place());
    if (target && target.hidden) applyFilters(true);
    if (target || view.get("at")) view.go(view.place());
  };
  applyFilters(false);
  reveal();
  addEventListener("hashchange", reveal);

  const theme = document.querySelector("button.theme");
  const dark = () => {
    const chosen = document.documentElement.style.colorScheme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  const nameTheme = () => { theme.textContent = dark() ? "Light" : "Dark"; };
  theme.hidden = false;
  theme.addEventListener("click", () => {
    document.documentElement.style.colorScheme = dark() ? "light" : "dark";
    nameTheme();
  });
  nameTheme();
