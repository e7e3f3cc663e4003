// Faces on the picture: corners around each, and a label that covers no face and no other label.

import { EMOTIONS } from "./classes.js";
import { capital, colour } from "./dom.js";
import { named, sureness } from "./faces.js";

// A face out of sight for longer has lost its label's place.
const REMEMBERED_MS = 1500;
// What was shortened or had to stand away stays so for a while: nothing flickers between two forms.
const PATIENCE_MS = 3000;
// The forms of a label: number, word and share; number and word; the number, which is that of its tile.
const [ALL, WORD, NUMBER] = [0, 1, 2];
const AWAY = -1;
// Pixels between a label and the picture's edge, or whatever it is squeezed in beside.
const EDGE = 2;
// Places beside a face at which a label ends where the face does, or where its left side begins.
const ENDS_RIGHT = [2, 3, 5, 7];

const LABELS = [...EMOTIONS, "uncertain"].map(capital);

const inkOf = (face) => (named(face) ? colour(`on-picture-${face.label}`) : "#ffffff");

/** Where labels stood in the last pictures: each stays on its side of its face while there is room. */
export class LabelPlaces {
  constructor() {
    this.known = new Map();
  }

  /** How a face's label stood, { form, place, at, since }; undefined where that is not known. */
  of(id, now) {
    const known = this.known.get(id);
    return known && now - known.seen < REMEMBERED_MS ? known : undefined;
  }

  /** @param found { form, place, box } on a canvas of this width and height; these may differ from picture to picture. */
  keep(id, { form, place, box: [left, top] }, width, height, now) {
    const known = this.of(id, now);
    const same = known && known.form === form && known.place === place;
    this.known.set(id, { form, place, at: [left / width, top / height], since: same ? known.since : now, seen: now });
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
  const shown = result.faces.map((face) => {
    const [left, top, w, h] = face.box;
    const x = mirrored ? result.width - left - w : left;
    const box = [across + scale * x, down + scale * top, scale * w, scale * h];
    return { id: face.track_id, face, box, forms: [ALL, WORD, NUMBER].map((form) => new Label(pen, face, form, ratio)) };
  });
  const found = placeLabels(shown, 8 * ratio, width, height, places, performance.now());
  drawLines(pen, shown, found, width, height, ratio);
  for (const { face, box } of shown) drawFace(pen, face, box, ratio);
  for (const { id, forms } of shown) if (found.has(id)) forms[found.get(id).form].draw(found.get(id));
}

/* ---- where labels stand ---- */

/** Places for labels: none covers a face or another label, none is outside, and each stays where it stood if it can.
    @param faces [{ id, box, forms: [{ wide, high }] }], boxes as [left, top, width, height], the form that says most first
    @param gap between a face and its label
    @returns a Map from an id to { form, place, box }; who has no room for any form is not in it. */
export function placeLabels(faces, gap, width, height, places, now) {
  const ground = { gap, width, height, taken: faces.map(({ box }) => box) };
  const order = [...faces].sort((a, b) => Number(!places.of(a.id, now)) - Number(!places.of(b.id, now)));
  let found = greedily(order, WAYS.ample, ground, places, now);
  // Shorter for all, and first those who were left out, before anybody goes without.
  for (const ways of [WAYS.short, WAYS.least]) {
    if (found.size === faces.length) break;
    const others = [...order].sort((a, b) => Number(found.has(a.id)) - Number(found.has(b.id)));
    const next = greedily(others, ways, ground, places, now);
    if (next.size > found.size) found = next;
  }
  improve(order, found, ground, places, now);
  for (const [id, one] of found) places.keep(id, one, width, height, now);
  return found;
}

/** What is tried for each face, in order: which form, and where. */
const WAYS = {
  ample: [[ALL, beside], [WORD, beside], [WORD, away]],
  short: [[WORD, beside], [WORD, away]],
  least: [[WORD, beside], [WORD, away], [NUMBER, beside], [NUMBER, away]],
};

function greedily(order, ways, ground, places, now) {
  const found = new Map();
  const taken = [...ground.taken];
  for (const { id, box, forms } of order) {
    const one = place(box, forms, ways, { ...ground, taken }, places.of(id, now));
    if (!one) continue;
    found.set(id, one);
    taken.push(one.box);
  }
  return found;
}

/** One face's label: as it stood, or else in the first of the ways in which it can stand. */
function place(box, forms, ways, ground, before) {
  const kept = before && ways.some(([form]) => form === before.form) && again(box, forms[before.form], ground, before);
  if (kept) return { ...before, box: kept };
  for (const [form, find] of ways) {
    const found = find(box, forms[form], ground, before?.place);
    if (found) return { form, ...found };
  }
  return null;
}

function again(box, label, ground, { place: number, at }) {
  const [left, top] = number === AWAY ? [at[0] * ground.width, at[1] * ground.height] : corners(box, label, ground)[number];
  const spot = [left, top, label.wide, label.high];
  return isFree(spot, ground) && spot;
}

/** Whoever has stood long enough with less, or away, gets more where there is room to spare: one a picture. */
function improve(order, found, ground, places, now) {
  for (const { id, box, forms } of order) {
    const [one, before] = [found.get(id), places.of(id, now)];
    if (!one || !before || now - before.since < PATIENCE_MS || (one.form === ALL && one.place !== AWAY)) continue;
    const taken = [...ground.taken, ...[...found].filter(([other]) => other !== id).map(([, { box: spot }]) => spot)];
    for (let form = ALL; form <= one.form; form += 1) {
      if (form === one.form && one.place !== AWAY) break;
      const better = beside(box, forms[form], { ...ground, taken }, one.place, ground.gap);
      if (better) return found.set(id, { form, ...better });
    }
  }
}

/** Eight places: above, below, both from the right; right, left, both from the bottom. */
function corners([x, y, w, h], { wide, high }, { gap, width }) {
  const all = [[x, y - high - gap], [x, y + h + gap], [x + w - wide, y - high - gap], [x + w - wide, y + h + gap],
    [x + w + gap, y], [x - wide - gap, y], [x + w + gap, y + h - high], [x - wide - gap, y + h - high]];
  return all.map(([left, top]) => [Math.max(EDGE, Math.min(left, width - wide - EDGE)), top]);
}

/** @param spare by how much it could grow there. */
function beside(box, label, ground, before, spare = 0) {
  const { wide, high } = label;
  const free = corners(box, label, ground)
    .map(([left, top], number) => ({ place: number, box: [left, top, wide, high] }))
    .filter(({ box: spot }) => isFree(spot, ground, spare));
  return free.find(({ place: number }) => number === before) ?? free[0];
}

/** The free place nearest to a face, wherever it is: one that is as near as it can be touches something. */
function away([x, y, w, h], { wide, high }, ground) {
  const { width, height, taken } = ground;
  const starts = (side, size, most, own, length) => [
    EDGE, most - size - EDGE, own, own + length - size,
    ...taken.flatMap((other) => [other[side] + other[side + 2] + EDGE, other[side] - size - EDGE]),
  ];
  let [spot, least] = [null, Infinity];
  const lefts = starts(0, wide, width, x, w);
  for (const top of starts(1, high, height, y, h)) {
    for (const left of lefts) {
      const far = Math.hypot(Math.max(left - x - w, x - left - wide, 0), Math.max(top - y - h, y - top - high, 0));
      if (far < least && isFree([left, top, wide, high], ground)) [spot, least] = [[left, top, wide, high], far];
    }
  }
  return spot && { place: AWAY, box: spot };
}

const overlap = (a, b, margin) =>
  a[0] - margin < b[0] + b[2] && b[0] < a[0] + a[2] + margin && a[1] - margin < b[1] + b[3] && b[1] < a[1] + a[3] + margin;

function isFree(spot, { width, height, taken }, spare = 0) {
  const [left, top, wide, high] = spot;
  const inside = left >= 0 && top >= 0 && left + wide <= width && top + high <= height;
  return inside && !taken.some((other) => overlap(spot, other, spare));
}

/* ---- drawing ---- */

/** Black or white, whichever is read better on a colour written #RRGGBB. */
export function inkOn(ground) {
  const parts = ground.startsWith("#") ? [1, 3, 5].map((at) => parseInt(ground.slice(at, at + 2), 16)) : ground.match(/[\d.]+/g).map(Number);
  const [red, green, blue] = parts.map((part) => (part / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? "#000000" : "#ffffff";
}

/** A line twice: dark and wide, so that it is seen on any picture, and in its colour. */
function stroke(pen, ink, ratio, thick) {
  pen.lineJoin = "round";
  pen.lineCap = "round";
  pen.lineWidth = (thick + 2.5) * ratio;
  pen.strokeStyle = "rgb(0 0 0 / .55)";
  pen.stroke();
  pen.lineWidth = thick * ratio;
  pen.strokeStyle = ink;
  pen.stroke();
}

/** Lines to the labels that stand away from their faces; none crosses a face. */
function drawLines(pen, shown, found, width, height, ratio) {
  const lines = shown.filter(({ id }) => found.get(id)?.place === AWAY);
  if (!lines.length) return;
  pen.save();
  for (const { box } of shown) {
    pen.beginPath();
    pen.rect(0, 0, width, height);
    pen.rect(...box);
    pen.clip("evenodd");
  }
  for (const { id, face, box } of lines) {
    const [left, top, wide, high] = found.get(id).box;
    const [x, y] = nearest(box, left + wide / 2, top + high / 2);
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(...nearest([left, top, wide, high], x, y));
    stroke(pen, inkOf(face), ratio, 1.5);
  }
  pen.restore();
}

const nearest = ([left, top, wide, high], x, y) => [Math.min(Math.max(x, left), left + wide), Math.min(Math.max(y, top), top + high)];

/** Corners around a face. */
function drawFace(pen, face, [x, y, w, h], ratio) {
  const arm = Math.min(w, h) * 0.2;
  pen.beginPath();
  for (const [cx, cy, dx, dy] of [[x, y, 1, 1], [x + w, y, -1, 1], [x, y + h, 1, -1], [x + w, y + h, -1, -1]]) {
    pen.moveTo(cx + dx * arm, cy);
    pen.lineTo(cx, cy);
    pen.lineTo(cx, cy + dy * arm);
  }
  stroke(pen, inkOf(face), ratio, 2.5);
}

const widths = new Map(); // font -> the widest word in it

function widest(pen) {
  if (!widths.has(pen.font)) widths.set(pen.font, Math.max(...LABELS.map((word) => pen.measureText(word).width)));
  return widths.get(pen.font);
}

/** A face's number, which is its tile's, with its word and share or without. Its room is that of the longest word,
    so that no word moves it. */
class Label {
  constructor(pen, face, form, ratio) {
    Object.assign(this, { pen, ratio, ink: inkOf(face), number: String(face.track_id) });
    this.text = form === NUMBER ? "" : capital(face.label) + (form === ALL && named(face) ? ` ${sureness(face)}` : "");
    pen.font = this.font = `600 ${15 * ratio}px system-ui, sans-serif`;
    this.high = 26 * ratio;
    this.badge = Math.max(this.high, pen.measureText(this.number).width + 14 * ratio);
    const rest = (width) => (form === NUMBER ? 0 : width + 20 * ratio);
    this.fills = this.badge + rest(pen.measureText(this.text).width);
    this.wide = this.badge + rest(widest(pen) + (form === ALL ? pen.measureText(" 100%").width : 0));
  }

  draw({ place: number, box: [start, top] }) {
    const { pen, ratio, badge, fills, high } = this;
    const left = start + (ENDS_RIGHT.includes(number) ? this.wide - fills : 0);
    pen.font = this.font;
    pen.fillStyle = colour("panel");
    pen.globalAlpha = 0.85;
    pen.beginPath();
    pen.roundRect(left, top, fills, high, 6 * ratio);
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
