// At first sight: some seconds of the sample clip with what was found in them, over and over, beside the tile that
// tells of them. It stands still for whoever wants less motion, at a press of its button, and while a camera runs.

import { EMOTIONS } from "./classes.js";
import { byId, icon, make } from "./dom.js";
import { Tile } from "./faces.js";
import { LabelPlaces, drawOverlay } from "./labels.js";

const STILL_SECONDS = 8;
// Nobody has been seen yet: the tile's shape, with the first classes that the models know.
const MADE_UP = [0.82, 0.12, 0.06];

export class Loop {
  constructor() {
    this.tile = new Tile(1);
    this.tile.element.inert = true;
    byId("example-tile").append(this.tile.element);
    const shares = EMOTIONS.map((_, index) => MADE_UP[index] ?? 0);
    this.tile.show({ label: EMOTIONS[0], emotion: EMOTIONS[0], probabilities: shares });
    this.video = make("video", { muted: true, loop: true, playsInline: true, preload: "auto", "aria-label": "The sample clip" });
    this.canvas = make("canvas", { "aria-hidden": "true" });
    this.button = make("button", { type: "button", hidden: true });
    this.button.addEventListener("click", () => {
      this.wanted = this.video.paused;
      this.turn();
    });
    byId("loop").append(this.video, this.canvas, this.button);
    this.places = new LabelPlaces();
    this.results = [];
    for (const kind of ["play", "pause"]) this.video.addEventListener(kind, () => this.say());
    this.video.addEventListener("seeked", () => this.draw());
    this.follow = () => {
      this.draw();
      this.video.requestVideoFrameCallback?.(this.follow);
    };
    this.say();
    // Its room is kept until it comes, so that no button moves away from under the mouse.
    const without = () => (byId("loop").hidden = true);
    this.video.addEventListener("error", without);
    this.fetch().catch(without);
  }

  async fetch() {
    this.wanted = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    const found = await fetch("/static/loop.json").then((response) => response.json());
    // The server may have other models than those with which it was analysed.
    this.facts = String(found.emotions) === String(EMOTIONS) ? found : { ...found, results: [] };
    this.video.addEventListener("loadeddata", () => {
      this.button.hidden = false;
      if (!this.wanted) this.video.currentTime = STILL_SECONDS;
      this.turn();
    }, { once: true });
    this.video.requestVideoFrameCallback?.(this.follow);
    this.video.src = "/static/loop.mp4";
  }

  /** Plays where that is wanted and to be seen. */
  turn() {
    if (this.wanted && !this.away) this.video.play().catch(() => {}); // it may have been stopped just then
    else this.video.pause();
  }

  /** Whether it is out of sight. */
  hide(away) {
    this.away = away;
    this.turn();
  }

  say() {
    const words = this.video.paused ? "Play the sample" : "Pause the sample";
    this.button.replaceChildren(icon(this.video.paused ? "play" : "pause"));
    [this.button.title, this.button.ariaLabel] = [words, words];
  }

  draw() {
    const now = this.video.currentTime;
    const result = this.facts.results.findLast(({ seconds }) => seconds <= now + 0.02) ?? this.facts.results[0];
    if (!result) return;
    drawOverlay(this.canvas, { ...this.facts, faces: result.faces }, false, this.places);
    if (result.faces.length) this.tile.show(result.faces[0]);
  }
}
