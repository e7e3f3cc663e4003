// A face's result, as a tile beside the picture and as corners with a label on it.

import { EMOTIONS, REGIONS } from "./classes.js";
import { capital, colour, make, paint, percent, percents } from "./dom.js";

const BLENDSHAPES = "blendshapes";
const OPINIONS = [...REGIONS, BLENDSHAPES];
// Faces change places in the row of tiles only when one has clearly passed the other: by this much of its width.
const PASSED = 0.5;
const LEAST_SHARE = 0.01;

const best = (opinion) => opinion.indexOf(Math.max(...opinion));

function opinionInWords(opinion) {
  if (!opinion) return "not seen";
  const index = best(opinion);
  return `${capital(EMOTIONS[index])} ${percents(opinion)[index]}`;
}

/** Whether an emotion is named; else the label is "uncertain". */
const named = (face) => EMOTIONS.includes(face.label);

/** How sure the label is; no number where nothing is named. */
const sureness = (face) => (named(face) ? percents(face.probabilities)[EMOTIONS.indexOf(face.label)] : "");

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
    this.opinions = OPINIONS.map((name) => ({ name, title: make("dt", {}, capital(name)), text: make("dd") }));
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
      make("dl", { className: "opinions" }, ...this.opinions.flatMap(({ title, text }) => [title, text])),
    );
    head.addEventListener("click", () => (this.chosen = true));
    this.element = make("section", { className: "tile", "aria-label": `Person ${number}` }, this.details);
  }

  /** Open or closed, until somebody has chosen otherwise. */
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
    for (const { name, title, text } of this.opinions) {
      text.textContent = opinionInWords(face[name]);
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
    const wanted = faces.length ? this.order.map((id) => this.tiles.get(id).element) : [this.nobody];
    // Only what moves is moved: the focus stays where it is.
    wanted.forEach((element, index) => {
      if (this.place.children[index] !== element) this.place.insertBefore(element, this.place.children[index] ?? null);
    });
    while (this.place.childElementCount > wanted.length) this.place.lastElementChild.remove();
  }

  clear() {
    this.tiles.clear();
    this.order = [];
    this.place.replaceChildren();
  }
}

// A face out of sight for longer has lost its label's place.
const REMEMBERED_MS = 1500;

/** Where labels stood in the last pictures: each stays on its side of its face while there is room. */
export class LabelPlaces {
  constructor() {
    this.known = new Map();
  }

  /** The number of the place where a face's label stood; undefined where that is not known. */
  of(id, now) {
    const known = this.known.get(id);
    return known && now - known.at < REMEMBERED_MS ? known.place : undefined;
  }

  keep(id, place, now) {
    this.known.set(id, { place, at: now });
  }
}

/** Draws results over a picture of the same shape, which fills the canvas as far as its own shape lets it.
    @param places where labels stood before, and stand now; a single picture needs none. */
export function drawOverlay(canvas, result, mirrored, places = new LabelPlaces()) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, width, height);
  if (result) drawFaces(pen, width, height, ratio, result, mirrored, places);
}

/** The same on any canvas; `ratio` is the size of a CSS pixel on it. */
export function drawFaces(pen, width, height, ratio, result, mirrored, places = new LabelPlaces()) {
  // The picture is shown whole, with borders where its shape differs from the canvas's.
  const scale = Math.min(width / result.width, height / result.height);
  const across = (width - scale * result.width) / 2;
  const down = (height - scale * result.height) / 2;
  const placed = result.faces.map((face) => {
    const [left, top, w, h] = face.box;
    const x = mirrored ? result.width - left - w : left;
    return { face, box: [across + scale * x, down + scale * top, scale * w, scale * h] };
  });
  // No label covers a face or another label. Those that have a place come first.
  const now = performance.now();
  const taken = placed.map(({ box }) => box);
  placed.sort((a, b) => Number(places.of(a.face.track_id, now) === undefined) - Number(places.of(b.face.track_id, now) === undefined));
  for (const { face, box } of placed) {
    const text = new Label(pen, face, ratio);
    const found = labelPlace(box, text, 8 * ratio, width, height, taken, places.of(face.track_id, now));
    places.keep(face.track_id, found.place, now);
    taken.push(found.box);
    drawFace(pen, face, box, ratio);
    text.draw(found.box);
  }
}

const overlap = (a, b) => a[0] < b[0] + b[2] && b[0] < a[0] + a[2] && a[1] < b[1] + b[3] && b[1] < a[1] + a[3];

/** Where a label stands: where it stood, or above its face, or else where there is room beside it.
    @param before the number of the place where it stood; undefined where it has none. */
export function labelPlace([x, y, w, h], { wide, high }, gap, width, height, taken, before) {
  const corners = [[x, y - high - gap], [x, y + h + gap], [x + w - wide, y - high - gap], [x + w - wide, y + h + gap],
    [x + w + gap, y], [x - wide - gap, y], [x + w + gap, y + h - high], [x - wide - gap, y + h - high]];
  const all = corners.map(([left, top], place) => ({ place, box: [Math.max(2, Math.min(left, width - wide - 2)), top, wide, high] }));
  const inside = all.filter(({ box: [, top] }) => top >= 0 && top + high <= height);
  const free = inside.filter(({ box }) => !taken.some((other) => overlap(box, other)));
  const lowest = { place: 1, box: [Math.max(2, Math.min(x, width - wide - 2)), height - high - 2, wide, high] };
  return free.find(({ place }) => place === before) ?? free[0] ?? inside[0] ?? lowest;
}

/** Black or white, whichever is read better on a colour written #RRGGBB. */
export function inkOn(ground) {
  const parts = ground.startsWith("#") ? [1, 3, 5].map((at) => parseInt(ground.slice(at, at + 2), 16)) : ground.match(/[\d.]+/g).map(Number);
  const [red, green, blue] = parts.map((part) => (part / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? "#000000" : "#ffffff";
}

const inkOf = (face) => (named(face) ? colour(`on-picture-${face.label}`) : "#ffffff");

/** Corners around a face. */
function drawFace(pen, face, [x, y, w, h], ratio) {
  const arm = Math.min(w, h) * 0.2;
  pen.beginPath();
  for (const [cx, cy, dx, dy] of [[x, y, 1, 1], [x + w, y, -1, 1], [x, y + h, 1, -1], [x + w, y + h, -1, -1]]) {
    pen.moveTo(cx + dx * arm, cy);
    pen.lineTo(cx, cy);
    pen.lineTo(cx, cy + dy * arm);
  }
  pen.lineJoin = "round";
  pen.lineCap = "round";
  pen.lineWidth = 5 * ratio;
  pen.strokeStyle = "rgb(0 0 0 / .55)";
  pen.stroke();
  pen.lineWidth = 2.5 * ratio;
  pen.strokeStyle = inkOf(face);
  pen.stroke();
}

/** A face's number, which is its tile's, and its word. */
class Label {
  constructor(pen, face, ratio) {
    this.pen = pen;
    this.ratio = ratio;
    this.ink = inkOf(face);
    this.number = String(face.track_id);
    this.text = `${capital(face.label)} ${sureness(face)}`.trim();
    this.font = `600 ${15 * ratio}px system-ui, sans-serif`;
    this.high = 26 * ratio;
    pen.font = this.font;
    this.badge = Math.max(this.high, pen.measureText(this.number).width + 14 * ratio);
    this.wide = this.badge + pen.measureText(this.text).width + 20 * ratio;
  }

  draw([left, top]) {
    const { pen, ratio, badge, wide, high } = this;
    pen.font = this.font;
    pen.fillStyle = colour("panel");
    pen.globalAlpha = 0.85;
    pen.beginPath();
    pen.roundRect(left, top, wide, high, 6 * ratio);
    pen.fill();
    pen.globalAlpha = 1;
    pen.fillStyle = this.ink;
    pen.beginPath();
    pen.roundRect(left, top, badge, high, 6 * ratio);
    pen.fill();
    pen.textBaseline = "middle";
    pen.textAlign = "center";
    pen.fillStyle = inkOn(this.ink);
    pen.fillText(this.number, left + badge / 2, top + high / 2 + ratio);
    pen.textAlign = "left";
    pen.fillStyle = "#ffffff";
    pen.fillText(this.text, left + badge + 9 * ratio, top + high / 2 + ratio);
  }
}
