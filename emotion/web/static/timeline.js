// Stacked emotions over time, a row a person: hover for what each region says, click to seek.

import { clock, colour, make, percent } from "./dom.js";
import uPlot from "./vendor/uplot.js";

const HEIGHT = 132;
// Bins may be missing where frames do not come evenly; only a longer gap means that nobody was there.
const GAP_BINS = 3;

export class Timeline {
  /** @param overview as /api/jobs/ID/overview gives it; @param video to follow and to seek in, or null. */
  constructor(overview, video, place) {
    this.overview = overview;
    this.video = video;
    this.tip = make("div", { className: "tip", hidden: true, role: "presentation" });
    // What a video was analysed with need not be what runs by now.
    this.emotions = overview.emotions;
    this.opinions = [
      ["probabilities", "vote"],
      ...overview.regions.map((region) => [region, region]),
      ["blendshapes", "blendshapes"],
    ];
    this.rows = overview.people.map((person) => new Person(this, person));
    place.append(...this.rows.map((row) => row.element), this.tip);
    if (overview.others) place.append(make("p", { className: "quiet" }, `${overview.others} more people are in the files only.`));
    for (const row of this.rows) row.plot();
    this.resizing = new ResizeObserver(() => this.rows.forEach((row) => row.resize()));
    this.resizing.observe(place);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.repaint = () => this.rows.forEach((row) => row.plot());
    this.scheme.addEventListener("change", this.repaint);
    this.follow();
  }

  get time() {
    return this.video ? this.video.currentTime : 0;
  }

  seek(seconds) {
    if (this.video) this.video.currentTime = Math.max(0, Math.min(seconds, this.video.duration || seconds));
  }

  follow() {
    const now = this.time;
    if (now !== this.drawnAt) {
      this.drawnAt = now;
      for (const row of this.rows) row.follow(now);
    }
    this.following = requestAnimationFrame(() => this.follow());
  }

  destroy() {
    cancelAnimationFrame(this.following);
    this.resizing.disconnect();
    this.scheme.removeEventListener("change", this.repaint);
    for (const row of this.rows) row.chart.destroy();
  }
}

/** A class's colour; of one that the models running now do not know, a quiet one. */
const classColour = (name) => colour(`class-${name}`) || colour("soft");

class Person {
  constructor(timeline, person) {
    this.timeline = timeline;
    this.person = person;
    this.at = new Map(person.bins.map((bin, index) => [bin, index]));
    // As picture, subtitles and tables call the person, whatever the order here.
    const number = person.track_id;
    this.number = number;
    const { seconds, start } = timeline.overview;
    this.host = make("div", {
      className: "chart",
      tabIndex: 0,
      role: "slider",
      "aria-label": `Time of the video, with what person ${number} shows`,
      "aria-valuemin": start.toFixed(1),
      "aria-valuemax": (start + seconds).toFixed(1),
    });
    this.element = make(
      "section",
      { className: "person", "aria-label": `Person ${number}` },
      make("h3", {}, `Person ${number}`, make("span", {}, person.words)),
      this.host,
    );
    this.host.addEventListener("keydown", (event) => this.key(event));
    this.host.addEventListener("pointerleave", () => (timeline.tip.hidden = true));
    this.follow(timeline.time);
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

  data() {
    const { start, step } = this.timeline.overview;
    const times = [];
    const stacks = this.timeline.emotions.map(() => []);
    let last = null;
    for (const [index, bin] of this.person.bins.entries()) {
      if (last !== null && bin - last > GAP_BINS) {
        times.push(start + (last + 1) * step);
        for (const stack of stacks) stack.push(null);
      }
      times.push(start + (bin + 0.5) * step);
      let sum = 0;
      for (const [emotion, stack] of stacks.entries()) stack.push(this.vote(index, (vote) => (sum += vote[emotion])));
      last = bin;
    }
    return [times, ...stacks];
  }

  plot() {
    this.chart?.destroy();
    const { start, seconds } = this.timeline.overview;
    const line = colour("line");
    const axis = { stroke: colour("soft"), grid: { show: false }, ticks: { stroke: line, width: 1 } };
    // From the top of the stack down, each band between an emotion's sum and the one below it.
    const order = this.timeline.emotions.map((_, index) => this.timeline.emotions.length - index);
    const options = {
      width: this.host.clientWidth || 300,
      height: HEIGHT,
      legend: { show: false },
      padding: [10, 6, 0, 0],
      scales: { x: { time: false, range: [start, start + seconds] }, y: { range: [0, 1] } },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      axes: [
        { ...axis, values: (_, ticks) => ticks.map((tick) => clock(tick, seconds < 8)), size: 28 },
        { ...axis, values: (_, ticks) => ticks.map(percent), splits: [0, 0.5, 1], size: 46 },
      ],
      series: [
        {},
        ...this.timeline.emotions.map((name, index) => ({
          label: name,
          stroke: colour("surface"),
          width: 0.75,
          points: { show: false },
          fill: index === 0 ? classColour(name) : undefined,
        })),
      ],
      bands: order.slice(0, -1).map((upper) => ({ series: [upper, upper - 1], fill: classColour(this.timeline.emotions[upper - 1]) })),
      hooks: { setCursor: [(chart) => this.hover(chart)], draw: [(chart) => this.playhead(chart)] },
    };
    this.chart = new uPlot(options, this.data(), this.host);
    this.chart.over.addEventListener("click", (event) => {
      this.timeline.seek(this.chart.posToVal(event.offsetX, "x"));
    });
  }

  resize() {
    const width = this.host.clientWidth;
    if (width && width !== this.chart.width) this.chart.setSize({ width, height: HEIGHT });
  }

  hover(chart) {
    const { tip } = this.timeline;
    const { left, top } = chart.cursor;
    const index = left >= 0 ? this.find(chart.posToVal(left, "x")) : undefined;
    tip.hidden = index === undefined;
    if (tip.hidden) return;
    tip.replaceChildren(this.table(index, chart.posToVal(left, "x")));
    const area = chart.over.getBoundingClientRect();
    const x = Math.min(area.left + left + 16, innerWidth - tip.offsetWidth - 8);
    const y = area.top + top + 20;
    tip.style.left = `${Math.max(8, x)}px`;
    tip.style.top = `${y + tip.offsetHeight > innerHeight ? area.top - tip.offsetHeight - 8 : y}px`;
  }

  table(index, seconds) {
    // The third opinion only where the vote counted it.
    const shown = this.timeline.opinions.filter(([name]) => name !== "blendshapes" || this.person[name]?.some(Boolean));
    const opinions = shown.map(([name]) => this.person[name][index]);
    const top = this.vote(index, (vote) => vote.indexOf(Math.max(...vote)));
    const rows = this.timeline.emotions.map((name, emotion) =>
      make(
        "tr",
        { className: emotion === top ? "top" : "" },
        make("th", { scope: "row" }, name),
        ...opinions.map((opinion) => make("td", {}, opinion ? percent(opinion[emotion]) : "–")),
      ),
    );
    return make(
      "table",
      {},
      make("caption", {}, `Person ${this.number} at ${clock(seconds, true)}: ${this.person.labels[index]}`),
      make("thead", {}, make("tr", {}, make("td"), ...shown.map(([, name]) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, ...rows),
    );
  }

  follow(seconds) {
    const index = this.find(seconds);
    const words = index === undefined ? "not seen" : this.label(index);
    this.host.setAttribute("aria-valuenow", seconds.toFixed(1));
    this.host.setAttribute("aria-valuetext", `${clock(seconds, true)}: ${words}`);
    this.chart?.redraw(false);
  }

  playhead(chart) {
    if (!this.timeline.video) return;
    const x = Math.round(chart.valToPos(this.timeline.time, "x", true));
    const { left, top, width, height } = chart.bbox;
    if (x < left || x > left + width) return;
    chart.ctx.save();
    chart.ctx.fillStyle = colour("text");
    chart.ctx.fillRect(x - 1, top, 2, height);
    chart.ctx.restore();
  }

  key(event) {
    const { start, seconds } = this.timeline.overview;
    const now = this.timeline.time;
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
    if (!(event.key in moments)) return;
    event.preventDefault();
    this.timeline.seek(moments[event.key]);
  }
}
