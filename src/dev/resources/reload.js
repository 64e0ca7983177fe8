// In development alone, put into the page by Reload: shows in the open page what was saved.

const style = document.querySelector("link[rel=stylesheet]");
const problem = Object.assign(document.createElement("pre"), { id: "reload-problem" });
problem.setAttribute("role", "alert");
// By script, since the policy of the page allows no style of its own in it.
Object.assign(problem.style, {
  position: "fixed", inset: "auto 0 0 0", zIndex: 9, maxHeight: "60vh", margin: 0, padding: "1rem", overflow: "auto",
  whiteSpace: "pre-wrap", color: "#fff", background: "#8c1d18",
});

let shown;

function show(now) {
  problem.textContent = now.problem;
  if (now.problem) document.body.append(problem);
  else problem.remove();
  if (shown && now.page !== shown.page) location.reload();
  if (shown && now.style !== shown.style) style.href = `static/tally.css?${now.style}`;
  shown = now;
}

function connect() {
  const source = new EventSource("dev/events");
  source.addEventListener("message", ({ data }) => show(JSON.parse(data)));
  source.addEventListener("error", () => {
    // The browser tries again by itself, except after an answer that is no stream, such as a 502.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 500);
  });
}

connect();
