// What each person has shown in the last minute, as small stacked areas under the picture.

import { EMOTIONS } from "./classes.js";
import { colour, make, onTheme } from "./dom.js";

const MINUTE_MS = 60_000;
const MOST_PEOPLE = 3;
const HEIGHT = 44;
const EVERY_MS = 250;
// A longer silence is a gap: nobody knows what was shown.
const GAP_MS = 1000;

export class Graph {
  constructor(place) {
    this.place = place;
    this.people = new Map();
    this.drawn = 0;
    onTheme(() => (this.drawn = 0));
  }

  add(faces, now) {
    for (const { track_id: id, probabilities } of faces) {
      if (!this.people.has(id)) this.people.set(id, []);
      if (probabilities) this.people.get(id).push([now, probabilities]);
    }
    if (now - this.drawn < EVERY_MS) return;
    this.drawn = now;
    for (const [id, points] of this.people) {
      while (points.length && points[0][0] < now - MINUTE_MS) points.shift();
      if (!points.length) this.people.delete(id);
    }
    this.draw(now);
  }

  clear() {
    this.people.clear();
    this.place.replaceChildren();
  }

  draw(now) {
    const shown = [...this.people].sort((a, b) => b[1].length - a[1].length).slice(0, MOST_PEOPLE).sort((a, b) => a[0] - b[0]);
    const rows = shown.map(([id]) => String(id)).join();
    if (this.place.dataset.rows !== rows || this.place.childElementCount !== shown.length) {
      this.place.dataset.rows = rows;
      this.place.replaceChildren(
        ...shown.map(([id]) => make("div", { className: "minute" }, make("span", {}, String(id)), make("canvas", { "aria-hidden": "true" }))),
      );
    }
    const colours = EMOTIONS.map((name) => colour(`class-${name}`));
    shown.forEach(([, points], row) => stack(this.place.children[row].lastChild, points, now, colours));
  }
}

function stack(canvas, points, now, colours) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(HEIGHT * ratio)];
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext("2d");
  const at = (time) => width * (1 - (now - time) / MINUTE_MS);
  points.forEach(([time, shares], index) => {
    const next = points[index + 1]?.[0] ?? now;
    const [x, end] = [at(time), at(next - time > GAP_MS ? time + 100 : next)];
    let top = 0;
    shares.forEach((share, emotion) => {
      pen.fillStyle = colours[emotion];
      pen.fillRect(x, top * height, Math.max(1, end - x + 0.5), share * height);
      top += share;
    });
  });
}
