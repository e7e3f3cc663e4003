// A face's result, as a card beside the picture and as corners with a label on it.

import { EMOTIONS, REGIONS } from "./classes.js";
import { capital, colour, make, percent } from "./dom.js";

const BLENDSHAPES = "blendshapes";

const best = (opinion) => opinion.indexOf(Math.max(...opinion));

function opinionInWords(opinion) {
  if (!opinion) return "not seen";
  const index = best(opinion);
  return `${EMOTIONS[index]} ${percent(opinion[index])}`;
}

/** A card that is made once and then shows one face after another. */
export class FaceCard {
  constructor() {
    this.who = make("p", { className: "who" });
    this.swatch = make("span", { className: "swatch" });
    this.name = make("span");
    this.share = make("small");
    this.bars = EMOTIONS.map((name) => {
      const fill = make("div", { className: "fill" });
      fill.style.background = `var(--class-${name})`;
      return { name, fill, share: make("dd", { className: "share" }) };
    });
    this.opinions = [...REGIONS, BLENDSHAPES].map((name) => ({
      name,
      title: make("dt", {}, capital(name)),
      text: make("dd"),
    }));
    const rows = this.bars.flatMap(({ name, fill, share }) => [
      make("dt", {}, name),
      make("dd", { "aria-hidden": "true" }, make("div", { className: "bar" }, fill)),
      share,
    ]);
    this.element = make(
      "section",
      { className: "face", "aria-label": "Result" },
      this.who,
      make("p", { className: "label" }, this.swatch, this.name, this.share),
      make("dl", { className: "bars" }, ...rows),
      make("dl", { className: "opinions" }, ...this.opinions.flatMap(({ title, text }) => [title, text])),
    );
  }

  show(face, who) {
    this.who.textContent = who;
    this.name.textContent = face.label;
    this.share.textContent = sureness(face);
    this.swatch.style.background = named(face) ? `var(--class-${face.label})` : "var(--soft)";
    for (const [index, bar] of this.bars.entries()) {
      // Nothing is known of a face of which nothing was seen for a second.
      bar.fill.style.width = percent(face.probabilities?.[index] ?? 0);
      bar.share.textContent = face.probabilities ? percent(face.probabilities[index]) : "–";
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

/** Whether an emotion is named; else the label is "uncertain". */
const named = (face) => EMOTIONS.includes(face.label);

/** How sure the label is; no number where nothing is named. */
const sureness = (face) => (named(face) ? percent(face.probabilities[EMOTIONS.indexOf(face.label)]) : "");

/** Draws results over a picture of the same shape: corners around each face, a label above it. */
export function drawOverlay(canvas, result, mirrored) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, width, height);
  if (!result) return;
  // The picture is shown whole, with borders where its shape differs from the stage's.
  const scale = Math.min(width / result.width, height / result.height);
  const across = (width - scale * result.width) / 2;
  const down = (height - scale * result.height) / 2;
  for (const face of result.faces) {
    const [left, top, w, h] = face.box;
    const x = mirrored ? result.width - left - w : left;
    drawFace(pen, face, across + scale * x, down + scale * top, scale * w, scale * h, ratio, width);
  }
}

function drawFace(pen, face, x, y, w, h, ratio, width) {
  const paint = named(face) ? colour(`on-picture-${face.label}`) : "#ffffff";
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
  pen.strokeStyle = paint;
  pen.stroke();

  const text = `${face.label} ${sureness(face)}`.trim();
  const height = 26 * ratio;
  pen.font = `600 ${15 * ratio}px system-ui, sans-serif`;
  const wide = pen.measureText(text).width + 34 * ratio;
  const left = Math.max(2, Math.min(x, width - wide - 2));
  const top = y - height - 8 * ratio < 0 ? y + h + 8 * ratio : y - height - 8 * ratio;
  pen.fillStyle = colour("panel");
  pen.globalAlpha = 0.85;
  pen.beginPath();
  pen.roundRect(left, top, wide, height, 6 * ratio);
  pen.fill();
  pen.globalAlpha = 1;
  pen.fillStyle = paint;
  pen.fillRect(left + 9 * ratio, top + height / 2 - 5 * ratio, 10 * ratio, 10 * ratio);
  pen.fillStyle = "#ffffff";
  pen.textBaseline = "middle";
  pen.fillText(text, left + 25 * ratio, top + height / 2 + ratio);
}
