// What it does and why: src/docs/count-your-pages.md.
(() => {
  const { src, dataset } = document.currentScript;
  const tally = new URL(".", src).href;
  const say = text => console.warn("Tally", tally, text);
  let path, counted, canonical, asked, page, site, events, store = {};
  try { store = localStorage ?? store; } catch {}

  function moved() {
    const { hash, pathname } = location;
    if (hash === "#tally-off") store.tally = hash;
    if (hash === "#tally-on") delete store.tally;
    if (pathname === path) return;
    path = pathname;
    // A router may move on at once.
    setTimeout(look, 100);
  }

  function look() {
    events?.close();
    if (document.hidden || document.prerendering) return;
    if (path !== counted) return count();
    if (!asked || dataset.live === undefined) return;
    events = new EventSource(tally + "api/events");
    events.onopen = () => ask("GET");
    events.onerror = () => events.readyState > 1 && setTimeout(look, 15000);
    events.addEventListener("visit", ({ data }) => {
      const { visits, pages } = JSON.parse(data);
      show({ page: pages[page], site: pages[site], total: visits });
    });
  }

  function count() {
    counted = path;
    const link = document.createElement("a");
    link.href = document.querySelector("link[rel=canonical]")?.href ?? location;
    // One that stayed is of the page before.
    const { host, pathname } = link.href !== canonical && link.host === location.host ? link : location;
    canonical = link.href;
    const why =
      self !== top ? "frame" :
      !/^https?:..(?!127\.|\[::1|(.+\.)?localhost\b)/.test(location.origin) ? "localhost" :
      navigator.webdriver ? "webdriver" :
      /gpc/.test(dataset.respect) && navigator.globalPrivacyControl ? "gpc" :
      /dnt/.test(dataset.respect) && navigator.doNotTrack > 0 ? "dnt" : store.tally;
    if (why) say("not counted, " + why);
    asked = why === store.tally && (dataset.name ?? host + pathname);
    if (asked) ask(why ? "GET" : "POST").then(look);
  }

  async function get(address, method) {
    return (await fetch(tally + address, { method, keepalive: true, credentials: "omit" })).json();
  }

  async function ask(method) {
    // All three are counted once.
    const id = "?id=" + Math.random();
    const address = "count/" + asked + id;
    try {
      const numbers = await get(address, method);
      if (numbers.detail) return say(numbers.detail);
      page = numbers.page;
      [site] = page.split("/");
      show({ ...numbers, page: numbers.visits });
      if (document.querySelector("[data-tally=visitors]")) show({ visitors: (await get("api/visitors/" + site)).today });
    } catch (error) {
      say(error + ": is it there, in connect-src, and this site in counting.sites?");
      if (method === "GET") return;
      navigator.sendBeacon?.(tally + address);
      new Image().src = tally + "badge/" + asked + ".svg" + id + "&count&style=pixel";
    }
  }

  function show(numbers) {
    for (const place of document.querySelectorAll("[data-tally]")) {
      const number = numbers[place.dataset.tally];
      if (number >= 0) place.textContent = number.toLocaleString();
    }
  }

  for (const method of ["pushState", "replaceState"]) {
    const original = history[method];
    history[method] = (...all) => {
      original.apply(history, all);
      moved();
    };
  }
  addEventListener("popstate", moved);
  addEventListener("pageshow", moved);
  addEventListener("pagehide", () => { path = counted = 0; });
  document.addEventListener("visibilitychange", look);
  document.addEventListener("prerenderingchange", look);
  moved();
})();
