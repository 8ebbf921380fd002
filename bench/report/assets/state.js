  // What a reader filters and sorts by stands in the address after "#", so that a view can be shared:
  // "#family=noise&sort-board-1=descending.psnr". Without "=" it is a place on the page, as ever;
  // beside choices a place is "at=severity".
  const isView = () => location.hash.includes("=");
  const stated = () => new URLSearchParams(isView() ? location.hash.slice(1) : "");
  const place = () => (isView() ? stated().get("at") || "" : location.hash.slice(1));

  const set = (name, value) => {
    const next = stated();
    if (!isView() && place()) next.set("at", place());
    if (value) next.set(name, value); else next.delete(name);
    const text = next.toString();
    history.replaceState(null, "", text ? `#${text}` : location.href.split("#")[0]);
  };

  const go = (id) => {
    const target = document.getElementById(id);
    if (!target) return;
    target.scrollIntoView();
    target.setAttribute("tabindex", "-1");
    target.focus({ preventScroll: true });
  };

  globalThis.view = { get: (name) => stated().get(name), set, place, go };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (!link || !isView()) return;
    event.preventDefault();
    set("at", link.hash.slice(1));
    go(link.hash.slice(1));
  });
  addEventListener("hashchange", () => { if (isView()) location.reload(); });
