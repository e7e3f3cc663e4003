// The camera: its picture stays here, a copy goes to the server, and results come back to be drawn.

import { ask, byId } from "./dom.js";
import { FaceCard, drawOverlay } from "./faces.js";

// A result older than this says nothing about the picture that is shown.
const STALE_MS = 1000;
const WORDS_EVERY_MS = 3000;
const PING_EVERY_MS = 1000;
// Numbers that change faster cannot be read.
const NUMBERS_EVERY_MS = 250;
const CONNECT_MS = 15_000;

/** What the page knows of the stream; tests and the curious read it as `window.emotionCamera`. */
export const state = { results: 0, age: null, rate: 0, latest: null };
window.emotionCamera = state;

const NO_NETWORK =
  "The browser sends a camera's picture only over a network, even to this same machine, and finds none. Connect to any network, then start again.";
const NO_CONNECTION =
  "The camera's picture does not reach the server. Perhaps a firewall stops UDP between the two: allow it, then start again.";

let session = null;

export function setUp() {
  byId("camera-button").addEventListener("click", () => (session ? stop() : start()));
  byId("camera-drawn").addEventListener("change", () => session && start());
  byId("camera-mirror").addEventListener("change", mirror);
  window.addEventListener("pagehide", () => session?.close());
  mirror();
}

/** Leaving the view ends the camera: nobody is filmed unseen. */
export function leave() {
  if (session) stop();
}

function mirror() {
  byId("own").classList.toggle("mirrored", byId("camera-mirror").checked);
}

async function start() {
  session?.close();
  const current = new Session(byId("camera-drawn").checked);
  session = current;
  byId("camera-button").textContent = "Stop camera";
  say("Starting …");
  try {
    await current.open();
  } catch (error) {
    if (session === current) stop(error.message);
  }
}

function stop(reason) {
  session?.close();
  session = null;
  byId("camera-button").textContent = "Start camera";
  byId("camera-numbers").textContent = "";
  byId("camera-faces").replaceChildren();
  byId("drawn").hidden = true;
  byId("own").hidden = false;
  drawOverlay(byId("overlay"), null);
  say(reason ?? "Press “Start camera”. The picture goes to the computer that runs “emotion serve”, and nowhere else.");
}

function say(text) {
  byId("stage-hint").textContent = text;
  byId("stage-hint").hidden = !text;
}

class Session {
  constructor(drawn) {
    this.drawn = drawn;
    this.cards = [];
    this.arrivals = [];
    this.drawing = null;
    this.roundTrip = Infinity;
    this.offset = null;
    this.spoken = 0;
    Object.assign(state, { results: 0, age: null, rate: 0, latest: null });
  }

  async open() {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error("Browsers give a camera only to pages from this machine or over https. See “emotion serve --help”.");
    }
    const wanted = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 }, facingMode: "user" };
    this.stream = await navigator.mediaDevices.getUserMedia({ video: wanted }).catch((error) => {
      throw new Error(cameraTrouble(error));
    });
    if (this.closed) return this.close();
    this.stream.getVideoTracks()[0].addEventListener("ended", () => session === this && stop("The camera was taken away."));
    byId("own").srcObject = this.stream;
    await byId("own").play();
    const { videoWidth, videoHeight } = byId("own");
    byId("stage").style.aspectRatio = `${videoWidth} / ${videoHeight}`;
    await this.connect();
    this.pinging = setInterval(() => this.ping(), PING_EVERY_MS);
    this.telling = setInterval(() => this.tell(), NUMBERS_EVERY_MS);
  }

  async connect() {
    this.connection = new RTCPeerConnection({ iceServers: [] });
    this.connection.addEventListener("connectionstatechange", () => {
      if (session === this && this.connection.connectionState === "failed") stop("The connection to the server was lost. Start again.");
    });
    // Unordered and without repeats: a late result is worth nothing.
    this.channel = this.connection.createDataChannel("results", { ordered: false, maxRetransmits: 0 });
    this.channel.addEventListener("message", (event) => this.hear(JSON.parse(event.data)));
    this.channel.addEventListener("close", () => session === this && stop("The server ended the connection. Start again."));
    const [track] = this.stream.getVideoTracks();
    track.contentHint = "motion";
    this.connection.addTransceiver(track, { direction: this.drawn ? "sendrecv" : "sendonly", streams: [this.stream] });
    this.connection.addEventListener("track", (event) => this.showDrawn(event.track));
    await this.connection.setLocalDescription();
    await gathered(this.connection);
    const { sdp } = this.connection.localDescription;
    if (!sdp.includes("a=candidate:")) throw new Error(NO_NETWORK);
    const offer = { sdp, drawn: this.drawn };
    const answer = await ask("/api/cameras", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(offer),
    });
    if (this.closed) return this.close();
    await this.connection.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    this.connecting = setTimeout(() => this.channel.readyState !== "open" && stop(NO_CONNECTION), CONNECT_MS);
  }

  showDrawn(track) {
    const video = byId("drawn");
    video.srcObject = new MediaStream([track]);
    video.play();
    video.hidden = false;
    byId("own").hidden = true;
  }

  ping() {
    if (this.channel.readyState === "open") this.channel.send(String(performance.now()));
  }

  hear(message) {
    if (this.closed) return; // what was under way when the camera was stopped
    const now = performance.now();
    if (message.error) return stop(message.error);
    if (message.pong !== undefined) return this.tune(message, now);
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

  /** How the server's clock stands to this one: the quickest answer of the last ones tells best. */
  tune({ pong, now: theirs }, now) {
    const roundTrip = now - pong;
    if (roundTrip <= this.roundTrip) {
      this.roundTrip = roundTrip;
      this.offset = theirs - (pong + now) / 2;
    }
    this.roundTrip += 0.05 * this.roundTrip; // clocks drift: an old measurement counts less and less
  }

  draw() {
    this.drawing = null;
    drawOverlay(byId("overlay"), this.drawn ? null : state.latest, byId("camera-mirror").checked);
    this.showCards(state.latest.faces); // together, so that they never contradict one another
    this.age();
  }

  tell() {
    if (!state.latest) return;
    const stale = this.age() > STALE_MS;
    if (stale) drawOverlay(byId("overlay"), null);
    byId("camera-numbers").textContent = this.numbers(stale);
  }

  /** How long ago the picture of the result that is shown reached the server, in milliseconds. */
  age() {
    return (state.age = this.offset === null ? null : performance.now() + this.offset - state.latest.at);
  }

  numbers(stale) {
    if (stale) return "No new results: the server is busy or the connection is slow.";
    const age = state.age === null ? "" : ` · picture ${Math.round(state.age / 10) * 10} ms old`;
    return `${state.rate.toFixed(0)} results a second${age}`;
  }

  showCards(faces) {
    const place = byId("camera-faces");
    while (this.cards.length < faces.length) this.cards.push(new FaceCard());
    faces.forEach((face, index) => this.cards[index].show(face, `Person ${face.track_id}`));
    const shown = this.cards.slice(0, faces.length).map((card) => card.element);
    // By the card itself, not by how many there are: "No face" is one child, too.
    if (faces.length && place.childElementCount === shown.length && place.firstElementChild === shown[0]) return;
    const nobody = document.createElement("p");
    nobody.className = "quiet";
    nobody.textContent = "No face in the picture.";
    place.replaceChildren(...(faces.length ? shown : [nobody]));
  }

  /** For those who listen: what is shown, when it changes, but not more often than can be heard. */
  speak(faces, now) {
    const words = faces.map((face) => `Person ${face.track_id}: ${face.label}`).join(", ") || "No face in the picture";
    const place = byId("camera-words");
    if (place.textContent !== words && now - this.spoken > WORDS_EVERY_MS) {
      place.textContent = words;
      this.spoken = now;
    }
  }

  close() {
    this.closed = true;
    clearTimeout(this.connecting);
    clearInterval(this.pinging);
    clearInterval(this.telling);
    cancelAnimationFrame(this.drawing);
    this.connection?.close();
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    byId("own").srcObject = null;
    byId("drawn").srcObject = null;
  }
}

/** The candidates of this machine's own addresses; there are no servers to ask, so this is quick. */
function gathered(connection) {
  return new Promise((resolve) => {
    const done = () => connection.iceGatheringState === "complete" && resolve();
    connection.addEventListener("icegatheringstatechange", done);
    setTimeout(resolve, 2000);
    done();
  });
}

function cameraTrouble(error) {
  if (error.name === "NotAllowedError") return "The browser may not use the camera. Allow it beside the address, then start again.";
  if (error.name === "NotFoundError") return "There is no camera at this machine. Plug one in, or look at “Videos”.";
  if (error.name === "NotReadableError") return "The camera is used by another program. Close that one, then start again.";
  return `The camera cannot be started (${error.message}).`;
}
