// A face's result as a tile beside the picture; labels.js draws it on the picture.

import { EMOTIONS, REGIONS } from "./classes.js";
import { arrange, capital, colour, make, paint, percent, percents } from "./dom.js";

const BLENDSHAPES = "blendshapes";
const SOURCES = [...REGIONS, BLENDSHAPES];
// Faces change places in the row of tiles only when one has clearly passed the other: by this much of its width.
const PASSED = 0.5;
const LEAST_SHARE = 0.01;

const best = (prediction) => prediction.indexOf(Math.max(...prediction));

function predictionInWords(prediction) {
  if (!prediction) return "not seen";
  const index = best(prediction);
  return `${capital(EMOTIONS[index])} ${percents(prediction)[index]}`;
}

/** Whether an emotion is named; else the label is "uncertain". */
export const named = (face) => EMOTIONS.includes(face.label);

/** How sure the label is; no number where nothing is named. */
export const sureness = (face) => (named(face) ? percents(face.probabilities)[EMOTIONS.indexOf(face.label)] : "");

/** A bar of all emotions, each as wide as its share. */
export class StackedBar {
  constructor(names = EMOTIONS) {
    this.parts = names.map((name) => {
      const part = make("span", { className: "part" });
      paint(part, name);
      return part;
    });
    this.element = make("div", { className: "stack", "aria-hidden": "true" }, ...this.parts);
  }

  show(shares) {
    this.element.classList.toggle("empty", !shares);
    this.parts.forEach((part, index) => {
      part.style.flexGrow = shares?.[index] ?? 0;
      part.hidden = !(shares?.[index] >= LEAST_SHARE); // else nothing but its gap would be seen
    });
  }
}

/** A tile that shows one person: number, word, one stacked bar; opened, each emotion and each region. */
export class Tile {
  constructor(number) {
    this.label = make("span", { className: "word" });
    this.share = make("small");
    this.stack = new StackedBar();
    this.bars = EMOTIONS.map((name) => {
      const fill = make("div", { className: "fill" });
      paint(fill, name);
      return { name, fill, share: make("dd", { className: "share" }) };
    });
    this.predictions = SOURCES.map((name) => ({ name, title: make("dt", {}, capital(name)), text: make("dd") }));
    const rows = this.bars.flatMap(({ name, fill, share }) => [
      make("dt", {}, capital(name)),
      make("dd", { "aria-hidden": "true" }, make("div", { className: "bar" }, fill)),
      share,
    ]);
    const head = make(
      "summary",
      {},
      make("span", { className: "number", title: `Person ${number}` }, make("span", { className: "unseen" }, "Person "), String(number)),
      this.label,
      this.share,
      this.stack.element,
    );
    this.details = make(
      "details",
      {},
      head,
      make("dl", { className: "bars" }, ...rows),
      make("dl", { className: "predictions" }, ...this.predictions.flatMap(({ title, text }) => [title, text])),
    );
    head.addEventListener("click", () => (this.chosen = true));
    this.element = make("section", { className: "tile", "aria-label": `Person ${number}` }, this.details);
  }

  /** Open or closed, until the user has chosen otherwise. */
  open(wanted) {
    if (!this.chosen) this.details.open = wanted;
  }

  show(face) {
    this.label.textContent = capital(face.label);
    this.share.textContent = sureness(face);
    this.stack.show(face.probabilities);
    const shares = face.probabilities && percents(face.probabilities);
    for (const [index, bar] of this.bars.entries()) {
      // Nothing is known of a face of which nothing was seen for a second.
      bar.fill.style.width = percent(face.probabilities?.[index] ?? 0);
      bar.share.textContent = shares ? shares[index] : "–";
      // The longest bar need not be the label's, which waits until another one leads clearly.
      bar.share.classList.toggle("ahead", bar.name === face.emotion && named(face) && bar.name !== face.label);
    }
    for (const { name, title, text } of this.predictions) {
      text.textContent = predictionInWords(face[name]);
      // The blendshapes have a row only where the vote counts them.
      title.hidden = text.hidden = name === BLENDSHAPES && !face[name];
    }
  }
}

/** The track ids of faces from left to right, where those that were there before keep their order if they can.
    @param before ids in their order until now; @param faces with the middle of each as `x`, and its `width`. */
export function arranged(before, faces) {
  const order = faces.filter(({ id }) => before.includes(id)).sort((a, b) => before.indexOf(a.id) - before.indexOf(b.id));
  for (const face of faces.filter(({ id }) => !before.includes(id))) {
    const place = order.findIndex(({ x }) => face.x < x);
    order.splice(place < 0 ? order.length : place, 0, face);
  }
  for (let end = order.length - 1; end > 0; end -= 1) {
    for (let index = 0; index < end; index += 1) {
      const [left, right] = [order[index], order[index + 1]];
      if (left.x - right.x > PASSED * Math.min(left.width, right.width)) [order[index], order[index + 1]] = [right, left];
    }
  }
  return order.map(({ id }) => id);
}

/** All tiles of a picture, from left to right. */
export class Tiles {
  constructor(place, nobody) {
    this.place = place;
    this.nobody = make("p", { className: "quiet" }, nobody);
    this.tiles = new Map();
    this.order = [];
  }

  show(faces, mirrored = false) {
    const middles = faces.map(({ track_id: id, box: [left, , width] }) => ({
      id,
      width,
      x: (mirrored ? -1 : 1) * (left + width / 2),
    }));
    this.order = arranged(this.order, middles);
    for (const id of this.tiles.keys()) if (!this.order.includes(id)) this.tiles.delete(id);
    for (const face of faces) {
      if (!this.tiles.has(face.track_id)) this.tiles.set(face.track_id, new Tile(face.track_id));
      const tile = this.tiles.get(face.track_id);
      tile.show(face);
      tile.open(faces.length === 1);
    }
    arrange(this.place, faces.length ? this.order.map((id) => this.tiles.get(id).element) : [this.nobody]);
  }

  clear() {
    this.tiles.clear();
    this.order = [];
    this.place.replaceChildren();
  }
}
