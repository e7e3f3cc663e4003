// A video with its controls beneath it, not over it: nothing that is drawn into the picture is covered.

import { answer, clock, icon, isShort, lasting, make } from "./dom.js";
import { recall, remember } from "./settings.js";

const SPEEDS = [0.25, 0.5, 1, 1.5, 2, 4];

export class Player {
  /** @param job whose annotated video it is. */
  constructor(job) {
    this.job = job;
    this.kind = "mp4";
    this.video = make("video", {
      src: this.address("mp4"),
      playsInline: true,
      preload: "metadata",
      tabIndex: -1,
      "aria-label": `${job.title}, annotated`,
    });
    if (job.downloads.some(({ kind, whole }) => kind === "vtt" && whole)) {
      this.track = make("track", { kind: "subtitles", label: "Expressions", srclang: "en", src: this.address("vtt") });
      this.video.append(this.track);
    }
    this.trouble = make("p", { className: "error", role: "status", hidden: true });
    this.element = make("div", { className: "player" }, make("div", { className: "screen" }, this.video), this.controls(), this.trouble);
    this.listen();
  }

  address(kind) {
    return `/api/jobs/${this.job.id}/${kind}`;
  }

  get time() {
    return this.video.currentTime;
  }

  /** In seconds. An original need not know its own, and one that cannot be played never does. */
  get length() {
    const { duration } = this.video;
    return Number.isFinite(duration) ? duration : this.job.seconds ?? 0;
  }

  get playing() {
    return !this.video.paused && !this.video.ended;
  }

  seek(seconds) {
    this.video.currentTime = Math.max(0, Math.min(seconds, this.video.duration || seconds));
  }

  toggle() {
    if (this.video.error) this.change(this.kind, true); // the server may be back
    else if (this.playing) this.video.pause();
    else this.video.play().catch(() => {}); // an error event has been handled
  }

  controls() {
    const button = (picture, label, act) => {
      const element = make("button", { type: "button", className: "plain", "aria-label": label, title: label }, icon(picture));
      element.addEventListener("click", act);
      return element;
    };
    this.play = button("play", "Play", () => this.toggle());
    this.clock = make("span", { className: "time" }, "0:00");
    this.bar = make("input", { type: "range", min: 0, max: 1, step: "any", value: 0, "aria-label": "Position in the video" });
    this.bar.addEventListener("input", () => this.seek(Number(this.bar.value)));
    this.mute = button("sound", "Mute", () => (this.video.muted = !this.video.muted));
    this.speed = make("select", { "aria-label": "Speed" }, ...SPEEDS.map((speed) => make("option", { value: speed, selected: speed === 1 }, `${speed}×`)));
    this.speed.addEventListener("change", () => {
      // The default is that of the other picture, too.
      this.video.playbackRate = this.video.defaultPlaybackRate = Number(this.speed.value);
    });
    const subtitles = make("button", { type: "button", className: "plain", "aria-pressed": "false", title: "Subtitles" }, "Subtitles");
    subtitles.addEventListener("click", () => {
      const on = subtitles.getAttribute("aria-pressed") !== "true";
      subtitles.setAttribute("aria-pressed", String(on));
      this.track.track.mode = on ? "showing" : "disabled";
      remember("subtitles", on);
    });
    if (this.track && recall("subtitles", false)) requestAnimationFrame(() => subtitles.click());
    const picture = make(
      "select",
      { "aria-label": "Picture" },
      make("option", { value: "mp4" }, "With results"),
      make("option", { value: "original" }, "Original"),
    );
    picture.addEventListener("change", () => this.change(picture.value));
    const full = button("full", "Full screen", () => this.video.requestFullscreen());
    full.hidden = !document.fullscreenEnabled;
    return make(
      "div",
      { className: "player-controls" },
      this.play,
      this.clock,
      this.bar,
      this.mute,
      full,
      this.speed,
      this.track ? subtitles : null,
      this.job.mine ? picture : null,
    );
  }

  listen() {
    const { video } = this;
    for (const kind of ["play", "pause", "ended"]) video.addEventListener(kind, () => this.turned());
    video.addEventListener("volumechange", () => {
      const words = video.muted ? "Unmute" : "Mute";
      this.mute.replaceChildren(icon(video.muted ? "mute" : "sound"));
      [this.mute.title, this.mute.ariaLabel] = [words, words];
    });
    video.addEventListener("timeupdate", () => this.showTime());
    video.addEventListener("loadedmetadata", () => {
      if (this.left) this.resume(this.left);
      this.left = null;
    });
    for (const kind of ["loadedmetadata", "durationchange"]) video.addEventListener(kind, () => this.showTime());
    video.addEventListener("click", () => this.toggle());
    video.addEventListener("error", async () => {
      const { kind } = this;
      const words = await this.reason();
      if (kind !== this.kind || !video.error) return;
      this.trouble.textContent = words;
      this.trouble.hidden = false;
    });
  }

  /** Why it cannot be played: the browser says only that. */
  async reason() {
    try {
      await answer(this.address(this.kind), { headers: { Range: "bytes=0-0" } });
    } catch (error) {
      return error.message;
    }
    return this.kind === "original" ? "This browser cannot play the original: its format is another one." : "The video cannot be played.";
  }

  turned() {
    const words = this.playing ? "Pause" : "Play";
    this.play.replaceChildren(icon(this.playing ? "pause" : "play"));
    [this.play.title, this.play.ariaLabel] = [words, words];
  }

  showTime() {
    const { length } = this;
    // The length as in the list of videos: 19.7 seconds are 0:20, not 0:19.
    const moment = this.video.ended ? lasting(length) : clock(this.time, isShort(length));
    this.clock.textContent = `${moment} / ${lasting(length)}`;
    this.bar.max = length;
    this.bar.value = this.time;
    this.bar.setAttribute("aria-valuetext", clock(this.time));
  }

  /** The other picture, at the same moment; one that cannot be played, or not yet, has none of its own. */
  change(kind, play = false) {
    const { time, playing } = this.left ?? this;
    this.left = { time, playing: playing || play };
    this.kind = kind;
    this.trouble.hidden = true;
    this.video.src = this.address(kind);
  }

  resume({ time, playing }) {
    this.video.currentTime = time;
    if (playing) this.toggle();
  }
}
