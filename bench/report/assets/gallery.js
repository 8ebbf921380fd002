  const IN_A_WALL = 4;
  const pictures = new Map(Object.entries(JSON.parse(document.getElementById("pictures").textContent)));
  for (const image of document.querySelectorAll("img[data-picture]")) {
    pictures.set(image.dataset.picture, image.src);
  }

  const RESTORED = "restored:";
  const label = (version) => version === "lq" ? "LQ" : version === "hq" ? "HQ" : version.slice(RESTORED.length);

  const show = (figure, left, right, restorer) => {
    const versions = JSON.parse(figure.dataset.versions);
    const stage = figure.querySelector(".stage");
    const put = (image, version) => {
      const found = version in versions;
      image.style.visibility = found ? "visible" : "hidden";
      if (found) image.src = pictures.get(String(versions[version]));
      image.alt = found ? `${figure.dataset.key}, ${label(version)}` : "";
      return found ? label(version) : `${label(version)}: no picture`;
    };
    stage.querySelector(".tag-left").textContent = put(stage.querySelector(".left"), left);
    stage.querySelector(".tag-right").textContent = put(stage.querySelector(".right"), right);
    const strip = figure.querySelector(".strip-restored");
    if (restorer && strip) strip.querySelector("span").textContent = put(strip.querySelector("img"), restorer);
    stage.hidden = false;
    const rank = JSON.parse(figure.dataset.ranks)[label(restorer || "")];
    const line = figure.querySelector(".rank");
    line.textContent = rank ? rank.text : "";
    line.classList.toggle("gained", Boolean(rank) && rank.gain > 0);
    line.classList.toggle("lost", Boolean(rank) && rank.gain < 0);
  };

  // The upper half of a restorer's ranking, best first, and the lower half, worst first.
  const arrange = (gallery, figures, restorer) => {
    const name = label(restorer || "");
    const of = (figure) => JSON.parse(figure.dataset.ranks)[name];
    const ranked = figures.filter(of).sort((one, two) => of(one).place - of(two).place);
    const best = ranked.filter((figure) => of(figure).place <= of(figure).of / 2);
    const worst = ranked.filter((figure) => !best.includes(figure)).reverse();
    const others = figures.filter((figure) => !of(figure));
    gallery.querySelector(".what").textContent = best.some((figure) => of(figure).gain > 0) ? "helps most" : "does best";
    gallery.classList.toggle("few", ranked.length <= 4);
    for (const [kind, group] of [["best", best], ["worst", worst], ["others", others]]) {
      const part = gallery.querySelector(`.part.${kind}`);
      part.querySelector(".wall").append(...group);
      group.forEach((figure, place) => { figure.hidden = kind !== "others" && place >= IN_A_WALL; });
      part.hidden = group.length === 0;
      const who = part.querySelector(".who");
      if (who) who.textContent = name;
    }
  };

  for (const gallery of document.querySelectorAll(".gallery")) {
    const [left, right] = ["left", "right"].map((side) => gallery.querySelector(`select[data-side=${side}]`));
    const figures = [...gallery.querySelectorAll("figure")];
    let restorer = [...right.options].map((each) => each.value).find((value) => value.startsWith(RESTORED));
    const update = () => {
      const chosen = [right.value, left.value].find((value) => value.startsWith(RESTORED));
      restorer = chosen || restorer;
      arrange(gallery, figures, restorer);
      figures.forEach((figure) => show(figure, left.value, right.value, restorer));
    };
    left.addEventListener("change", update);
    right.addEventListener("change", update);
    update();
  }

  for (const slider of document.querySelectorAll(".stage input")) {
    const move = () => {
      slider.parentElement.style.setProperty("--split", `${slider.value}%`);
      slider.setAttribute("aria-valuetext", `${slider.value} % of the left picture`);
    };
    slider.addEventListener("input", move);
    move();
  }
