// Stacked emotions over time, a row a person on one axis: point for what each region says, click to go there.

import { StackedBar } from "./faces.js";
import { capital, clock, colour, make, onTheme, percent, swatch } from "./dom.js";

const HEIGHT = 72;
const AXIS_HEIGHT = 26;
const LEAST_LABEL_PX = 76;
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
// Bins may be missing where frames do not come evenly; only a longer gap means that nobody was there.
const GAP_BINS = 3;
const CLOSEST_SECONDS = 1;
const ZOOM = 2;

export class Timeline {
  /** @param overview as /api/jobs/ID/overview gives it; @param player to follow and to seek in, or null. */
  constructor(overview, player, place) {
    this.overview = overview;
    this.player = player;
    this.view = { from: overview.start, span: overview.seconds };
    this.tip = make("div", { className: "tip", hidden: true, role: "presentation" });
    // What a video was analysed with need not be what runs by now.
    this.emotions = overview.emotions;
    this.opinions = [
      ["probabilities", "Vote"],
      ...overview.regions.map((region) => [region, capital(region)]),
      ["blendshapes", "Blendshapes"],
    ];
    this.rows = overview.people.map((person) => new Person(this, person));
    this.axis = make("canvas", { className: "axis", "aria-hidden": "true" });
    this.head = make("div", { className: "playhead", hidden: !player, "aria-hidden": "true" });
    this.chart = make("div", { className: "charts" }, ...this.rows.map((row) => row.element), this.axis, this.head);
    this.now = make("div");
    this.numbers = make("details", { className: "moment" }, make("summary", {}, "Numbers at this moment"), this.now);
    this.numbers.addEventListener("toggle", () => this.tell());
    place.append(this.tools(), this.chart, this.numbers, this.tip);
    if (overview.others) place.append(make("p", { className: "quiet" }, `${overview.others} more people are in the files only.`));
    this.resizing = new ResizeObserver(() => this.draw());
    this.resizing.observe(this.chart);
    this.forget = onTheme(() => this.draw());
    for (const kind of ["seeked", "pause", "loadedmetadata"]) player?.video.addEventListener(kind, () => this.tell());
    this.follow();
    this.tell();
  }

  get time() {
    return this.player ? this.player.time : this.overview.start;
  }

  tools() {
    const button = (text, label, act) => {
      const element = make("button", { type: "button", className: "plain", "aria-label": label, title: label }, text);
      element.addEventListener("click", act);
      return element;
    };
    this.closer = button("+", "Zoom in", () => this.zoom(1 / ZOOM));
    this.farther = button("−", "Zoom out", () => this.zoom(ZOOM));
    this.pan = make("input", { type: "range", min: 0, max: 1, step: "any", value: 0, "aria-label": "Which part of the time is shown" });
    this.pan.addEventListener("input", () => {
      this.view.from = this.overview.start + Number(this.pan.value) * (this.overview.seconds - this.view.span);
      this.draw();
    });
    return make("div", { className: "timeline-tools" }, this.legend(), make("div", { className: "zoom" }, this.pan, this.farther, this.closer));
  }

  legend() {
    const item = (name, words) => make("li", {}, swatch(name), words);
    return make("ul", { className: "legend" }, ...this.emotions.map((name) => item(name, capital(name))), item("uncertain", "Uncertain"));
  }

  zoom(factor, around = this.time) {
    const { start, seconds } = this.overview;
    const span = Math.min(seconds, Math.max(Math.min(CLOSEST_SECONDS, seconds), this.view.span * factor));
    const share = Math.min(1, Math.max(0, (around - this.view.from) / this.view.span));
    this.view = { span, from: Math.max(start, Math.min(around - share * span, start + seconds - span)) };
    this.draw();
  }

  /** Shows a moment that lies outside of what is shown. */
  reveal(seconds) {
    const { from, span } = this.view;
    if (seconds >= from && seconds <= from + span) return;
    const { start, seconds: all } = this.overview;
    this.view.from = Math.max(start, Math.min(seconds - span / 10, start + all - span));
    this.draw();
  }

  follow() {
    const now = this.time;
    if (now !== this.drawnAt) {
      this.drawnAt = now;
      if (this.player?.playing) this.reveal(now);
      this.mark();
    }
    this.following = requestAnimationFrame(() => this.follow());
  }

  mark() {
    const share = (this.time - this.view.from) / this.view.span;
    this.head.hidden = !this.player || share < 0 || share > 1;
    this.head.style.left = `${100 * share}%`;
  }

  /** Says the moment in words; not while it runs, when nobody could hear or read it. */
  tell() {
    for (const row of this.rows) row.tell(this.time);
    if (this.numbers.open) this.now.replaceChildren(...this.rows.map((row) => row.tableAt(this.time)));
  }

  draw() {
    if (!this.chart.clientWidth) return; // another view is shown
    const { start, seconds } = this.overview;
    const whole = this.view.span >= seconds;
    this.pan.hidden = this.farther.disabled = whole;
    this.closer.disabled = this.view.span <= CLOSEST_SECONDS;
    this.pan.value = whole ? 0 : (this.view.from - start) / (seconds - this.view.span);
    for (const row of this.rows) row.draw();
    this.drawAxis();
    this.mark();
  }

  drawAxis() {
    const { pen, width, ratio } = prepared(this.axis, AXIS_HEIGHT);
    const { from, span } = this.view;
    const step = STEPS.find((one) => (one / span) * (width / ratio) >= LEAST_LABEL_PX) ?? STEPS.at(-1);
    pen.fillStyle = colour("soft");
    pen.strokeStyle = colour("line");
    pen.lineWidth = ratio;
    pen.font = `${13 * ratio}px system-ui, sans-serif`;
    pen.textBaseline = "top";
    for (let tick = Math.ceil(from / step - 1e-9); tick * step <= from + span + 1e-9; tick += 1) {
      const x = Math.round(((tick * step - from) / span) * width);
      pen.beginPath();
      pen.moveTo(x, 0);
      pen.lineTo(x, 5 * ratio);
      pen.stroke();
      const text = clock(tick * step + 1e-6, step < 1);
      const wide = pen.measureText(text).width;
      pen.fillText(text, Math.max(0, Math.min(x - wide / 2, width - wide)), 8 * ratio);
    }
  }

  destroy() {
    cancelAnimationFrame(this.following);
    this.resizing.disconnect();
    this.forget();
  }
}

/** A canvas of its element's width in device pixels, empty. */
function prepared(canvas, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(canvas.clientWidth * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  return { pen, width: canvas.width, height: canvas.height, ratio };
}

/** Diagonal stripes over what has no name. */
function hatching(pen, ratio) {
  const size = Math.round(8 * ratio);
  const tile = make("canvas", { width: size, height: size });
  const brush = tile.getContext("2d");
  brush.strokeStyle = colour("surface");
  brush.lineWidth = 2.5 * ratio;
  for (const shift of [-size, 0, size]) {
    brush.moveTo(shift - 2, size + 2);
    brush.lineTo(shift + size + 2, -2);
  }
  brush.stroke();
  return pen.createPattern(tile, "repeat");
}

/** A class's colour; of one that the models running now do not know, a quiet one. */
const classColour = (name) => colour(`class-${name}`) || colour("soft");

class Person {
  constructor(timeline, person) {
    this.timeline = timeline;
    this.person = person;
    this.at = new Map(person.bins.map((bin, index) => [bin, index]));
    const { seconds, start } = timeline.overview;
    this.name = `Person ${person.track_id}`;
    this.canvas = make("canvas", {
      className: "chart",
      tabIndex: 0,
      role: "slider",
      "aria-label": `${this.name}: time of the video`,
      "aria-valuemin": start.toFixed(1),
      "aria-valuemax": (start + seconds).toFixed(1),
    });
    this.element = make("section", { className: "person", "aria-label": this.name }, this.heading(), this.canvas);
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("pointermove", (event) => this.hover(event));
    this.canvas.addEventListener("pointerleave", () => (timeline.tip.hidden = true));
    this.canvas.addEventListener("blur", () => (timeline.tip.hidden = true));
    this.canvas.addEventListener("click", (event) => timeline.player?.seek(this.moment(event)));
  }

  /** "Mostly neutral", with all labels' shares of the person's time as one bar. */
  heading() {
    const { shares, words, seen, track_id: number } = this.person;
    const labels = [...this.timeline.emotions, "uncertain"];
    const most = labels.reduce((best, name) => ((shares[name] ?? 0) > (shares[best] ?? 0) ? name : best));
    const bar = new StackedBar(labels);
    bar.show(labels.map((name) => shares[name] ?? 0));
    bar.element.title = words;
    return make(
      "div",
      { className: "person-head" },
      make("h3", {}, make("span", { className: "number", title: this.name }, make("span", { className: "unseen" }, "Person "), String(number)), `Mostly ${most}`),
      bar.element,
      make("p", { className: "quiet" }, `${capital(words)} · seen for ${clock(seen)}`),
    );
  }

  /** What is made of the vote at a bin; null where nothing is known. */
  vote(index, make) {
    const vote = this.person.probabilities[index];
    return vote && make(vote);
  }

  /** "happiness 62%", or "uncertain". */
  label(index) {
    const name = this.person.labels[index];
    const emotion = this.timeline.emotions.indexOf(name);
    return this.vote(index, (vote) => (emotion < 0 ? name : `${name} ${percent(vote[emotion])}`)) ?? name;
  }

  /** Which bin a moment falls into, or the next one near it; undefined where the person is not seen. */
  find(seconds) {
    const { start, step } = this.timeline.overview;
    const bin = Math.floor((seconds - start) / step + 1e-6);
    for (let away = 0; away < GAP_BINS; away += 1) {
      const index = this.at.get(bin - away) ?? this.at.get(bin + away);
      if (index !== undefined) return index;
    }
    return undefined;
  }

  draw() {
    const { pen, width, height, ratio } = prepared(this.canvas, HEIGHT);
    const { start, step } = this.timeline.overview;
    const { from, span } = this.timeline.view;
    const colours = this.timeline.emotions.map(classColour);
    const stripes = hatching(pen, ratio);
    const { bins, labels } = this.person;
    const at = (bin) => Math.round(((start + bin * step - from) / span) * width);
    bins.forEach((bin, index) => {
      const next = bins[index + 1];
      const left = at(bin);
      const right = Math.max(left + 1, at(next !== undefined && next - bin <= GAP_BINS ? next : bin + 1));
      if (right <= 0 || left >= width) return;
      this.vote(index, (vote) => {
        let sum = 0;
        vote.forEach((share, emotion) => {
          const [top, bottom] = [Math.round(sum * height), Math.round((sum + share) * height)];
          pen.fillStyle = colours[emotion];
          pen.fillRect(left, top, right - left, bottom - top);
          sum += share;
        });
      });
      if (!this.timeline.emotions.includes(labels[index])) {
        pen.fillStyle = stripes;
        pen.fillRect(left, 0, right - left, height);
      }
    });
  }

  /** The time under the pointer, in seconds. */
  moment(event) {
    const { left, width } = this.canvas.getBoundingClientRect();
    const { from, span } = this.timeline.view;
    return from + ((event.clientX - left) / width) * span;
  }

  hover(event) {
    this.point(this.moment(event), event.clientX + 16, event.clientY + 20);
  }

  /** Shows the numbers of a moment near a place of the window. */
  point(seconds, x, y) {
    const { tip } = this.timeline;
    tip.hidden = this.find(seconds) === undefined;
    if (tip.hidden) return;
    tip.replaceChildren(this.tableAt(seconds));
    const { top } = this.canvas.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(x, innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${y + tip.offsetHeight > innerHeight ? Math.max(8, top - tip.offsetHeight - 8) : y}px`;
  }

  tableAt(seconds) {
    const index = this.find(seconds);
    if (index === undefined) return make("p", {}, `${this.name} at ${clock(seconds, true)}: not seen`);
    // The third opinion only where the vote counted it.
    const shown = this.timeline.opinions.filter(([name]) => name !== "blendshapes" || this.person[name]?.some(Boolean));
    const opinions = shown.map(([name]) => this.person[name][index]);
    const top = this.vote(index, (vote) => vote.indexOf(Math.max(...vote)));
    const rows = this.timeline.emotions.map((name, emotion) =>
      make(
        "tr",
        { className: emotion === top ? "top" : "" },
        make("th", { scope: "row" }, capital(name)),
        ...opinions.map((opinion) => make("td", {}, opinion ? percent(opinion[emotion]) : "–")),
      ),
    );
    return make(
      "table",
      {},
      make("caption", {}, `${this.name} at ${clock(seconds, true)}: ${this.person.labels[index]}`),
      make("thead", {}, make("tr", {}, make("td"), ...shown.map(([, name]) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, ...rows),
    );
  }

  tell(seconds) {
    const index = this.find(seconds);
    const words = index === undefined ? "not seen" : this.label(index);
    this.canvas.setAttribute("aria-valuenow", seconds.toFixed(1));
    this.canvas.setAttribute("aria-valuetext", `${clock(seconds, true)}: ${words}`);
  }

  key(event) {
    const { timeline } = this;
    const { start, seconds } = timeline.overview;
    const now = timeline.time;
    const moments = {
      ArrowLeft: now - 1,
      ArrowDown: now - 1,
      ArrowRight: now + 1,
      ArrowUp: now + 1,
      PageDown: now - 10,
      PageUp: now + 10,
      Home: start,
      End: start + seconds,
    };
    const acts = {
      " ": () => timeline.player?.toggle(),
      Enter: () => timeline.player?.toggle(),
      "+": () => timeline.zoom(1 / ZOOM),
      "-": () => timeline.zoom(ZOOM),
      Escape: () => (timeline.tip.hidden = true),
    };
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in moments) {
      const moment = Math.max(start, Math.min(moments[event.key], start + seconds));
      timeline.player?.seek(moment);
      timeline.reveal(moment);
      const { left, bottom, width } = this.canvas.getBoundingClientRect();
      this.point(moment, left + ((moment - timeline.view.from) / timeline.view.span) * width, bottom + 8);
    } else if (Object.hasOwn(acts, event.key)) acts[event.key]();
    else return;
    event.preventDefault();
  }
}
