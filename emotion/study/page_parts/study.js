/* The chart that pages share stands before this (realtime/sinks/html_page/chart.js).
   What Python left here (emotion/study/page.py): classes with colours, mean courses, and a course a video. */
const data = JSON.parse(document.getElementById("data").textContent);
const { emotions, means, videos } = data;
const FULL = 250;
const element = (id) => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");
const colours = () => emotions.map((emotion) => (dark.matches ? emotion.dark : emotion.light));
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
const LEFT = 40, BOTTOM = 24, TOP = 6, RIGHT = 8;

/* The highest that any chart shows, in quarters: all have one scale. */
const highest = Math.min(1, Math.ceil(4 * Math.max(0.2, ...means.flatMap((mean) => (mean.videos.some((count) => count > 1) ? mean.high : mean.mean)).flat())) / 4);

function chartOf(mean, longest) {
  const canvas = make("canvas");
  canvas.setAttribute("role", "img");
  const label = mean.group === "all" ? "All videos" : mean.group;
  canvas.setAttribute("aria-label", `${label}: mean share of each expression over time`);
  const most = Math.max(...mean.videos);
  const caption = make("figcaption", {}, label, make("span", {}, `${most} ${most === 1 ? "video" : "videos"}`));
  const figure = make("figure", {}, caption, canvas);
  canvas.addEventListener("pointermove", (event) => showMean(event, canvas, mean, longest));
  canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
  return { figure, draw: () => drawMean(canvas, mean, longest) };
}

function drawMean(canvas, mean, longest) {
  const { pen: context, width, height, scale } = surface(canvas);
  const left = LEFT * scale, bottom = height - BOTTOM * scale, top = TOP * scale, right = width - RIGHT * scale;
  const x = (at) => left + ((right - left) * at) / longest;
  const y = (share) => bottom - ((bottom - top) * share) / highest;
  const middle = (index) => Math.min(longest, (index + 0.5) * mean.step);
  context.font = `${12 * scale}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (let share = 0; share <= highest + 1e-6; share += 0.25) {
    context.fillStyle = ink("line");
    context.fillRect(left, Math.round(y(share)), right - left, Math.max(1, Math.round(scale / 2)));
    context.fillStyle = ink("soft");
    context.fillText(percent(share), left - 6 * scale, y(share));
  }
  context.textBaseline = "top";
  for (const [at, words] of ticks(mean, longest, (right - left) / scale)) {
    context.textAlign = at === 0 ? "left" : at >= longest ? "right" : "center";
    context.fillText(words, x(at), bottom + 7 * scale);
  }
  emotions.forEach((_, place) => {
    if (hidden.has(place)) return;
    context.fillStyle = context.strokeStyle = colours()[place];
    for (const run of runs(mean.low, place)) {
      context.globalAlpha = 0.22;
      context.beginPath();
      run.forEach((index) => context.lineTo(x(middle(index)), y(mean.high[index][place])));
      run.reverse().forEach((index) => context.lineTo(x(middle(index)), y(mean.low[index][place])));
      context.fill();
      context.globalAlpha = 1;
    }
    context.lineWidth = 2 * scale;
    context.lineJoin = "round";
    for (const run of runs(mean.mean, place)) {
      context.beginPath();
      run.forEach((index) => context.lineTo(x(middle(index)), y(mean.mean[index][place])));
      if (run.length === 1) context.arc(x(middle(run[0])), y(mean.mean[run[0]][place]), scale, 0, 7);
      context.stroke();
    }
  });
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
  if (mean.time === "relative") return [[0, "begin"], [0.5, "half of each video"], [1, "end"]];
  const steps = [0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];
  const step = steps.find((seconds) => longest / seconds <= room / 60) || 86400;
  const found = [];
  for (let at = 0; at <= longest + 1e-6; at += step) found.push([at, clock(at, step < 1 ? 1 : 0)]);
  return found;
}

function showMean(event, canvas, mean, longest) {
  const box = canvas.getBoundingClientRect();
  const at = ((event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT)) * longest;
  const index = Math.floor(at / mean.step);
  if (index < 0 || index >= mean.videos.length || !mean.videos[index]) { tip.hidden = true; return; }
  const moment = mean.time === "relative" ? `at ${percent((index + 0.5) * mean.step)} of each video` : `at ${clock((index + 0.5) * mean.step, mean.step < 1 ? 1 : 0)}`;
  const told = percents(mean.mean[index]);
  const lines = emotions.map(({ name }, place) => {
    const range = mean.low[index][place] === null ? "" : `${percent(mean.low[index][place])} to ${percent(mean.high[index][place])}`;
    return make("tr", {}, make("th", { scope: "row" }, swatch(place), name), make("td", {}, told[place]), make("td", {}, range));
  });
  tip.replaceChildren(make("strong", {}, `${moment}, ${mean.videos[index]} videos`), make("table", {}, make("tbody", {}, ...lines)));
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
  element("charts").classList.toggle("one", charts.length === 1);
  element("charts").replaceChildren(...charts.map((chart) => chart.figure));
  charts.forEach((chart) => chart.draw());
}

function legend() {
  element("legend").append(...emotions.map(({ name }, place) => {
    const button = make("button", { type: "button" }, swatch(place), name);
    button.setAttribute("aria-pressed", "true");
    button.addEventListener("click", () => {
      if (!hidden.delete(place)) hidden.add(place);
      button.setAttribute("aria-pressed", String(!hidden.has(place)));
      charts.forEach((chart) => chart.draw());
    });
    return make("li", {}, button);
  }));
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
  element("count").textContent = count === rows.length ? `${count} videos` : `${count} of ${rows.length} videos`;
  element("none").hidden = count > 0;
}

/* Strips are drawn as they come into sight: there may be thousands. */
const sight = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) drawCourse(target, videos[target.closest("tr").dataset.row].course);
}, { rootMargin: "400px" });

function drawAll() {
  for (const made of document.querySelectorAll(".swatch[data-emotion]")) made.style.background = colours()[made.dataset.emotion] || "";
  charts.forEach((chart) => chart.draw());
  for (const canvas of document.querySelectorAll("#videos canvas")) { sight.unobserve(canvas); sight.observe(canvas); }
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
