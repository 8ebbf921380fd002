  for (const section of document.querySelectorAll("section.severity")) {
    const metric = section.querySelector("select[data-role=metric]");
    const update = () => {
      for (const panel of section.querySelectorAll(".panel")) panel.hidden = panel.dataset.metric !== metric.value;
    };
    metric.closest(".choice").hidden = metric.options.length < 2;
    const asked = view.get(`metric-${section.id}`);
    if ([...metric.options].some((each) => each.value === asked)) metric.value = asked;
    metric.addEventListener("change", () => {
      update();
      view.set(`metric-${section.id}`, metric.value);
    });
    update();

    const keys = [...section.querySelectorAll(".series-key button")];
    const focusOn = (series) => {
      for (const key of keys) key.setAttribute("aria-pressed", String(key.dataset.series === series));
      for (const plot of section.querySelectorAll(".plot")) {
        plot.classList.toggle("focused", series !== null);
        for (const group of plot.querySelectorAll(".series")) {
          group.classList.toggle("focus", group.dataset.series === series);
        }
      }
    };
    for (const key of keys) {
      key.addEventListener("click", () => {
        focusOn(key.getAttribute("aria-pressed") === "true" ? null : key.dataset.series);
      });
    }
  }
