// Keeps the page live. It only ever reads: a visit is counted by opening the page, never from here.

const element = id => document.getElementById(id);
const grouped = number => new Intl.NumberFormat("en").format(number).replaceAll(",", "\u202f");
const visitsOf = number => `${grouped(number)} ${number === 1 ? "visit" : "visits"}`;
const clock = time => new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" }).format(time);
const megabytes = bytes => (bytes / 1e6).toFixed(1);

function duration(seconds) {
  const [unit, size] = [["days", 86_400], ["h", 3_600], ["min", 60]].find(([, size]) => seconds >= 2 * size) ?? ["s", 1];
  return `${Math.round(seconds / size)} ${unit}`;
}

function html(name, className, text) {
  return Object.assign(document.createElement(name), { className, textContent: text });
}

function svg(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}

function parsed(json) {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

/** Never throws: no answer at all has status 0, one that is not JSON has no body. */
async function ask(path, method = "GET") {
  try {
    const answer = await fetch(path, { method, headers: { Accept: "application/json" }, signal: AbortSignal.timeout(5_000) });
    return { ok: answer.ok, status: answer.status, headers: answer.headers, body: parsed(await answer.text()) };
  } catch {
    return { ok: false, status: 0, headers: new Headers(), body: null };
  }
}

/** Runs the task when called, and again and again after that: one at a time, and never in a hidden tab. */
function repeating(task, seconds) {
  let timer;
  let running = false;
  return async function run() {
    clearTimeout(timer);
    if (running || document.hidden) return;
    running = true;
    try {
      await task();
    } finally {
      running = false;
      timer = setTimeout(run, seconds * 1_000);
    }
  };
}

// The total, and a stroke for every visit since this page was opened. The first is the reader's own.

const SHEET = 40;
const total = { shown: Number(element("visits").textContent), strokes: 0, announcing: 0 };
total.opened = total.shown;

function showTotal(visits) {
  const before = element("visits").textContent;
  const now = grouped(visits);
  const changed = before.length === now.length ? [...now].findIndex((digit, at) => digit !== before[at]) : 0;
  if (changed < 0) return;
  total.shown = visits;
  element("visits").replaceChildren(now.slice(0, changed), html("span", "fresh", now.slice(changed)));
  element("visits").classList.toggle("long", now.length > 9);
  showStrokes();
  // The number may move many times a second; nobody wants to hear that.
  total.announcing ||= setTimeout(() => {
    total.announcing = 0;
    element("announcer").textContent = visitsOf(total.shown);
  }, 10_000);
}

function showStrokes() {
  if (total.shown < total.opened) Object.assign(total, { opened: total.shown, strokes: 0 });
  const since = total.shown - total.opened;
  const start = since - since % SHEET;
  if (total.strokes <= start) {
    element("strokes").replaceChildren();
    total.strokes = start;
  }
  for (; total.strokes <= since; total.strokes++) {
    const place = total.strokes % 5;
    // No two strokes of a hand are alike.
    const lean = (total.strokes * 7 % 5 - 2) / 3;
    const path = place < 4 ? `M${5 + place * 6 + lean} 3q${-lean} 11 ${lean / 2} 21` : `M1 ${19 + lean}q13 -4 27 ${-11 - lean}`;
    if (place === 0) element("strokes").append(svg("svg", { viewBox: "0 0 29 27" }));
    element("strokes").lastChild.append(svg("path", { d: path, pathLength: 1, class: total.strokes === 0 ? "yours" : "others" }));
  }
  const yours = start === 0 ? "The red stroke is you" : "Yours was on an earlier sheet";
  element("since").textContent = since === 0 ? `${yours}.` : `${yours}; ${visitsOf(since)} since.`;
}

// The statistics: the last hour, the pages, and how the answer was made.

const chart = { minutes: [], lastMinute: 0, lefts: [], pointed: -1 };

async function loadStatistics() {
  const { ok, status, headers, body } = await ask("/api/stats");
  const fresh = ok && Array.isArray(body?.minutes);
  showPath(fresh, headers);
  if (!fresh) {
    element("chart-note").textContent = `No fresh figures right now (${status || "no answer"}), trying again…`;
    return;
  }
  // A cached answer may be some seconds old, so it never turns the number back. But one that is ahead twice running,
  // with no event in between, means that the stream has died without a word.
  const ahead = body.visits > total.shown;
  live.missed = ahead ? live.missed + 1 : 0;
  if (ahead) showTotal(body.visits);
  if (live.missed > 1 && live.source?.readyState === EventSource.OPEN) connect();

  element("visitors-today").textContent = grouped(body.visitorsToday);
  element("last-hour").textContent = grouped(body.minutes.reduce((sum, visits) => sum + visits, 0));
  Object.assign(chart, { minutes: body.minutes, lastMinute: Date.parse(body.lastMinute) });
  drawChart();
  showMinutes();
  showPages(body.topPages);
}

const refreshStatistics = repeating(loadStatistics, 5);

function drawChart() {
  if (chart.minutes.length === 0) return;
  const { width, height } = element("chart").getBoundingClientRect();
  const peak = Math.max(...chart.minutes);
  const peakAt = chart.minutes.lastIndexOf(peak);
  // In fives, as strokes are.
  const step = width / (60 + 11 * 0.9);
  const bar = step * 0.7;
  chart.lefts = chart.minutes.map((_, index) => (index + Math.floor(index / 5) * 0.9) * step);
  element("chart").setAttribute("viewBox", `0 0 ${width} ${height}`);
  element("chart").replaceChildren(...chart.minutes.map((visits, index) => {
    const tall = Math.max(visits / (peak || 1) * (height - 24), 2);
    const kind = visits === 0 ? "none" : index === 59 ? "now" : "past";
    return svg("rect", { x: chart.lefts[index], y: height - tall, width: bar, height: tall, rx: Math.min(2, bar / 3), class: kind });
  }));
  if (peak > 0) {
    const label = svg("text", { x: Math.min(Math.max(chart.lefts[peakAt] + bar / 2, 12), width - 12), y: 15 });
    label.textContent = grouped(peak);
    element("chart").append(label);
  }
  describeChart();
}

function describeChart() {
  const { minutes, pointed } = chart;
  const at = index => clock(new Date(chart.lastMinute - (59 - index) * 60_000));
  const peak = Math.max(...minutes);
  const summary = peak === 0 ? "No visits yet." : `At most ${visitsOf(peak)} in a minute, at ${at(minutes.lastIndexOf(peak))}.`;
  element("chart-note").textContent = pointed < 0 ? summary : `${visitsOf(minutes[pointed])} at ${at(pointed)}.`;
}

function pointAtChart(pointer) {
  const left = pointer.clientX - element("chart").getBoundingClientRect().left;
  chart.pointed = pointer.type === "pointerleave" ? -1 : Math.max(chart.lefts.findLastIndex(x => x <= left), 0);
  if (chart.minutes.length > 0) describeChart();
}

function showMinutes() {
  element("minutes").replaceChildren(...Array.from({ length: 12 }, (_, row) => {
    const line = html("tr", "", "");
    const from = html("th", "", clock(new Date(chart.lastMinute - (59 - row * 5) * 60_000)));
    from.scope = "row";
    line.append(from, ...chart.minutes.slice(row * 5, row * 5 + 5).map(visits => html("td", "", grouped(visits))));
    return line;
  }));
}

function showPages(pages) {
  element("no-pages").hidden = pages.length > 0;
  element("page-list").hidden = pages.length === 0;
  element("page-list").replaceChildren(...pages.map(({ page, visits }) => {
    const share = svg("svg", { "aria-hidden": true });
    share.append(svg("rect", { width: `${visits / pages[0].visits * 100}%`, height: "100%" }));
    const line = html("li", "", "");
    line.append(html("span", "page", page), " ", html("span", "count", grouped(visits)), share);
    return line;
  }));
}

function showPath(fresh, headers) {
  const edge = headers.get("X-Cache-Edge");
  const cache = headers.get("X-Cache");
  const stop = !fresh ? "nobody" : ["HIT", "STALE", "UPDATING"].includes(edge) ? "nginx" : ["HIT", "STALE"].includes(cache) ? "app" : "redis";
  const [nginx, app, redis] = {
    nobody: ["Brought no answer.", "Unknown.", "Unknown."],
    nginx: ["Had a copy and answered with it.", "Was not asked.", "Was not asked."],
    app: ["Passed the question on.", cache === "STALE" ? "Gave an older answer, as Redis is away." : "Had the answer in its cache.", "Was not asked."],
    redis: ["Passed the question on.", "Put the answer together.", "Gave the figures."],
  }[stop];
  Object.entries({ nginx, app, redis }).forEach(([place, text], index, places) => {
    element(`at-${place}`).querySelector("p").textContent = text;
    element(`at-${place}`).classList.toggle("skipped", index > places.findIndex(([name]) => name === stop));
  });
  element("cache").textContent = [cache && `X-Cache: ${cache}`, edge && `X-Cache-Edge: ${edge}`].filter(Boolean).join(" · ");
}

// The process that answers, and Redis behind it.

const refreshHealth = repeating(async () => {
  const { body, status } = await ask("/health");
  // When there is no app, Nginx answers by itself and in another shape.
  const report = body?.redis ? body : { status: "unreachable", redis: { status: "unknown" } };
  const { latencyMs, usedMemoryBytes, maxMemoryBytes, lastSave, error, status: store } = report.redis;
  const memory = maxMemoryBytes ? `${megabytes(usedMemoryBytes)} of ${megabytes(maxMemoryBytes)} MB` : `${megabytes(usedMemoryBytes)} MB`;
  const health = {
    up: "All well",
    stopping: "This replica is about to stop",
    down: "Redis is away: nothing can be counted",
    unreachable: status ? `No app to ask (${status})` : "No answer",
  };
  element("health").dataset.state = report.status;
  element("health").textContent = health[report.status] ?? report.status;
  element("instance").textContent = report.instance ?? "–";
  element("process").textContent = report.version ? `Version ${report.version}, up for ${duration(report.uptimeSeconds)}.` : "";
  element("redis").textContent = store === "up" ? `Answers in ${latencyMs} ms, uses ${memory}, last save: ${lastSave}.` : error ?? "";
}, 10);

// The reader's session.

async function refreshSession() {
  const { ok, status, body } = await ask("/api/session");
  if (!ok || !body) {
    showNoSession(status === 404 ? "There is none for this browser. The next visit starts one." : "Can’t tell right now.");
    return;
  }
  const age = (Date.now() - Date.parse(body.firstSeen)) / 1_000;
  element("session-visits").textContent = grouped(body.visits);
  element("session-since").textContent = `${body.visits === 1 ? "visit" : "visits"} since ${clock(new Date(body.firstSeen))}`
    + (age < 10 ? ", just now" : `, ${duration(age)} ago`);
  element("session-end").textContent = `Forgotten by itself in ${duration(body.expiresInSeconds)} unless you come back.`;
  element("session-facts").hidden = false;
  element("session-message").textContent = "";
}

function showNoSession(why) {
  element("session-facts").hidden = true;
  element("session-message").textContent = why;
}

async function forget() {
  const { ok, status } = await ask("/api/session", "DELETE");
  if (!ok && status !== 404) {
    element("session-message").textContent = "That did not work. Please try again in a moment.";
    return;
  }
  showNoSession("Forgotten. There is no session any more; the next visit starts a new one.");
  // The button that had the focus is gone.
  element("session-heading").focus();
}

// The badge and the snippets.

function showBadge() {
  const { label, color } = element("badge-options").elements;
  const options = new URLSearchParams();
  if (label.value) options.set("label", label.value);
  if (color.value !== color.defaultValue) options.set("color", color.value.slice(1));
  const query = options.toString();
  const path = query ? `/badge/total.svg?${query}` : "/badge/total.svg";
  const word = label.value.replace(/[^\p{L}\p{N} .-]/gu, "") || "visits";
  element("badge").src = path;
  element("as-html").textContent = `<img src="${location.origin}${path.replace("&", "&amp;")}" alt="${word}">`;
  element("as-markdown").textContent = `![${word}](${location.origin}${path})`;
}

async function copy({ currentTarget: button }) {
  const snippet = element(button.dataset.copy);
  element("copied").textContent = "";
  try {
    await navigator.clipboard.writeText(snippet.textContent);
    element("copied").textContent = "Copied.";
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 2_000);
  } catch {
    // A browser gives no clipboard to plain http, localhost aside.
    getSelection().selectAllChildren(snippet);
    element("copied").textContent = "Selected. Copy it with the keyboard.";
  }
}

// The live connection.

const live = { source: null, failures: 0, retry: 0, missed: 0, soon: 0 };

function showLive(state) {
  const texts = { connecting: "Connecting…", live: "Live", lost: "Connection lost, trying again…" };
  element("live").dataset.state = state;
  if (element("live").textContent !== texts[state]) element("live").textContent = texts[state];
}

function connect() {
  disconnect();
  const source = new EventSource("/api/events");
  source.addEventListener("open", () => {
    if (element("live").dataset.state === "lost") refreshAll();
    live.failures = 0;
    showLive("live");
  });
  source.addEventListener("visit", ({ data }) => {
    const visits = parsed(data)?.visits;
    live.missed = 0;
    if (Number.isInteger(visits)) showTotal(visits);
    live.soon ||= setTimeout(() => {
      live.soon = 0;
      refreshStatistics();
    }, 1_500);
  });
  source.addEventListener("error", () => {
    showLive("lost");
    // The browser tries again by itself, except after an answer that is no stream, such as a 502.
    if (source.readyState !== EventSource.CLOSED) return;
    const wait = Math.min(1_000 * 2 ** live.failures++, 15_000);
    // A little apart, so that not all readers come back in the same moment.
    live.retry = setTimeout(connect, wait * (0.8 + Math.random() * 0.2));
  });
  live.source = source;
}

function disconnect() {
  clearTimeout(live.retry);
  live.source?.close();
  live.missed = 0;
}

async function refreshAll() {
  refreshStatistics();
  refreshHealth();
  refreshSession();
  showBadge();
  const { body } = await ask("/api/visits");
  if (body?.visits > total.shown) showTotal(body.visits);
}

/** A hidden tab asks for nothing and keeps no connection: a browser has only a few for each host. */
function wakeOrSleep() {
  if (document.hidden) {
    disconnect();
  } else {
    showLive("connecting");
    connect();
    refreshAll();
  }
}

document.querySelectorAll("[data-script]").forEach(part => part.hidden = false);
document.querySelectorAll(".origin").forEach(part => part.textContent = location.origin);
document.querySelectorAll("[data-copy]").forEach(button => button.addEventListener("click", copy));
element("forget").addEventListener("click", forget);
element("badge-options").addEventListener("input", showBadge);
element("badge-options").addEventListener("submit", submission => submission.preventDefault());
["pointermove", "pointerdown", "pointerleave"].forEach(type => element("chart").addEventListener(type, pointAtChart));
new ResizeObserver(drawChart).observe(element("chart"));
document.addEventListener("visibilitychange", wakeOrSleep);

showTotal(total.shown);
wakeOrSleep();
