/* The chart that pages share stands before this (realtime/sinks/html_page/chart.js).
   What Python left here (emotion/study/page.py): classes with colours, mean courses, and a course a video. */
const data = JSON.parse(document.getElementById("data").textContent);
const { emotions, means, videos } = data;
const FULL = 250;
const element = (id) => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");
let printing = false;
const colours = () => emotions.map((emotion) => (dark.matches && !printing ? emotion.dark : emotion.light));
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
const hidden = new Set();
const tip = element("tip");

/* ---- a video's course ---- */

function bytesOf(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function drawCourse(canvas, course) {
  const bytes = (course.bytes ??= bytesOf(course.data));
  const row = emotions.length + 2;
  const target = surface(canvas);
  drawStack(target, colours(), ink("page"), (x) => {
    const at = Math.min(course.bins - 1, Math.floor((x / target.width) * course.bins)) * row;
    if (!bytes[at]) return null;
    const shares = Array.from(bytes.subarray(at + 2, at + row), (byte) => byte / FULL);
    const total = shares.reduce((sum, share) => sum + share, 0) || 1;
    return { shares: shares.map((share) => share / total), named: bytes[at + 1] <= FULL / 2 };
  });
}

/* ---- mean courses ---- */

const time = () => document.querySelector('input[name="time"]:checked').value;
const LEFT = 40, BOTTOM = 24, RIGHT = 8, HEAD = 24;
const places = () => [...emotions.keys()].filter((place) => !hidden.has(place));

/* How high a class's panel is: all together fill some 400 pixels as long as each can be read. */
const panel = () => Math.max(74, Math.min(220, Math.floor(400 / Math.max(1, places().length))));

/* The highest of the classes that are shown, in any group, in quarters: all panels have one scale. */
function highest() {
  const shares = means.filter((mean) => mean.time === time()).flatMap((mean) => (mean.videos.some((count) => count > 1) ? mean.high : mean.mean).flatMap((row) => places().map((place) => row[place])));
  return Math.min(1, Math.ceil(4 * shares.reduce((most, share) => Math.max(most, share), 0.2)) / 4);
}

function chartOf(mean, longest) {
  const canvas = make("canvas");
  canvas.setAttribute("role", "img");
  const label = mean.group === "all" ? "All videos" : mean.group;
  canvas.setAttribute("aria-label", `${label}: mean share of each expression over time, a panel each`);
  const most = Math.max(...mean.videos);
  const caption = make("figcaption", {}, label, make("span", {}, counted(most, "video")));
  const figure = make("figure", {}, caption, canvas);
  canvas.addEventListener("pointermove", (event) => showMean(event, canvas, mean, longest));
  canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
  return { figure, draw: () => drawMean(canvas, mean, longest) };
}

/* The shown classes one above another, so that no band hides another; groups stand side by side. */
function drawMean(canvas, mean, longest) {
  const shown = places();
  canvas.style.height = `${shown.length * panel() + BOTTOM}px`;
  const { pen, width, height, scale } = surface(canvas);
  const left = LEFT * scale, right = width - RIGHT * scale, end = height - BOTTOM * scale;
  const most = highest();
  pen.font = `${12 * scale}px system-ui, sans-serif`;
  shown.forEach((place, number) => {
    const bottom = Math.round((number + 1) * panel() * scale), top = bottom - (panel() - HEAD) * scale;
    const x = (index) => left + ((right - left) * Math.min(longest, (index + 0.5) * mean.step)) / longest;
    const y = (share) => bottom - ((bottom - top) * share) / most;
    drawScale({ pen, scale, left, right, y, most, step: panel() > 120 ? 0.25 : most });
    pen.textAlign = "left";
    pen.textBaseline = "bottom";
    pen.fillStyle = ink("text");
    pen.fillText(emotions[place].name, left, top - 3 * scale);
    drawLine({ pen, scale, x, y }, mean, place);
  });
  pen.textBaseline = "top";
  pen.fillStyle = ink("soft");
  for (const [at, words] of ticks(mean, longest, (right - left) / scale)) {
    pen.textAlign = at === 0 ? "left" : at >= longest ? "right" : "center";
    pen.fillText(words, left + ((right - left) * at) / longest, end + 7 * scale);
  }
}

function drawScale({ pen, scale, left, right, y, most, step }) {
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (let share = 0; share <= most + 1e-6; share += step) {
    pen.fillStyle = ink("line");
    pen.fillRect(left, Math.round(y(share)), right - left, Math.max(1, Math.round(scale / 2)));
    pen.fillStyle = ink("soft");
    // Nothing stands between two panels' marks but half a line: the lower one gives way.
    pen.fillText(percent(share), left - 6 * scale, y(share) - (share === 0 ? 4 * scale : 0));
  }
}

/* A class's mean, on its band. */
function drawLine({ pen, scale, x, y }, mean, place) {
  pen.fillStyle = pen.strokeStyle = colours()[place];
  pen.globalAlpha = 0.3;
  for (const run of runs(mean.low, place)) {
    pen.beginPath();
    run.forEach((index) => pen.lineTo(x(index), y(mean.high[index][place])));
    run.reverse().forEach((index) => pen.lineTo(x(index), y(mean.low[index][place])));
    pen.fill();
  }
  pen.globalAlpha = 1;
  pen.lineWidth = 2 * scale;
  pen.lineJoin = "round";
  for (const run of runs(mean.mean, place)) {
    pen.beginPath();
    run.forEach((index) => pen.lineTo(x(index), y(mean.mean[index][place])));
    if (run.length === 1) pen.arc(x(run[0]), y(mean.mean[run[0]][place]), scale, 0, 7);
    pen.stroke();
  }
}

/* Rows of stretches in which something is known. */
function runs(table, place) {
  const found = [];
  table.forEach((row, index) => {
    if (row[place] === null) return;
    if (index && found.length && found.at(-1).at(-1) === index - 1) found.at(-1).push(index);
    else found.push([index]);
  });
  return found;
}

function ticks(mean, longest, room) {
  if (mean.time === "relative") return [[0, "start"], [0.5, "middle"], [1, "end"]];
  const steps = [0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];
  const step = steps.find((seconds) => longest / seconds <= room / 60) || 86400;
  const found = [];
  for (let at = 0; at <= longest + 1e-6; at += step) found.push([at, clock(at, step < 1)]);
  return found;
}

function showMean(event, canvas, mean, longest) {
  const box = canvas.getBoundingClientRect();
  const at = ((event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT)) * longest;
  const index = Math.floor(at / mean.step);
  if (index < 0 || index >= mean.videos.length || !mean.videos[index]) { tip.hidden = true; return; }
  const moment = mean.time === "relative" ? `at ${percent((index + 0.5) * mean.step)} of each video` : `at ${clock((index + 0.5) * mean.step, mean.step < 1)}`;
  const told = percents(mean.mean[index]);
  const lines = emotions.map(({ name }, place) => {
    const range = mean.low[index][place] === null ? "" : `${percent(mean.low[index][place])} to ${percent(mean.high[index][place])}`;
    return make("tr", {}, make("th", { scope: "row" }, swatch(place), name), make("td", {}, told[place]), make("td", {}, range));
  });
  tip.replaceChildren(make("strong", {}, `${moment}, ${counted(mean.videos[index], "video")}`), make("table", {}, make("tbody", {}, ...lines)));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.min(innerWidth - width - 4, Math.max(4, event.clientX + 14));
  const below = box.bottom + height + 8 < innerHeight || box.top < height;
  tip.style.transform = `translate(${left}px, ${below ? box.bottom + 4 : box.top - height - 4}px)`;
}

function swatch(place) {
  const made = make("span", { className: "swatch" });
  made.dataset.emotion = place;
  made.style.background = colours()[place];
  return made;
}

let charts = [];

function showCharts() {
  const shown = means.filter((mean) => mean.time === time());
  const longest = Math.max(...shown.map((mean) => mean.videos.length * mean.step));
  charts = shown.map((mean) => chartOf(mean, longest));
  element("charts").replaceChildren(...charts.map((chart) => chart.figure));
  charts.forEach((chart) => chart.draw());
}

/* A button a class, and one for all: what is hidden is drawn in no chart, and all others share the room. */
function legend() {
  const all = make("button", { type: "button", id: "all" });
  const buttons = emotions.map(({ name }, place) => {
    const button = make("button", { type: "button" }, swatch(place), name);
    button.addEventListener("click", () => {
      if (!hidden.delete(place)) hidden.add(place);
      show();
    });
    return button;
  });
  const show = () => {
    buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(!hidden.has(place))));
    all.textContent = hidden.size ? "show all" : "hide all";
    charts.forEach((chart) => chart.draw());
  };
  all.addEventListener("click", () => {
    if (hidden.size) hidden.clear();
    else emotions.forEach((_, place) => hidden.add(place));
    show();
  });
  show();
  element("legend").append(...[...buttons, all].map((button) => make("li", {}, button)));
}

/* ---- the table ---- */

const body = document.querySelector("#videos tbody");
const rows = [...body.rows].map((row, index) => ({ row, video: videos[index], text: row.textContent.toLowerCase() }));
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
const order = { key: "", down: false };

function compare(one, other) {
  const a = one.video[order.key], b = other.video[order.key];
  const missing = (value) => value === null || value === "";
  if (missing(a) || missing(b)) return missing(a) - missing(b);
  const found = typeof a === "number" ? a - b : collator.compare(a, b);
  return order.down ? -found : found;
}

function sortBy(button) {
  const key = button.dataset.key;
  order.down = order.key === key ? !order.down : ["seconds", "people", "confidence"].includes(key);
  order.key = key;
  for (const head of document.querySelectorAll("#videos thead th")) head.removeAttribute("aria-sort");
  button.closest("th").setAttribute("aria-sort", order.down ? "descending" : "ascending");
  body.append(...[...rows].sort(compare).map(({ row }) => row));
}

function filter() {
  const words = element("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const state = element("state").value, group = element("group")?.value || "";
  let count = 0;
  for (const { row, video, text } of rows) {
    const fits = words.every((word) => text.includes(word)) && (!state || video.state === state) && (!group || video.group === group);
    row.hidden = !fits;
    count += fits;
  }
  element("count").textContent = `${count === rows.length ? "" : `${count} of `}${counted(rows.length, "video")}`;
  element("none").hidden = count > 0;
  whenIdle(drawAhead);
}

/* Strips are drawn as they come into sight, and so many more when there is nothing else to do: there may be
   thousands, and each takes memory. */
const AHEAD = 500, AT_ONCE = 5;
const strips = rows.flatMap(({ row, video }) => (video.course ? [{ row, course: video.course, canvas: row.querySelector("canvas") }] : []));
const drawn = new Set();
const whenIdle = window.requestIdleCallback ?? ((act) => setTimeout(act, 20));

function drawStrip(strip) {
  drawCourse(strip.canvas, strip.course);
  drawn.add(strip);
  sight.unobserve(strip.canvas);
}

/* Those without a picture, but for the rows that are filtered out, which have no size. */
const missing = () => strips.filter((strip) => !drawn.has(strip) && !strip.row.hidden);

const sight = new IntersectionObserver((entries) => {
  const seen = new Set(entries.filter((entry) => entry.isIntersecting).map((entry) => entry.target));
  strips.filter((strip) => seen.has(strip.canvas)).forEach(drawStrip);
}, { rootMargin: "400px" });

function drawAhead() {
  const some = drawn.size < AHEAD ? missing().slice(0, AT_ONCE) : [];
  some.forEach(drawStrip);
  if (some.length) whenIdle(drawAhead);
}

function drawAll() {
  for (const made of document.querySelectorAll(".swatch[data-emotion]")) made.style.background = colours()[made.dataset.emotion] || "";
  charts.forEach((chart) => chart.draw());
  drawn.clear();
  for (const { canvas } of strips) { sight.unobserve(canvas); sight.observe(canvas); }
  whenIdle(drawAhead);
}

/* Paper is white, whatever the screen is, as wide as paper is, and has no out of sight. */
function onPaper(wanted) {
  printing = wanted;
  document.documentElement.classList.toggle("paper", wanted);
  drawAll();
  if (wanted) missing().forEach(drawStrip);
}

for (const made of document.querySelectorAll("#videos .swatch")) made.classList.toggle("striped", !(made.dataset.emotion in emotions));
element("tools").hidden = false;
legend();
if (means.length) showCharts();
filter();
drawAll();
for (const button of document.querySelectorAll("#videos thead button")) button.addEventListener("click", () => sortBy(button));
for (const id of ["search", "state", "group"]) element(id)?.addEventListener("input", filter);
for (const input of document.querySelectorAll('input[name="time"]')) input.addEventListener("change", showCharts);
dark.addEventListener("change", drawAll);
addEventListener("resize", drawAll);
addEventListener("beforeprint", () => onPaper(true));
addEventListener("afterprint", () => onPaper(false));
