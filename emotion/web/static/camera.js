// The camera: its picture stays here, a copy goes to the server, and results come back to be drawn.

import { byId, capital, icon, make } from "./dom.js";
import { Tiles } from "./faces.js";
import { Graph } from "./graph.js";
import { LabelPlaces, drawOverlay } from "./labels.js";
import { Loop } from "./loop.js";
import { SAMPLE, cameras, openPicture } from "./pictures.js";
import { Recording, snapshot } from "./recorder.js";
import { recall, remember } from "./settings.js";
import { Stream } from "./stream.js";

// A result older than this is not valid for the shown picture.
const STALE_MS = 1000;
const WORDS_EVERY_MS = 3000;
// So long a camera may take until its first picture.
const FIRST_PICTURE_MS = 5000;
// Numbers that change faster cannot be read.
const NUMBERS_EVERY_MS = 250;
const CHOICES = ["mirror", "blur", "panel"];
const NO_PICTURE = "No picture comes from the camera: open its shutter, close other programs that use it, or choose another one.";
const AWAY = "No results: waiting for the server. They go on by themselves when it is back.";

/** What the page knows of the stream; tests and the curious read it as `window.emotionCamera`. */
export const state = { results: 0, age: null, rate: 0, latest: null };
window.emotionCamera = state;

let session = null;
let tiles;
let graph;
let loop;

const wishes = () => {
  const [mirror, blur, panel] = CHOICES.map((name) => byId(`camera-${name}`).checked);
  // Faces are hidden where the picture and the result belong together: on the server.
  return { mirror, blur, drawn: panel || blur };
};

export function setUp() {
  tiles = new Tiles(byId("camera-faces"), "No face in the picture.");
  graph = new Graph(byId("minute"));
  loop = new Loop();
  for (const name of CHOICES) {
    const box = byId(`camera-${name}`);
    box.checked = recall(name, name === "mirror");
    box.addEventListener("change", () => {
      remember(name, box.checked);
      mirror();
      session?.changed(name);
    });
  }
  byId("camera-start").addEventListener("click", () => start(recall("camera", "")));
  byId("camera-sample").addEventListener("click", () => start(SAMPLE));
  byId("camera-stop").addEventListener("click", () => {
    stop();
    byId("camera-start").focus();
  });
  byId("camera-device").addEventListener("change", ({ target }) => {
    if (target.value !== SAMPLE) remember("camera", target.value);
    start(target.value);
  });
  byId("camera-snapshot").addEventListener("click", () => session?.shown() && snapshot(session.shown()));
  byId("camera-record").addEventListener("click", () => session?.record());
  byId("camera-full").addEventListener("click", full);
  byId("camera-full").hidden = !document.fullscreenEnabled;
  byId("camera-record").hidden = !window.MediaRecorder;
  window.addEventListener("pagehide", () => session?.close());
  mirror();
}

/** Whether the view is shown. Leaving it stops the camera, so that no one is filmed unknowingly. */
export function show(here) {
  if (session && !here) stop();
  loop.hide(!here || Boolean(session));
}

function mirror() {
  const sample = session?.device === SAMPLE;
  byId("camera-mirror").disabled = sample; // it is no mirror
  byId("camera-stop").lastChild.textContent = sample ? "Stop clip" : "Stop camera";
  byId("own").classList.toggle("mirrored", byId("camera-mirror").checked && !sample);
}

function full() {
  if (document.fullscreenElement) document.exitFullscreen();
  else byId("stage").requestFullscreen();
}

async function start(device) {
  session?.close();
  forget();
  const current = new Session(device);
  session = current;
  lay(true);
  mirror();
  say("Starting …");
  try {
    await current.open();
  } catch (error) {
    if (session === current) stop(error.message);
  }
}

function stop(reason = "") {
  session?.close();
  session = null;
  lay(false);
  mirror();
  forget();
  if (document.fullscreenElement) document.exitFullscreen();
  say("");
  byId("camera-trouble").textContent = reason;
}

/** Nothing is shown of the stream that has ended: the people of the next one have other numbers. */
function forget() {
  state.latest = null;
  byId("camera-numbers").textContent = "";
  byId("camera-words").textContent = "";
  tiles.clear();
  graph.clear();
  drawOverlay(byId("overlay"), null);
}

/** Either the stage invites to begin, or it shows a picture with what can be done with it. */
function lay(running) {
  loop.hide(running);
  byId("invitation").hidden = running;
  byId("example").hidden = running;
  byId("camera-tools").hidden = !running;
  byId("camera-trouble").textContent = "";
  byId("drawn").hidden = true;
  byId("own").hidden = false;
}

function say(text) {
  byId("stage-hint").textContent = text;
  byId("stage-hint").hidden = !text;
}

async function listCameras(current) {
  const found = await cameras();
  if (session !== current) return;
  const list = byId("camera-device");
  list.replaceChildren(
    ...found.map(([id, name]) => make("option", { value: id }, name)),
    make("option", { value: SAMPLE }, "Sample clip"),
  );
  const using = current.picture.getVideoTracks()[0].getSettings().deviceId;
  list.value = current.device === SAMPLE ? SAMPLE : using;
}

class Session {
  constructor(device) {
    this.device = device;
    this.arrivals = [];
    this.drawing = null;
    this.places = new LabelPlaces();
    this.spoken = 0;
    this.begun = performance.now();
    Object.assign(state, { results: 0, age: null, rate: 0, latest: null });
  }

  get mirrored() {
    return wishes().mirror && this.device !== SAMPLE;
  }

  async open() {
    this.picture = await openPicture(this.device, make("video", { muted: true, playsInline: true }));
    if (this.closed) return this.close();
    this.picture.getVideoTracks()[0].addEventListener("ended", () => session === this && stop("The camera was taken away."));
    byId("own").srcObject = this.picture;
    this.reporting = setInterval(() => this.report(), NUMBERS_EVERY_MS);
    await listCameras(this);
    await byId("own").play();
    if (this.closed) return;
    const { videoWidth, videoHeight } = byId("own");
    // The width follows the height where a screen is low.
    byId("stage").style.setProperty("--shape", videoWidth / videoHeight);
    await this.connect();
  }

  async connect(again = false) {
    this.stream?.close();
    // The last results and picture of the previous stream had other options, and are not shown again.
    cancelAnimationFrame(this.drawing);
    this.drawing = null;
    forget();
    byId("drawn").srcObject = null;
    byId("drawn").hidden = true;
    byId("own").hidden = false;
    const { drawn, blur } = wishes();
    this.drawn = drawn;
    // Nobody who wanted faces hidden shall see them meanwhile.
    byId("own").classList.toggle("veiled", blur);
    this.stream = new Stream(this.picture, { drawn, blur, mirror: drawn && this.mirrored }, {
      heard: (message, now) => this.hear(message, now),
      drawn: (track) => this.showDrawn(track),
      lost: () => this.lost(),
      failed: (reason) => session === this && stop(reason),
    });
    await this.stream.open(again);
  }

  /** A choice has changed: what only the server can do needs another stream. */
  async changed(name) {
    if (name === "mirror" && !this.drawn) return drawOverlay(byId("overlay"), state.latest, this.mirrored, this.places);
    try {
      await this.connect(true); // the place of the one before may not be free yet
    } catch (error) {
      if (session === this) stop(error.message);
    }
  }

  showDrawn(track) {
    const video = byId("drawn");
    video.srcObject = new MediaStream([track]);
    video.play().catch(() => {}); // another picture may have come meanwhile
  }

  hear(message, now) {
    state.results += 1;
    this.arrivals.push(now);
    while (this.arrivals[0] < now - 2000) this.arrivals.shift();
    state.rate = this.arrivals.length > 1 ? (1000 * (this.arrivals.length - 1)) / (now - this.arrivals[0]) : 0;
    // Without order an older result may come later.
    if (state.latest && message.at < state.latest.at) return;
    state.latest = message;
    // Once a result: drawing the same again at every refresh of the screen takes time from the models.
    this.drawing ??= requestAnimationFrame(() => this.draw());
    say("");
    this.speak(message.faces, now);
  }

  draw() {
    this.drawing = null;
    if (!state.latest) return;
    if (this.drawn) {
      const arrived = byId("drawn").videoWidth > 0;
      byId("drawn").hidden = !arrived;
      byId("own").hidden = arrived;
    }
    byId("camera-faces").classList.remove("stale");
    drawOverlay(byId("overlay"), this.drawn ? null : state.latest, this.mirrored, this.places);
    // Together with the overlay, so that they never contradict one another. What the server was sent
    // mirrored already has its boxes so.
    tiles.show(state.latest.faces, this.mirrored && !this.drawn);
    graph.add(state.latest.faces, performance.now());
    this.age();
  }

  /** The connection is lost: the last result does not belong to the present picture. */
  lost() {
    if (session !== this) return;
    forget();
    byId("drawn").hidden = true;
    byId("own").hidden = false;
    say(AWAY);
  }

  /** Whether the camera gives no picture, though its track goes on. */
  get dark() {
    const [track] = this.picture.getVideoTracks();
    return track.muted || track.readyState === "ended" || byId("own").readyState < HTMLMediaElement.HAVE_CURRENT_DATA;
  }

  report() {
    if (!state.latest) {
      if (this.dark && performance.now() - this.begun > FIRST_PICTURE_MS) say(NO_PICTURE);
      return;
    }
    const stale = this.age() > STALE_MS;
    if (stale && this.dark) say(NO_PICTURE);
    if (stale) byId("camera-words").textContent = ""; // of another moment
    if (stale) drawOverlay(byId("overlay"), null);
    byId("camera-faces").classList.toggle("stale", stale);
    byId("camera-numbers").textContent = this.numbers(stale);
  }

  /** How long ago the picture of the result that is shown reached the server, in milliseconds. */
  age() {
    return (state.age = state.latest && this.stream.age(state.latest.at));
  }

  numbers(stale) {
    if (stale) return this.dark ? "" : "No new results: the server is busy or the connection is slow.";
    const age = state.age === null ? "" : ` · picture ${Math.round(state.age / 10) * 10} ms old`;
    return `${state.rate.toFixed(0)} results a second${age}`;
  }

  /** For those who listen: what is shown, when it changes, but not more often than can be heard. */
  speak(faces, now) {
    const words = faces.map((face) => `Person ${face.track_id}: ${capital(face.label)}`).join(", ") || "No face in the picture";
    const place = byId("camera-words");
    if (place.textContent !== words && now - this.spoken > WORDS_EVERY_MS) {
      place.textContent = words;
      this.spoken = now;
    }
  }

  /** What is to be seen now, for pictures and recordings; null before there is any. */
  shown() {
    const video = byId(byId("drawn").hidden ? "own" : "drawn");
    if (!video.videoWidth || (video.id === "own" && wishes().blur)) return null;
    const plain = video.id === "own";
    return { video, result: plain ? state.latest : null, mirrored: plain && this.mirrored, places: this.places };
  }

  record() {
    const button = byId("camera-record");
    if (this.recording) {
      this.recording.stop();
      this.recording = null;
      button.replaceChildren(icon("record"), "Record");
    } else if (this.shown()) {
      const time = make("span", { className: "time" }, "0:00");
      button.replaceChildren(icon("stop"), "Stop recording ", time);
      this.recording = new Recording(() => this.shown(), (text) => (time.textContent = text));
    }
    button.classList.toggle("recording", Boolean(this.recording));
  }

  close() {
    this.closed = true;
    if (this.recording) this.record();
    clearInterval(this.reporting);
    cancelAnimationFrame(this.drawing);
    this.stream?.close();
    for (const track of this.picture?.getTracks() ?? []) track.stop();
    byId("own").classList.remove("veiled");
    byId("own").srcObject = null;
    byId("drawn").srcObject = null;
  }
}
