// What each person has shown in the last minute, as small rows beside the picture, drawn as a video's timeline is.

import { EMOTIONS } from "./classes.js";
import { drawStack, surface } from "./chart.js";
import { colour, make, onTheme } from "./dom.js";
import { named } from "./faces.js";

const MINUTE_MS = 60_000;
const MOST_PEOPLE = 3;
const EVERY_MS = 250;
// A longer pause is a gap without known results.
const GAP_MS = 1000;
const ALONE_MS = 100;

export class Graph {
  constructor(place) {
    this.place = place;
    this.people = new Map();
    this.drawn = 0;
    onTheme(() => (this.drawn = 0));
  }

  add(faces, now) {
    for (const face of faces) {
      if (!this.people.has(face.track_id)) this.people.set(face.track_id, []);
      if (face.probabilities) this.people.get(face.track_id).push({ time: now, shares: face.probabilities, named: named(face) });
    }
    if (now - this.drawn < EVERY_MS) return;
    this.drawn = now;
    for (const [id, points] of this.people) {
      while (points.length && points[0].time < now - MINUTE_MS) points.shift();
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
    const ground = colour("surface");
    shown.forEach(([, points], row) => {
      const target = surface(this.place.children[row].lastChild);
      drawStack(target, colours, ground, during(points, now, MINUTE_MS / target.width));
    });
  }
}

/** What a row of the last minute shows at a column: the result that held then, null where there was none. */
export function during(points, now, step) {
  let index = 0;
  return (column) => {
    const moment = now - MINUTE_MS + (column + 0.5) * step;
    while (points[index + 1]?.time <= moment) index += 1;
    const [point, next] = [points[index], points[index + 1]?.time ?? now];
    const end = next - point?.time > GAP_MS ? point.time + ALONE_MS : next;
    // A moment shorter than a column is still seen.
    return point?.time <= moment && moment < Math.max(end, point.time + step) ? point : null;
  };
}
