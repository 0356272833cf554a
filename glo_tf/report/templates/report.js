"use strict";
const root = document.documentElement;
const theme = document.getElementById("theme");
try { if (sessionStorage.theme) root.dataset.theme = sessionStorage.theme; } catch { /* a browser that keeps nothing */ }
const dark = () =>
  root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
const label = () => { theme.textContent = dark() ? "Light page" : "Dark page"; };
theme.hidden = false;
theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; label(); recolour();
  try { if (document.body.dataset.written) sessionStorage.theme = root.dataset.theme; } catch { /* the same */ } });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { label(); recolour(); });
label();

// Charts: Plotly draws them in the place of the figures, which stay for paper. "--blue" is a colour of the page.
const charts = [];
const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
const themed = (value) =>
  typeof value === "string" && /^--[a-z]+$/.test(value) ? colour(value)
  : Array.isArray(value) ? value.map(themed)
  : value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, themed(v)]))
  : value;
function layoutOf(chart) {
  const axis = { gridcolor: "--grid", linecolor: "--muted", zerolinecolor: "--grid", automargin: true };
  const layout = { ...chart.layout, font: { color: "--ink", family: "system-ui, sans-serif", size: 13 },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: { l: 48, r: 12, t: 30, b: 40 },
    hovermode: "closest", hoverlabel: { align: "left", bgcolor: "--soft", bordercolor: "--grey", font: { color: "--ink" } },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: "--grey", activecolor: "--ink" } };
  for (const name of new Set(["xaxis", "yaxis", ...Object.keys(chart.layout).filter((key) => /^[xy]axis/.test(key))]))
    layout[name] = { ...axis, ...layout[name] };
  return themed(layout);
}
function draw({ place, chart }) {
  const config = { displaylogo: false, responsive: true, scrollZoom: false,
    modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]] };
  Plotly.react(place, themed(chart.data), layoutOf(chart), config);
}
function recolour() { for (const chart of charts) draw(chart); }
const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting || target.querySelector(".plot")) continue;
    const place = document.createElement("div");
    place.className = "plot";
    place.setAttribute("role", "group");
    place.setAttribute("aria-label", target.dataset.label);
    target.append(place);
    target.classList.add("drawn");
    charts.push({ place, chart: JSON.parse(target.dataset.chart) });
    draw(charts.at(-1));
  }
}, { rootMargin: "300px" });
async function load() {  // where a browser cannot, the figures stay
  const packed = Uint8Array.from(atob(document.getElementById("library").content.textContent), (c) => c.charCodeAt(0));
  const script = document.createElement("script");
  script.textContent = await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  document.head.append(script);
  for (const chart of document.querySelectorAll("[data-chart]")) seen.observe(chart);
}
if (globalThis.DecompressionStream) load();

// Tables that are sorted by a click on the head of a column.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const falling = head.getAttribute("aria-sort") !== "descending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const of = (row) => row.cells[column].textContent.trim();
      const numbers = head.classList.contains("number");
      const order = (a, b) => numbers ? parseFloat(of(a)) - parseFloat(of(b)) : of(a).localeCompare(of(b), "en", { numeric: true });
      table.tBodies[0].append(...[...table.tBodies[0].rows].sort((a, b) => falling ? order(b, a) : order(a, b)));
    });
  });
}

for (const button of document.querySelectorAll("button[data-copies]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const block = document.getElementById(button.dataset.copies);
    try {
      await navigator.clipboard.writeText(block.textContent);
      button.textContent = "Copied";
    } catch {  // not allowed, as in pages from files in some browsers: selected, it can be copied by hand
      getSelection().selectAllChildren(block);
      button.textContent = document.execCommand("copy") ? "Copied" : "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}

// The page of a search that runs is loaded again, until it is not written again.
const { written, reload, stale } = document.body.dataset;
if (written) {
  const watch = () => {
    if (Date.now() - Date.parse(written) > 1000 * stale) {
      document.getElementById("running").hidden = true;
      document.getElementById("stale").hidden = false;
    } else if (document.hidden) setTimeout(watch, 1000 * reload);
    else location.reload();
  };
  if (Date.now() - Date.parse(written) > 1000 * stale) watch();
  else setTimeout(watch, 1000 * reload);
}
