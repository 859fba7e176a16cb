"use strict";
const find = (id) => document.getElementById(id);

// The page of the shop: what changes comes from the server as HTML that its
// templates have escaped.
const entries = find("entries");
if (entries) {
  const live = find("live"), most = 400;
  let shown = "", asked = 0, again;

  const show = async (id) => {
    const turn = ++asked;
    shown = id;
    const reply = await fetch("/console/orders/" + encodeURIComponent(id));
    const drawn = new DOMParser().parseFromString(await reply.text(), "text/html").querySelector(".card");
    if (turn !== asked) return; // closed meanwhile, or asked for again
    const place = find("timeline"), moved = place.hidden || place.dataset.order !== id;
    place.className = drawn.className;
    place.innerHTML = drawn.innerHTML;
    place.dataset.order = id;
    place.hidden = false;
    if (moved) place.scrollIntoView({ block: "start", behavior: "smooth" });
    history.replaceState(null, "", "#" + id);
  };
  const refresh = () => { clearTimeout(again); again = setTimeout(() => show(shown), 250); };

  document.addEventListener("click", (e) => {
    if (e.target.closest(".close")) {
      clearTimeout(again);
      asked++;
      find("timeline").hidden = true;
      shown = "";
      history.replaceState(null, "", "/");
    }
    const link = e.target.closest("a[data-order]");
    if (!link || e.ctrlKey || e.metaKey || e.shiftKey) return;
    e.preventDefault();
    show(link.dataset.order);
  });
  if (location.hash.startsWith("#ord_")) show(location.hash.slice(1));

  const stream = new EventSource("/console/stream?from=" + entries.dataset.from);
  stream.onopen = () => { live.textContent = "live"; live.className = "live on"; };
  stream.onerror = () => { live.textContent = "shop not reached"; live.className = "live off"; };
  for (const name of ["tiles", "functions", "orders"])
    stream.addEventListener(name, (e) => { find(name).innerHTML = e.data; });
  stream.addEventListener("entries", (e) => {
    entries.insertAdjacentHTML("afterbegin", e.data);
    while (entries.children.length > most) entries.lastElementChild.remove();
    if (shown && e.data.includes(shown)) refresh();
  });
}

// The page of the API: the search box.
const search = find("search");
if (search) {
  const items = [...document.querySelectorAll(".toc [data-search]")];
  const look = () => {
    const words = search.value.toLowerCase().split(/\s+/);
    for (const item of items) {
      const hit = words.every((w) => item.dataset.search.includes(w));
      item.hidden = !hit;
      document.getElementById(item.firstElementChild.hash.slice(1)).hidden = !hit;
    }
    for (const group of document.querySelectorAll(".toc .group"))
      group.hidden = !group.querySelector("li:not([hidden])");
  };
  search.addEventListener("input", look);
  document.addEventListener("keydown", (e) => {
    if (e.key === "/" && document.activeElement.tagName !== "INPUT") { e.preventDefault(); search.focus(); }
  });
}
