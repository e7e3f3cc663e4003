/* People's expressions over time: stacked shares, a row a person on one axis, with zoom, a marker that follows the
   video, the numbers of a moment, and all of it with the keyboard. The page beside a video's results carries this
   file along (realtime/sinks/html.py), and the page of `emotion serve` imports it; it loads nothing by itself. */

import { capital, clock, make, percents } from "./shared.js";

export class Chart {
  /* people: [{ name, head, add }] where `head` is an element above the row, or none, and `add(number, sums, counts,
       labels)` adds a bin to a sum per class for each prediction, a count per prediction and a Map of labels,
       and returns whether the person was present.
     emotions: names of the classes. predictions: names of the columns, the vote first.
     begin, duration: of the video, in seconds; bin: seconds a bin.
     player: { time, playing, seek(seconds), toggle() } in seconds of the video, or null.
     look: { colours(), light(), ink(name), marks }: the classes' colours as they are shown now and on white; a colour of the
       page: "ground" behind the rows, "line", "soft" for small words. */
  constructor({ people, emotions, predictions, begin, duration, bin, player, look }) {
    Object.assign(this, { emotions, predictions, begin, duration, bin, player, look });
    this.view = { from: 0, span: duration };
    this.cursor = null;
    this.following = true;
    this.tip = make("div", { className: "tip", hidden: true });
    this.rows = people.map((person) => new Row(this, person));
    this.axis = make("canvas", { className: "axis", "aria-hidden": "true" });
    this.head = make("div", { className: "playhead", hidden: true, "aria-hidden": "true" });
    this.element = make("div", { className: "charts" }, ...this.rows.map((row) => row.element), this.axis, this.head);
    this.now = make("div");
    this.numbers = make("details", { className: "moment" }, make("summary", {}, "Numbers at this moment"), this.now);
    this.numbers.addEventListener("toggle", () => this.tell());
    this.tools = this.makeTools();
    this.resizing = new ResizeObserver(() => this.draw());
    this.resizing.observe(this.element);
    this.follow();
    this.tell();
  }

  /* The moment that is shown, in seconds from the begin: the video's, or else the one chosen last. */
  get moment() {
    return this.player ? this.player.time - this.begin : this.cursor ?? 0;
  }

  makeTools() {
    const button = (text, label, act) => {
      const made = make("button", { type: "button", "aria-label": label, title: label }, text);
      made.addEventListener("click", act);
      return made;
    };
    this.closer = button("+", "Zoom in", () => this.zoom(0.5));
    this.farther = button("\u2212", "Zoom out", () => this.zoom(2));
    this.pan = make("input", { type: "range", min: "0", step: "any", "aria-label": "Which part of the time is shown" });
    this.pan.addEventListener("input", () => this.show(Number(this.pan.value), this.view.span));
    return make("div", { className: "zoom" }, this.pan, this.farther, this.closer, button("SVG", "Save as SVG", () => this.save()));
  }

  /* ---- which part is shown ---- */

  show(from, span) {
    const least = Math.min(this.duration, Math.max(1, 25 * this.bin));
    this.view.span = Math.min(this.duration, Math.max(span, least));
    this.view.from = Math.min(this.duration - this.view.span, Math.max(0, from));
    const whole = this.view.span === this.duration;
    this.pan.max = this.duration - this.view.span;
    this.pan.value = this.view.from;
    this.pan.hidden = this.farther.disabled = whole;
    this.closer.disabled = this.view.span <= least;
    this.following = this.isShown(this.moment);
    this.tip.hidden = true;
    this.draw();
  }

  isShown(seconds) {
    return seconds >= this.view.from && seconds <= this.view.from + this.view.span;
  }

  /* Turns the page where a moment is out of sight. */
  reveal(seconds) {
    if (!this.isShown(seconds)) this.show(seconds - this.view.span / 10, this.view.span);
  }

  zoom(factor) {
    const { from, span } = this.view;
    const known = this.player || this.cursor !== null;
    const around = known && this.isShown(this.moment) ? this.moment : from + span / 2;
    this.show(around - ((around - from) * factor), span * factor);
  }

  /* ---- following the video ---- */

  follow() {
    const now = this.moment;
    if (now !== this.drawnAt) {
      this.drawnAt = now;
      // Rows follow a playing video, unless the user has moved them.
      if (this.player?.playing && this.following) this.reveal(now);
      else this.following = this.isShown(now);
      this.mark();
    }
    this.next = requestAnimationFrame(() => this.follow());
  }

  mark() {
    this.head.hidden = !this.player || !this.isShown(this.moment);
    this.head.style.left = `${(100 * (this.moment - this.view.from)) / this.view.span}%`;
  }

  /* Describes the present time as text, for screen readers; call it when the video is paused. */
  tell() {
    for (const row of this.rows) row.say(this.moment);
    if (this.numbers.open) this.now.replaceChildren(...this.rows.map((row) => row.table(this.moment)));
  }

  go(seconds) {
    this.cursor = Math.min(this.duration - this.bin / 2, Math.max(0, seconds));
    this.player?.seek(this.begin + this.cursor);
    this.reveal(this.cursor);
    this.tell();
    this.mark();
  }

  /* ---- drawing ---- */

  draw() {
    if (!this.element.clientWidth) return; // another view is shown
    for (const row of this.rows) row.draw();
    this.drawAxis();
    this.mark();
  }

  drawAxis() {
    const { pen, width, height, scale } = surface(this.axis);
    pen.font = `${12 * scale}px system-ui, sans-serif`;
    pen.textBaseline = "bottom";
    for (const { at, text } of this.ticks(width / scale / 80)) {
      const x = ((at - this.begin - this.view.from) / this.view.span) * width;
      const half = pen.measureText(text).width / 2;
      pen.fillStyle = this.look.ink("line");
      pen.fillRect(Math.min(width - 1, Math.round(x)), 0, Math.max(1, Math.round(scale)), 5 * scale);
      pen.fillStyle = this.look.ink("soft");
      pen.fillText(text, Math.min(width - 2 * half, Math.max(0, x - half)), 24 * scale);
    }
    pen.fillText(this.unit, (width - pen.measureText(this.unit).width) / 2, height);
  }

  /* Where the axis is marked, in seconds of the video, and how: even steps, at most so many. */
  ticks(room) {
    const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 36000];
    const step = steps.find((seconds) => this.view.span / seconds <= room) || 86400;
    const left = this.begin + this.view.from;
    const found = [];
    for (let number = Math.ceil(left / step); number * step <= left + this.view.span; number++) found.push(Number((number * step).toFixed(1)));
    return found.map((at) => ({ at, text: clock(at, step < 1) }));
  }

  /* What the numbers of the axis are. */
  get unit() {
    return `time in the video, ${this.begin + this.duration >= 3600 ? "h:min:s" : "min:s"}`;
  }

  /* ---- the chart to take away ---- */

  /* What the rows show now as a picture of lines and areas, light, whatever the page is. */
  svg(title) {
    const across = 1000, high = 80, row = 116, left = 16, columns = 500;
    const fills = this.look.light();
    const parts = [], font = 'font-family="sans-serif"';
    let x = left;
    [...this.emotions, "uncertain"].forEach((name, index) => {
      const fill = fills[index] ?? "url(#stripes)";
      parts.push(`<rect x="${x}" y="14" width="12" height="12" fill="${fill}" stroke="#555"/><text x="${x + 18}" y="25" ${font} font-size="13">${plain(name)}</text>`);
      x += 40 + 8 * name.length;
    });
    this.rows.forEach((one, number) => {
      const top = 66 + number * row, step = this.view.span / columns, wide = across / columns;
      parts.push(`<text x="${left}" y="${top - 8}" ${font} font-size="14" font-weight="bold">${plain(one.name)}</text><rect x="${left}" y="${top}" width="${across}" height="${high}" fill="#f1f3f5"/>`);
      const areas = fills.map(() => []), striped = [];
      for (let column = 0; column < columns; column++) {
        const found = one.at(this.view.from + column * step, this.view.from + (column + 1) * step);
        const at = left + column * wide;
        let sum = 0;
        found?.predictions[0]?.forEach((share, index) => {
          const low = top + high * (1 - sum);
          sum += share;
          const up = top + high * (1 - sum);
          if (low - up > 0.05) areas[index].push(`M${at.toFixed(1)} ${low.toFixed(1)}V${up.toFixed(1)}h${wide}V${low.toFixed(1)}z`);
        });
        if (found && !found.named) striped.push(`M${at.toFixed(1)} ${top}h${wide}v${high}h-${wide}z`);
      }
      areas.forEach((area, index) => area.length && parts.push(`<path d="${area.join("")}" fill="${fills[index]}"/>`));
      if (striped.length) parts.push(`<path d="${striped.join("")}" fill="url(#stripes)"/>`);
    });
    const bottom = 66 + this.rows.length * row - 30;
    for (const { at, text } of this.ticks(12)) {
      const place = left + ((at - this.begin - this.view.from) / this.view.span) * across;
      parts.push(`<path d="M${place.toFixed(1)} ${bottom}v6" stroke="#555"/><text x="${place.toFixed(1)}" y="${bottom + 20}" ${font} font-size="12" text-anchor="middle">${text}</text>`);
    }
    parts.push(`<text x="${left + across / 2}" y="${bottom + 38}" ${font} font-size="12" text-anchor="middle">${this.unit}</text>`);
    const stripes = '<pattern id="stripes" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="2.5" height="6" fill="#fff"/><rect x="2.5" width="1" height="6" fill="#777"/></pattern>';
    return `<svg xmlns="${SVG}" width="${across + 2 * left}" height="${bottom + 50}"><title>${plain(title)}</title><defs>${stripes}</defs><rect width="100%" height="100%" fill="#fff"/>${parts.join("")}</svg>`;
  }

  save() {
    const address = URL.createObjectURL(new Blob([this.svg(document.title)], { type: "image/svg+xml" }));
    make("a", { href: address, download: `${this.file || "timeline"}.svg` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  destroy() {
    cancelAnimationFrame(this.next);
    this.resizing.disconnect();
    this.tip.remove();
  }
}

/* One person's row. */
class Row {
  constructor(chart, { name, head, add }) {
    Object.assign(this, { chart, name, add });
    this.canvas = make("canvas", {
      className: "chart", tabIndex: 0, role: "slider", "aria-label": `${name}: time of the video`,
      "aria-valuemin": chart.begin.toFixed(1), "aria-valuemax": (chart.begin + chart.duration).toFixed(1),
    });
    this.element = make("section", { className: "person", "aria-label": name }, ...(head ? [head] : []), this.canvas);
    const time = (event) => {
      const { left, width } = this.canvas.getBoundingClientRect();
      const { from, span } = chart.view;
      return from + Math.min(1, Math.max(0, (event.clientX - left) / width)) * span;
    };
    const hide = () => (chart.tip.hidden = true);
    this.canvas.addEventListener("pointermove", (event) => this.point(time(event)));
    this.canvas.addEventListener("click", (event) => {
      const seconds = time(event);
      chart.go(seconds);
      this.point(seconds);
    });
    for (const kind of ["pointerleave", "blur"]) this.canvas.addEventListener(kind, hide);
    this.canvas.addEventListener("keydown", (event) => this.key(event));
  }

  /* The mean over the bins of a time: { predictions, label, named }, for each prediction a share a class or null; null
     if the person was absent. The label is the most frequent one of the bins. */
  at(from, to = from) {
    const { bin, duration, emotions, predictions } = this.chart;
    const most = Math.ceil(duration / bin - 1e-6);
    const first = Math.max(0, Math.floor(from / bin + 1e-6)), last = Math.min(most, Math.max(first + 1, Math.ceil(to / bin - 1e-6)));
    const sums = predictions.map(() => new Float64Array(emotions.length));
    const counts = predictions.map(() => 0);
    const labels = new Map();
    let seen = false;
    for (let number = first; number < last; number++) seen = this.add(number, sums, counts, labels) || seen;
    if (!seen) return null;
    const shares = sums.map((sum, part) => {
      if (!counts[part]) return null;
      const total = sum.reduce((before, share) => before + share, 0) || 1;
      return Array.from(sum, (share) => share / total);
    });
    const [label] = [...labels].reduce((best, one) => (one[1] > best[1] ? one : best));
    return { predictions: shares, label, named: emotions.includes(label) };
  }

  draw() {
    const { chart } = this;
    const canvas = surface(this.canvas);
    const { from, span } = chart.view;
    const pixel = span / canvas.width;
    // Where a pixel holds several bins its neighbours count, too: a calmer picture of a long time.
    const blur = pixel > chart.bin ? pixel : 0;
    drawStack(canvas, chart.look.colours(), chart.look.ink("ground"), (x) => {
      const start = from + x * pixel;
      if (blur && !this.at(start, start + pixel)) return null;
      const found = this.at(Math.max(0, start - blur), start + pixel + blur);
      return found && { shares: found.predictions[0], named: found.named };
    });
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const { chart } = this;
    const now = chart.moment;
    const step = Math.max(1, chart.view.span / 200);
    const moments = {
      ArrowLeft: now - step, ArrowDown: now - step, ArrowRight: now + step, ArrowUp: now + step,
      PageDown: now - 10 * step, PageUp: now + 10 * step, Home: 0, End: chart.duration, Enter: now,
    };
    const acts = { " ": () => chart.player?.toggle(), "+": () => chart.zoom(0.5), "=": () => chart.zoom(0.5), "-": () => chart.zoom(2), Escape: () => (chart.tip.hidden = true) };
    if (event.key in moments) {
      chart.go(moments[event.key]);
      this.point(Math.min(chart.duration - chart.bin / 2, Math.max(0, moments[event.key])));
    } else if (event.key in acts) acts[event.key]();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /* Shows the numbers of a moment beside it, below the row or else above it. */
  point(seconds) {
    const { tip, view } = this.chart;
    tip.replaceChildren(this.table(seconds));
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    const box = this.canvas.getBoundingClientRect();
    const middle = box.left + ((seconds - view.from) / view.span) * box.width;
    const left = Math.min(innerWidth - width - 8, Math.max(8, middle - width / 2));
    const fits = box.bottom + 8 + height < innerHeight || box.top - 8 - height < 0;
    tip.style.transform = `translate(${left}px, ${fits ? box.bottom + 8 : box.top - 8 - height}px)`;
  }

  /* Each prediction at a moment. */
  table(seconds) {
    const { chart } = this;
    const found = this.at(seconds);
    const title = `${this.name} at ${clock(chart.begin + seconds, true)}`;
    if (!found) return make("p", {}, `${title}: not in the picture`);
    const fills = chart.look.colours();
    const columns = found.predictions.map((shares) => ({ shares, told: shares && percents(shares), most: shares ? Math.max(...shares) : 1 }));
    const mark = ({ shares, most }, index) => (shares && shares[index] === most ? "most" : "");
    const lines = chart.emotions.map((name, index) => {
      const swatch = make("span", { className: "swatch" });
      swatch.style.background = fills[index];
      swatch.dataset.mark = chart.look.marks?.[index] ?? 0;
      const cells = columns.map((column) => make("td", { className: mark(column, index) }, column.told ? column.told[index] : "\u2013"));
      return make("tr", { className: mark(columns[0], index) }, make("th", { scope: "row" }, swatch, capital(name)), ...cells);
    });
    const heads = chart.predictions.map((name) => make("th", { scope: "col" }, capital(name)));
    return make("table", {}, make("caption", {}, `${title}: ${found.label}`), make("thead", {}, make("tr", {}, make("td"), ...heads)), make("tbody", {}, ...lines));
  }

  say(seconds) {
    this.canvas.setAttribute("aria-valuenow", (this.chart.begin + seconds).toFixed(1));
    this.canvas.setAttribute("aria-valuetext", `${clock(this.chart.begin + seconds, true)}: ${this.words(seconds)}`);
  }

  /* The label, with its share; of what is uncertain, what leads. */
  words(seconds) {
    const found = this.at(seconds);
    if (!found) return "not in the picture";
    const [vote] = found.predictions;
    if (!vote) return found.label;
    const most = vote.indexOf(Math.max(...vote));
    if (!found.named) return `${found.label}, most likely ${this.chart.emotions[most]} ${percents(vote)[most]}`;
    return `${found.label} ${percents(vote)[this.chart.emotions.indexOf(found.label)]}`;
  }
}

const plain = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
/* Its name, put together: a page that carries this along holds no address. */
const SVG = ["http:", "", "www.w3.org", "2000", "svg"].join("/");

/* A canvas at the screen's own resolution, empty. */
export function surface(canvas) {
  const { width, height } = canvas.getBoundingClientRect();
  const scale = devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  return { pen: canvas.getContext("2d"), width: canvas.width, height: canvas.height, scale };
}

/* Stacked shares, a column per pixel: at(x) gives {shares: one per class or null, named}, or null without a person. */
export function drawStack({ pen, width, height, scale }, fills, ground, at) {
  const stripes = hatching(pen, ground, scale);
  for (let x = 0; x < width; x++) {
    const found = at(x);
    if (!found) continue;
    let top = height, sum = 0;
    found.shares?.forEach((share, index) => {
      sum += share;
      const next = Math.round(height * (1 - sum));
      pen.fillStyle = fills[index];
      pen.fillRect(x, next, 1, top - next);
      // A line between the colours, for eyes that see them alike.
      if (top - next > 3 && next > 0) {
        pen.fillStyle = ground;
        pen.fillRect(x, next, 1, 1);
      }
      top = next;
    });
    if (!found.named) {
      pen.fillStyle = stripes;
      pen.fillRect(x, 0, 1, height);
    }
  }
}

/* Stripes in the page's colour, for times in which no emotion was clear enough to be named. */
function hatching(pen, colour, scale) {
  const size = Math.round(8 * scale);
  const tile = new OffscreenCanvas(size, size);
  const brush = tile.getContext("2d");
  brush.strokeStyle = colour;
  brush.lineWidth = size / 3;
  brush.lineCap = "square";
  for (const shift of [-size, 0, size]) {
    brush.moveTo(shift, size);
    brush.lineTo(shift + size, 0);
  }
  brush.stroke();
  return pen.createPattern(tile, "repeat");
}
