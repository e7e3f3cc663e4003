"use strict";

/* What Python left here (realtime/sinks/html.py): people with spans of bins. A bin holds each class's
   share in each opinion (the vote, each region and, where the vote counts them, the blendshapes), each in a byte;
   250 is all, 255 says that there is no opinion. Its last byte is its label: a class, or else uncertain. */
const data = JSON.parse(document.getElementById("data").textContent);
const { emotions, bin, bins, begin } = data;
const EMOTIONS = emotions.length;
const OPINIONS = data.opinions;
const BYTES = OPINIONS.length * EMOTIONS + 1;
const FULL = 250;
const UNSEEN = 255;
const duration = bins * bin;
/* What the rows show, in seconds from the first bin. */
const view = { from: 0, span: duration, following: true };

const element = (id) => document.getElementById(id);
const video = element("video");
const tip = element("tip");
const dark = matchMedia("(prefers-color-scheme: dark)");
let printing = false;
const colours = () => emotions.map((emotion) => (dark.matches && !printing ? emotion.dark : emotion.light));
const percent = (share) => `${Math.round(100 * share)}%`;

function clock(seconds, digits = 0) {
  const [whole, rest] = Math.max(0, seconds).toFixed(digits).split(".");
  const pad = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600), minutes = Math.floor((whole % 3600) / 60);
  const head = hours ? `${hours}:${pad(minutes)}` : String(minutes);
  return `${head}:${pad(whole % 60)}${rest ? `.${rest}` : ""}`;
}

function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function swatch(index) {
  const made = make("span", { className: "swatch" });
  made.dataset.emotion = index;
  made.style.background = colours()[index];
  return made;
}

/* ---- one person's row ---- */

class Row {
  constructor(person) {
    this.person = person;
    this.spans = person.spans.map(([start, text]) => ({
      start,
      bytes: Uint8Array.from(atob(text), (character) => character.charCodeAt(0)),
    }));
    this.canvas = make("canvas", { className: "row", tabIndex: 0 });
    this.canvas.setAttribute("role", "slider");
    this.canvas.setAttribute("aria-label", `${person.name}: time`);
    this.canvas.setAttribute("aria-valuemin", "0");
    this.canvas.setAttribute("aria-valuemax", duration.toFixed(2));
    this.cursor = this.spans[0].start * bin;
    this.say();
    const words = `in the picture for ${clock(person.seconds)}: ${person.words}`;
    this.element = make("div", { className: "person" }, make("h2", {}, person.name, make("span", {}, words)), this.canvas);
    this.listen();
  }

  /* The mean over the bins of a time: {opinions, label}, for each of OPINIONS a share each or null;
     null where nobody is. The label is what most bins say. */
  at(from, to = from) {
    const first = Math.floor(from / bin + 1e-9), last = Math.max(first + 1, Math.ceil(to / bin));
    const sums = new Float64Array(BYTES - 1);
    const counts = OPINIONS.map(() => 0);
    const labels = Array(EMOTIONS + 1).fill(0);
    let seen = false;
    for (const { start, bytes } of this.spans) {
      const end = Math.min(last, start + bytes.length / BYTES);
      for (let number = Math.max(first, start); number < end; number++) {
        const offset = (number - start) * BYTES;
        labels[bytes[offset + BYTES - 1]]++;
        seen = true;
        for (let part = 0; part < counts.length; part++) {
          const at = offset + part * EMOTIONS;
          if (bytes[at] === UNSEEN) continue;
          counts[part]++;
          for (let i = 0; i < EMOTIONS; i++) sums[part * EMOTIONS + i] += bytes[at + i];
        }
      }
    }
    if (!seen) return null;
    const opinions = counts.map((count, part) => {
      if (!count) return null;
      const shares = sums.slice(part * EMOTIONS, (part + 1) * EMOTIONS);
      const total = shares.reduce((sum, share) => sum + share, 0) || 1;
      return Array.from(shares, (share) => share / total);
    });
    return { opinions, label: labels.indexOf(Math.max(...labels)) };
  }

  draw() {
    const { context, width, height } = surface(this.canvas);
    const fills = colours();
    const gap = getComputedStyle(document.documentElement).getPropertyValue("--page");
    const pixel = view.span / width;
    // Where a pixel holds several bins its neighbours count, too: a calmer picture of a long time.
    const blur = pixel > bin ? pixel : 0;
    const stripes = hatching(context, gap);
    for (let x = 0; x < width; x++) {
      const from = view.from + x * pixel;
      if (!this.at(from, from + pixel)) continue;
      const found = this.at(from - blur, from + pixel + blur);
      let top = height, sum = 0;
      found.opinions[0]?.forEach((share, index) => {
        sum += share;
        const next = Math.round(height * (1 - sum));
        context.fillStyle = fills[index];
        context.fillRect(x, next, 1, top - next);
        // A line between the colours, for eyes that see them alike.
        if (top - next > 3 && next > 0) {
          context.fillStyle = gap;
          context.fillRect(x, next, 1, 1);
        }
        top = next;
      });
      if (found.label === EMOTIONS) {
        context.fillStyle = stripes;
        context.fillRect(x, 0, 1, height);
      }
    }
  }

  listen() {
    const time = (event) => {
      const box = this.canvas.getBoundingClientRect();
      return view.from + Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * view.span;
    };
    this.canvas.addEventListener("pointermove", (event) => showTip(this, time(event)));
    this.canvas.addEventListener("pointerleave", hideTip);
    this.canvas.addEventListener("click", (event) => {
      this.move(time(event));
      seek(this.cursor);
      showTip(this, this.cursor);
    });
    this.canvas.addEventListener("blur", hideTip);
    this.canvas.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const step = Math.max(bin, view.span / 200);
    const steps = { ArrowLeft: -step, ArrowRight: step, PageDown: -10 * step, PageUp: 10 * step, Home: -duration, End: duration };
    if (event.key === "Enter" || event.key === " ") seek(this.cursor);
    else if (event.key === "Escape") return hideTip();
    else if (!(event.key in steps)) return;
    else this.move(this.cursor + steps[event.key]);
    event.preventDefault();
    showTip(this, this.cursor);
  }

  move(seconds) {
    this.cursor = Math.min(duration - bin / 2, Math.max(0, seconds));
    show(this.cursor);
    this.say();
  }

  say() {
    const found = this.at(this.cursor);
    const words = found ? inWords(found) : "not in the picture";
    this.canvas.setAttribute("aria-valuenow", this.cursor.toFixed(2));
    this.canvas.setAttribute("aria-valuetext", `${clock(begin + this.cursor, 1)}, ${words}`);
  }
}

/* ---- what is shared by all rows ---- */

/* A canvas at the screen's own resolution, empty. */
function surface(canvas) {
  const box = canvas.getBoundingClientRect();
  const scale = devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(box.width * scale));
  canvas.height = Math.max(1, Math.round(box.height * scale));
  return { context: canvas.getContext("2d"), width: canvas.width, height: canvas.height, scale };
}

/* Stripes in the page's colour, for times in which no emotion was clear enough to be named. */
function hatching(context, colour) {
  const size = Math.round(8 * (devicePixelRatio || 1));
  const tile = new OffscreenCanvas(size, size);
  const drawing = tile.getContext("2d");
  drawing.strokeStyle = colour;
  drawing.lineWidth = size / 3;
  drawing.lineCap = "square";
  for (const shift of [-size, 0, size]) {
    drawing.moveTo(shift, size);
    drawing.lineTo(shift + size, 0);
  }
  drawing.stroke();
  return context.createPattern(tile, "repeat");
}

const labelled = ({ label }) => emotions[label]?.name ?? "uncertain";

/* The label, with its share; of what is uncertain, what leads. */
function inWords(found) {
  const [vote] = found.opinions;
  if (!vote) return "uncertain";
  const most = vote.indexOf(Math.max(...vote));
  if (found.label === EMOTIONS) return `uncertain, most likely ${emotions[most].name} ${percent(vote[most])}`;
  return `${labelled(found)} ${percent(vote[found.label])}`;
}

/* Beside the moment it tells of, below the row or else above it. */
function showTip(row, seconds) {
  const found = row.at(seconds);
  const title = `${row.person.name} at ${clock(begin + seconds, 1)}${found ? `: ${labelled(found)}` : ""}`;
  tip.replaceChildren(make("strong", {}, title), found ? table(found.opinions) : "not in the picture");
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const box = row.canvas.getBoundingClientRect();
  const middle = box.left + ((seconds - view.from) / view.span) * box.width;
  const left = Math.min(innerWidth - width - 4, Math.max(4, middle - width / 2));
  const fits = box.bottom + 8 + height < innerHeight || box.top - 8 - height < 0;
  tip.style.transform = `translate(${left}px, ${fits ? box.bottom + 8 : box.top - 8 - height}px)`;
}

function hideTip() {
  tip.hidden = true;
}

function table(opinions) {
  const columns = opinions.map((shares) => ({ shares, most: shares ? Math.max(...shares) : 1 }));
  const mark = ({ shares, most }, index) => (shares && shares[index] === most ? "most" : "");
  const head = make("tr", {}, make("th"), ...OPINIONS.map((name) => make("th", { scope: "col" }, name)));
  const lines = emotions.map(({ name }, index) =>
    make("tr", { className: mark(columns[0], index) },
      make("th", { scope: "row" }, swatch(index), name),
      ...columns.map((column) => make("td", { className: mark(column, index) },
        column.shares ? percent(column.shares[index]) : "\u2013"))));
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...lines));
}

function seek(seconds) {
  if (video.hidden) return;
  video.currentTime = begin + seconds;
  followVideo();
}

function followVideo() {
  const playhead = element("playhead");
  const seconds = video.currentTime - begin;
  // Rows follow a video that plays, unless somebody has looked away from it.
  if (!video.paused && view.following) show(seconds);
  view.following = seconds >= view.from && seconds <= view.from + view.span;
  playhead.hidden = video.hidden || !view.following;
  playhead.style.left = `${(100 * (seconds - view.from)) / view.span}%`;
}

/* ---- which part is shown ---- */

function look(from, span) {
  view.span = Math.min(duration, Math.max(span, Math.min(duration, 100 * bin)));
  view.from = Math.min(duration - view.span, Math.max(0, from));
  const pan = element("pan");
  pan.max = duration - view.span;
  pan.value = view.from;
  pan.disabled = element("farther").disabled = view.span === duration;
  element("closer").disabled = view.span <= 100 * bin;
  view.following = false;
  hideTip();
  draw();
  followVideo();
}

/* Turn the page where a moment is out of sight. */
function show(seconds) {
  if (seconds < view.from || seconds > view.from + view.span) look(seconds - view.span / 10, view.span);
}

function zoom(factor) {
  const middle = view.following && !video.hidden ? video.currentTime - begin : view.from + view.span / 2;
  look(middle - (view.span * factor) / 2, view.span * factor);
}


/* Where the axis is marked: full steps of the video's time, at most so many. */
function ticks(room) {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 36000];
  const step = steps.find((seconds) => view.span / seconds <= room) || 86400;
  const left = begin + view.from, found = [];
  for (let at = Math.ceil(left / step) * step; at <= left + view.span; at += step) found.push(at);
  return found;
}

/* What the numbers of the axis are. */
const unit = () => `time in the video, ${begin + duration >= 3600 ? "h:min:s" : "min:s"}`;

function drawAxis() {
  const { context, width, height, scale } = surface(element("axis"));
  const style = getComputedStyle(document.documentElement);
  const left = begin + view.from, line = 24 * scale;
  context.font = `${12 * scale}px ${style.fontFamily}`;
  context.textBaseline = "bottom";
  for (const at of ticks((width / scale) / 80)) {
    const x = ((at - left) / view.span) * width;
    const text = clock(at);
    const half = context.measureText(text).width / 2;
    context.fillStyle = style.getPropertyValue("--line");
    context.fillRect(Math.min(width - 1, Math.round(x)), 0, Math.max(1, Math.round(scale)), 5 * scale);
    context.fillStyle = style.getPropertyValue("--soft");
    context.fillText(text, Math.min(width - 2 * half, Math.max(0, x - half)), line);
  }
  context.fillText(unit(), (width - context.measureText(unit()).width) / 2, height);
}

/* ---- the chart to take away ---- */

/* Its name, put together: the page itself holds no address. */
const SVG = ["http:", "", "www.w3.org", "2000", "svg"].join("/");
const plain = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/* What the rows show now as a picture of lines and areas, light, whatever the page is. */
function asSvg() {
  const across = 1000, high = 80, row = 116, left = 16, columns = 500;
  const fills = emotions.map((emotion) => emotion.light);
  const parts = [], font = 'font-family="sans-serif"';
  const heads = [...emotions.map(({ name }) => name), "uncertain"];
  let x = left;
  heads.forEach((name, index) => {
    const fill = index < EMOTIONS ? fills[index] : "url(#stripes)";
    parts.push(`<rect x="${x}" y="14" width="12" height="12" fill="${fill}" stroke="#555"/><text x="${x + 18}" y="25" ${font} font-size="13">${plain(name)}</text>`);
    x += 40 + 8 * name.length;
  });
  rows.forEach((one, number) => {
    const top = 66 + number * row, step = view.span / columns, wide = across / columns;
    parts.push(`<text x="${left}" y="${top - 8}" ${font} font-size="14" font-weight="bold">${plain(one.person.name)}</text><rect x="${left}" y="${top}" width="${across}" height="${high}" fill="#f1f3f5"/>`);
    const areas = fills.map(() => []), striped = [];
    for (let column = 0; column < columns; column++) {
      const found = one.at(view.from + column * step, view.from + (column + 1) * step);
      const at = left + column * wide;
      let sum = 0;
      found?.opinions[0]?.forEach((share, index) => {
        const low = top + high * (1 - sum);
        sum += share;
        const up = top + high * (1 - sum);
        if (low - up > 0.05) areas[index].push(`M${at.toFixed(1)} ${low.toFixed(1)}V${up.toFixed(1)}h${wide}V${low.toFixed(1)}z`);
      });
      if (found?.label === EMOTIONS) striped.push(`M${at.toFixed(1)} ${top}h${wide}v${high}h-${wide}z`);
    }
    areas.forEach((area, index) => area.length && parts.push(`<path d="${area.join("")}" fill="${fills[index]}"/>`));
    if (striped.length) parts.push(`<path d="${striped.join("")}" fill="url(#stripes)"/>`);
  });
  const bottom = 66 + rows.length * row - 30;
  for (const at of ticks(12)) {
    const place = left + ((at - begin - view.from) / view.span) * across;
    parts.push(`<path d="M${place.toFixed(1)} ${bottom}v6" stroke="#555"/><text x="${place.toFixed(1)}" y="${bottom + 20}" ${font} font-size="12" text-anchor="middle">${clock(at)}</text>`);
  }
  parts.push(`<text x="${left + across / 2}" y="${bottom + 38}" ${font} font-size="12" text-anchor="middle">${unit()}</text>`);
  const stripes = '<pattern id="stripes" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="2.5" height="6" fill="#fff"/><rect x="2.5" width="1" height="6" fill="#777"/></pattern>';
  return `<svg xmlns="${SVG}" width="${across + 2 * left}" height="${bottom + 50}"><title>${plain(document.title)}</title><defs>${stripes}</defs><rect width="100%" height="100%" fill="#fff"/>${parts.join("")}</svg>`;
}

function saveSvg() {
  const address = URL.createObjectURL(new Blob([asSvg()], { type: "image/svg+xml" }));
  const name = decodeURIComponent(location.pathname.split("/").pop()).replace(/\.html?$/, "");
  make("a", { href: address, download: `${name || "timeline"}.svg` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

/* Paper is white, whatever the screen is. */
function onPaper(wanted) {
  printing = wanted;
  draw();
}

/* Keys of the page, where no control of its own takes them. */
function pageKey(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("canvas, button, input, video")) return;
  if (event.key === " " && !video.hidden) video.paused ? video.play() : video.pause();
  else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    const step = event.key === "ArrowLeft" ? -5 : 5;
    seek(Math.min(duration, Math.max(0, video.currentTime - begin + step)));
  } else if (event.key === "+" || event.key === "=") zoom(0.5);
  else if (event.key === "-") zoom(2);
  else return;
  event.preventDefault();
}

const rows = data.people.map((person) => new Row(person));

function draw() {
  rows.forEach((row) => row.draw());
  drawAxis();
  for (const made of document.querySelectorAll(".swatch[data-emotion]")) made.style.background = colours()[made.dataset.emotion];
}

function noVideo() {
  video.hidden = true;
  const note = element("no-video");
  const missing = data.video ? `The video ${data.video} is not beside this page, or cannot be played here` : "There is no video to this page";
  note.textContent = `${missing}; the timeline works without it.`;
  note.hidden = false;
  followVideo();
}

element("rows").append(...rows.map((row) => row.element));
element("legend").append(...emotions.map(({ name }, index) => make("li", {}, swatch(index), name)));
if (data.people.some((person) => person.shares.uncertain >= 0.005)) {
  element("legend").append(make("li", {}, make("span", { className: "swatch striped" }), "uncertain: nothing is clear enough to be named"));
}
element("left-out").textContent = data.left_out;
if (!rows.length) element("hint").textContent = "No face was found, so there is nothing to draw.";
video.addEventListener("error", noVideo);
if (video.error || !data.video) noVideo();
for (const name of ["timeupdate", "seeking", "loadedmetadata"]) video.addEventListener(name, followVideo);
dark.addEventListener("change", draw);
element("closer").addEventListener("click", () => zoom(0.5));
element("farther").addEventListener("click", () => zoom(2));
element("svg").addEventListener("click", saveSvg);
element("print").addEventListener("click", () => print());
document.addEventListener("keydown", pageKey);
addEventListener("beforeprint", () => onPaper(true));
addEventListener("afterprint", () => onPaper(false));
element("pan").addEventListener("input", (event) => look(Number(event.target.value), view.span));
new ResizeObserver(draw).observe(element("rows"));
(function follow() {
  if (!video.paused) followVideo();
  requestAnimationFrame(follow);
})();
look(0, duration);
