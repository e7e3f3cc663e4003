// The chart of a video's result, from the server's overview, with the text above each person's row.

import { Chart } from "./chart.js";
import { StackedBar } from "./faces.js";
import { capital, colour, lasting, make, onTheme, swatch } from "./dom.js";

// Bins may be missing if frame times are irregular; only a longer gap means that the person was absent.
const GAP_BINS = 3;

export class Timeline {
  /** @param overview as /api/jobs/ID/overview gives it; @param player to follow and to seek in, or null. */
  constructor(overview, player, place, name) {
    const { emotions, start, seconds, step, people } = overview;
    // The third prediction only if the vote used it; a video may have been analysed with other models than the present ones.
    const third = people.some((person) => person.blendshapes?.some(Boolean));
    const rows = ["probabilities", ...overview.regions, ...(third ? ["blendshapes"] : [])];
    this.chart = new Chart({
      people: people.map((person) => ({
        name: `Person ${person.track_id}`,
        head: heading(person, emotions),
        add: reader(person, rows, Math.ceil(seconds / step)),
      })),
      emotions,
      predictions: ["vote", ...rows.slice(1)],
      begin: start,
      duration: seconds,
      bin: step,
      player,
      look: {
        colours: () => emotions.map((one) => classColour(one)),
        light: () => emotions.map((one) => light(one)),
        ink: (one) => colour(one === "ground" ? "surface" : one),
      },
    });
    this.chart.file = `${name} timeline`;
    for (const button of this.chart.tools.querySelectorAll("button")) button.classList.add("plain");
    place.append(make("div", { className: "timeline-tools" }, legend(emotions), this.chart.tools), this.chart.element, this.chart.numbers, this.chart.tip);
    if (overview.others) place.append(make("p", { className: "quiet" }, `${overview.others} more people are in the files only.`));
    this.forget = onTheme(() => this.chart.draw());
    for (const kind of ["seeked", "pause", "loadedmetadata"]) player?.video.addEventListener(kind, () => this.chart.tell());
    this.chart.show(0, seconds);
  }

  destroy() {
    this.chart.destroy();
    this.forget();
  }
}

/** A class's colour; of one that the models running now do not know, a quiet one. */
const classColour = (name) => colour(`class-${name}`) || colour("soft");

/** The same as it is on a light page, whatever this one is. */
const light = (name) => colour(`class-${name}`, "light") || "#888";

function legend(emotions) {
  const item = (name, words) => make("li", {}, swatch(name), words);
  return make("ul", { className: "legend" }, ...emotions.map((name) => item(name, capital(name))), item("uncertain", "Uncertain"));
}

/** "Mostly neutral", with all labels' shares of the person's time as one bar. */
function heading({ shares, words, seen, track_id: number }, emotions) {
  const labels = [...emotions, "uncertain"];
  const most = labels.reduce((best, name) => ((shares[name] ?? 0) > (shares[best] ?? 0) ? name : best));
  const bar = new StackedBar(labels);
  bar.show(labels.map((name) => shares[name] ?? 0));
  const mark = make("span", { className: "number", title: `Person ${number}` }, make("span", { className: "unseen" }, "Person "), String(number));
  return make(
    "div",
    { className: "person-head" },
    make("h3", {}, mark, `Mostly ${most}`),
    bar.element,
    make("p", { className: "quiet" }, `${capital(words)} · seen for ${lasting(seen)}`),
  );
}

/** The chart's reader of a person: adds a bin to sums; returns whether the person was present. */
function reader(person, rows, count) {
  const at = new Int32Array(count).fill(-1);
  person.bins.forEach((bin, index) => {
    const next = person.bins[index + 1];
    const end = next !== undefined && next - bin <= GAP_BINS ? next : bin + 1;
    at.fill(index, bin, end);
  });
  return (number, sums, counts, labels) => {
    const index = at[number] ?? -1;
    if (index < 0) return false;
    const label = person.labels[index];
    labels.set(label, (labels.get(label) ?? 0) + 1);
    rows.forEach((row, part) => {
      const shares = person[row][index];
      if (!shares) return;
      counts[part] += 1;
      shares.forEach((share, emotion) => (sums[part][emotion] += share));
    });
    return true;
  };
}
