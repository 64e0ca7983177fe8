// Keeps the page live. It only ever reads: a visit is counted by opening the page, never from here.

/** Where Tally is: all addresses are relative to the page's own, since it may be under a path of another site. */
const SITE = new URL(".", location).href.replace(/\/+$/, "");
const element = id => document.getElementById(id);
const say = (id, text) => { element(id).textContent = text; };
/** The words for each state stand in the HTML, as data-… of the element. */
const show = (id, state) => { say(id, element(id).dataset[element(id).dataset.state = state] ?? state); };
const grouped = number => new Intl.NumberFormat("en").format(number).replaceAll(",", "\u202f");
const visitsOf = number => `${grouped(number)} ${number === 1 ? "visit" : "visits"}`;
const clock = time => new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" }).format(time);
const inFives = list => list.length > 0 ? [list.slice(0, 5), ...inFives(list.slice(5))] : [];

function duration(seconds) {
  const [unit, size] = [["days", 86_400], ["h", 3_600], ["min", 60]].find(([, size]) => seconds >= 2 * size) ?? ["s", 1];
  return `${Math.round(seconds / size)} ${unit}`;
}

function make(name, attributes, ...children) {
  const drawn = ["svg", "path", "rect", "text", "title"].includes(name);
  const made = drawn ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  made.append(...children);
  return made;
}

/** Exchanges only what differs, so that nobody loses their place in the rest. */
function fill(id, children) {
  const old = [...element(id).children];
  children.forEach((child, at) => {
    if (!old[at]) element(id).append(child);
    else if (!old[at].isEqualNode(child)) old[at].replaceWith(child);
  });
  old.slice(children.length).forEach(child => child.remove());
}

/** Never throws: no answer at all has status 0, one that is not JSON has no body. */
async function ask(path, method = "GET") {
  try {
    // Without "no-cache" the browser would show its own copy of the statistics, of the last time it asked.
    const headers = { Accept: "application/json" };
    const answer = await fetch(path, { method, headers, cache: "no-cache", signal: AbortSignal.timeout(5_000) });
    return { ok: answer.ok, status: answer.status, headers: answer.headers, body: await answer.json().catch(() => null) };
  } catch {
    return { ok: false, status: 0, headers: new Headers(), body: null };
  }
}

/** Runs the task when called, and again and again after that, but never in a hidden tab. */
function repeating(seconds, task) {
  let timer;
  return async function run() {
    if (document.hidden) return;
    await task().finally(() => {
      clearTimeout(timer);
      timer = setTimeout(run, seconds * 1_000);
    });
  };
}

// The total, and a stroke for every visit since this page was opened. The first is the reader's own.

const SHEET = 40;
const total = { shown: Number(element("visits").textContent), opened: Number(element("visits").textContent), announcing: 0 };

function showTotal(visits) {
  const before = element("visits").textContent;
  const now = grouped(visits);
  const changed = before.length === now.length ? [...now].findIndex((digit, at) => digit !== before[at]) : 0;
  if (changed < 0) return;
  total.shown = visits;
  element("visits").replaceChildren(now.slice(0, changed), make("span", { class: "fresh" }, now.slice(changed)));
  element("visits").classList.toggle("long", now.length > 7);
  showStrokes();
  if (visits === total.opened) return;
  // The number may move many times a second; nobody wants to hear that.
  total.announcing ||= setTimeout(() => {
    total.announcing = 0;
    say("announcer", visitsOf(total.shown));
  }, 10_000);
}

function showStrokes() {
  total.opened = Math.min(total.opened, total.shown);
  const since = total.shown - total.opened;
  const strokes = Array.from({ length: since % SHEET + 1 }, (_, at) => {
    // No two strokes of a hand are alike.
    const lean = (at * 7 % 5 - 2) / 3;
    const kind = at === 0 && since < SHEET ? "yours" : "others";
    const upright = `M${5 + at % 5 * 6 + lean} 3q${-lean} 11 ${lean / 2} 21`;
    const across = `M1 ${19 + lean}q13 -4 27 ${-11 - lean}`;
    return make("path", { d: at % 5 < 4 ? upright : across, pathLength: 1, class: kind });
  });
  fill("strokes", inFives(strokes).map(five => make("svg", { viewBox: "0 0 29 27" }, ...five)));
  const yours = since < SHEET ? "The red stroke is you" : "Yours was on an earlier sheet";
  say("since", since === 0 ? `${yours}.` : `${yours}; ${visitsOf(since)} since.`);
}

// The statistics: the last hour, the pages, and how the answer was made.

const chart = { minutes: [], newest: 0 };
const minuteAt = index => clock(chart.newest - (59 - index) * 60_000);

const refreshStatistics = repeating(5, async () => {
  const { ok, status, headers, body } = await ask("api/stats");
  const [cache, edge] = [headers.get("X-Cache"), headers.get("X-Cache-Edge")];
  showPath(ok, cache, edge);
  if (!ok || !body) return say("chart-note", `No fresh figures right now (${status || "no answer"}), trying again…`);
  // A cached answer is a little behind, so it does not turn the number back. But when three in a row differ from the
  // number and no event comes in between, the stream has died without a word, or somebody has reset the counter.
  live.differed = body.visits === total.shown ? 0 : live.differed + 1;
  const trusted = live.differed > 2 && ![cache, edge].includes("STALE");
  if (trusted || body.visits > total.shown) showTotal(body.visits);
  if (trusted && live.source.readyState === EventSource.OPEN) connect();

  Object.assign(chart, { minutes: body.minutes, newest: Date.parse(body.lastMinute) });
  say("visitors-today", grouped(body.visitorsToday));
  say("last-hour", grouped(body.minutes.reduce((sum, visits) => sum + visits, 0)));
  say("chart-note", drawChart());
  showMinutes();
  showPages(body.topPages);
});

/** The words for it, too. */
function drawChart() {
  const { width, height } = element("chart").getBoundingClientRect();
  const peak = Math.max(...chart.minutes, 0);
  const peakAt = chart.minutes.lastIndexOf(peak);
  // In fives, as strokes are.
  const step = width / (60 + 11 * 0.9);
  const left = index => (index + Math.floor(index / 5) * 0.9) * step;
  const bars = chart.minutes.map((visits, index) => {
    const tall = Math.max(visits / (peak || 1) * (height - 24), 2);
    const kind = visits === 0 ? "none" : index === 59 ? "now" : "past";
    const bar = make("rect", { x: left(index), y: height - tall, width: step * 0.7, height: tall, rx: 2, class: kind });
    bar.append(make("title", {}, `${minuteAt(index)}: ${visitsOf(visits)}`));
    return bar;
  });
  const middle = Math.min(Math.max(left(peakAt) + step * 0.35, 12), width - 12);
  const label = make("text", { x: middle, y: 15 }, peak > 0 ? grouped(peak) : "");
  element("chart").setAttribute("viewBox", `0 0 ${width} ${height}`);
  fill("chart", [...bars, label]);
  return peak > 0 ? `At most ${visitsOf(peak)} in a minute, at ${minuteAt(peakAt)}.` : "No visits yet.";
}

function showMinutes() {
  fill("minutes", inFives(chart.minutes).map((five, row) => {
    const cells = five.map(visits => make("td", {}, grouped(visits)));
    return make("tr", {}, make("th", { scope: "row" }, minuteAt(row * 5)), ...cells);
  }));
}

function showPages(pages) {
  element("no-pages").hidden = pages.length > 0;
  element("page-list").hidden = pages.length === 0;
  fill("page-list", pages.map(({ page, visits }) => {
    const share = make("rect", { width: `${visits / pages[0].visits * 100}%`, height: "100%" });
    const count = make("span", { class: "count" }, grouped(visits));
    return make("li", {}, make("span", {}, page), " ", count, make("svg", { "aria-hidden": true }, share));
  }));
}

function showPath(ok, cache, edge) {
  const byNginx = ["HIT", "STALE", "UPDATING"].includes(edge);
  const byApp = { HIT: "app", STALE: "stale" }[cache];
  element("path").dataset.from = !ok ? "nowhere" : byNginx ? "nginx" : byApp ?? "redis";
  ["at-nginx", "at-app", "at-redis"].forEach(place => show(place, element("path").dataset.from));
  say("cache", [cache && `X-Cache: ${cache}`, edge && `X-Cache-Edge: ${edge}`].filter(Boolean).join(" · "));
}

// The process that answers, and Redis behind it.

const refreshHealth = repeating(10, async () => {
  const { body } = await ask("health");
  // When there is no app, Nginx answers by itself and in another shape.
  const report = body?.redis ? body : { status: "unreachable", redis: {} };
  const { latencyMs, usedMemoryBytes: used, maxMemoryBytes: most, lastSave, error } = report.redis;
  const megabytes = bytes => (bytes / 1e6).toFixed(1);
  const memory = most ? `${megabytes(used)} of ${megabytes(most)} MB` : `${megabytes(used)} MB`;
  const answers = `Answers in ${latencyMs} ms, uses ${memory}, last save: ${lastSave}.`;
  show("health", report.status);
  say("instance", report.instance ?? "–");
  say("process", report.version ? `Version ${report.version}, up for ${duration(report.uptimeSeconds)}.` : "");
  say("redis", report.redis.status === "up" ? answers : error ?? "");
});

// The reader's session.

async function refreshSession() {
  const { ok, status, body } = await ask("api/session");
  element("session-facts").hidden = !ok;
  show("session-message", ok ? "known" : status === 404 ? "none" : "unknown");
  if (!ok) return;
  const firstSeen = Date.parse(body.firstSeen);
  const age = (Date.now() - firstSeen) / 1_000;
  const ago = age < 10 ? "just now" : `${duration(age)} ago`;
  say("session-visits", grouped(body.visits));
  say("session-since", `${body.visits === 1 ? "visit" : "visits"} since ${clock(firstSeen)}, ${ago}`);
  say("session-end", `Forgotten by itself in ${duration(body.expiresInSeconds)} unless you come back.`);
}

async function forget() {
  const { ok, status } = await ask("api/session", "DELETE");
  if (!ok && status !== 404) return show("session-message", "failed");
  element("session-facts").hidden = true;
  show("session-message", "forgotten");
  // The button that had the focus is gone.
  element("session-heading").focus();
}

// The builder: a badge, and a line for a site, of the page that is typed.

let typing = 0;

/** Safe in an address, in Markdown and in a shell. */
const spelled = page => encodeURIComponent(page).replace(/[!'()*]/g, letter => `%${letter.charCodeAt(0).toString(16)}`)
  .replaceAll("%2F", "/").replaceAll("%3A", ":");

async function showBuilder() {
  const { name, number, live, count, color, ...looks } = Object.fromEntries(new FormData(element("builder")));
  const typed = name.trim().replace(/^https?:\/\/|[?#].*/gi, "");
  const { ok, body } = typed ? await ask(`count/${typed}`) : { ok: true, body: { page: "", total: total.shown } };
  const visitors = ok && typed && number === "visitors" ? await ask(`api/visitors/${spelled(body.page.split("/")[0])}`) : null;
  // Somebody types on.
  if (name !== element("page-name").value) return;
  element("page-name").setAttribute("aria-invalid", !ok);
  if (!ok) return show("name-state", body?.detail ?? "unknown");
  say("name-state", body.visits ? `${visitsOf(body.visits)} so far.` : "");
  if (!body.visits) show("name-state", typed ? "new" : "none");

  const page = spelled(body.page);
  const word = looks.label.replace(/[^\p{L}\p{N} .-]/gu, "") || "visits";
  if (color !== element("builder").elements.color.defaultValue) looks.color = color.slice(1);
  const query = new URLSearchParams(Object.entries(looks).filter(([, value]) => value)).toString();
  const badge = (...parts) => `badge/${page || "total"}.svg?${parts.filter(Boolean).join("&")}`.replace(/\?$/, "");
  const counting = `${SITE}/${badge(page && count && "count", query)}`;
  element("badge").src = badge(query);
  say("as-markdown", `![${word}](${counting})`);
  say("as-html", `<img src="${counting.replaceAll("&", "&amp;")}" alt="${word}">`);

  const figure = { page: body.visits, site: body.site, total: body.total, visitors: visitors?.body?.today }[number];
  const unit = number === "visitors" ? "visitors today" : "visits";
  const example = page || "blog.example/about";
  // A word is no address: the script has to be told.
  const options = [/^[^./]+$/.test(page) && `data-name="${body.page}"`, live && "data-live"].filter(Boolean).map(option => ` ${option}`).join("");
  say("script-preview", `${figure === undefined ? "–" : grouped(figure)} ${unit}`);
  say("as-script", `<p><span data-tally="${number}">–</span> ${unit}</p>
<script defer src="${SITE}/count.js"${options}></script>
<noscript><img src="${SITE}/badge/${example}.svg?count" alt="visits"></noscript>`);
  say("as-curl", `curl -X POST ${SITE}/api/visits/${example}`);
}

async function copy({ currentTarget: button }) {
  const snippet = element(button.dataset.copy);
  const word = button.firstChild;
  try {
    await navigator.clipboard.writeText(snippet.textContent);
    word.data = "Copied ";
    show("copied", "done");
  } catch {
    // A browser gives no clipboard to plain http, localhost aside.
    getSelection().selectAllChildren(snippet);
    word.data = "Selected ";
    show("copied", "selected");
  }
  setTimeout(() => { word.data = "Copy "; }, 3_000);
}

// The live connection.

const live = { source: null, failures: 0, retry: 0, differed: 0, soon: 0 };

function connect() {
  disconnect();
  const source = live.source = new EventSource("api/events");
  source.addEventListener("open", () => {
    if (element("live").dataset.state === "lost") refreshAll();
    live.failures = 0;
    show("live", "live");
  });
  source.addEventListener("visit", ({ data }) => {
    const { visits } = JSON.parse(data);
    if (visits > total.shown) {
      live.differed = 0;
      showTotal(visits);
    }
    live.soon ||= setTimeout(() => {
      live.soon = 0;
      refreshStatistics();
    }, 1_500);
  });
  source.addEventListener("error", () => {
    if (element("live").dataset.state !== "lost") show("live", "lost");
    // The browser tries again by itself, except after an answer that is no stream, such as a 502.
    if (source.readyState !== EventSource.CLOSED) return;
    // A little apart, so that not all readers come back in the same moment.
    const wait = Math.min(1_000 * 2 ** live.failures++, 15_000) * (0.8 + Math.random() * 0.2);
    live.retry = setTimeout(connect, wait);
  });
}

function disconnect() {
  clearTimeout(live.retry);
  live.source?.close();
  live.differed = 0;
}

async function refreshAll() {
  refreshStatistics();
  refreshHealth();
  refreshSession();
  showBuilder();
  const { body } = await ask("api/visits");
  if (body?.visits > total.shown) showTotal(body.visits);
}

/** A hidden tab asks for nothing and keeps no connection: a browser has only a few for each host. */
function wakeOrSleep() {
  if (document.hidden) return disconnect();
  show("live", "connecting");
  connect();
  refreshAll();
}

document.querySelectorAll(".site").forEach(part => { part.textContent = SITE; });
document.querySelectorAll("[data-copy]").forEach(button => button.addEventListener("click", copy));
element("forget").addEventListener("click", forget);
element("builder").addEventListener("submit", event => event.preventDefault());
element("builder").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(showBuilder, 300);
});
new ResizeObserver(drawChart).observe(element("chart"));
document.addEventListener("visibilitychange", wakeOrSleep);

say("visits", "");
showTotal(total.shown);
wakeOrSleep();
