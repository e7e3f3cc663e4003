// The way of a camera's picture to the server and of its results back; it mends itself when it breaks.

import { RequestError, request } from "./dom.js";

const PING_EVERY_MS = 1000;
// The server answers each ping: after so much silence it is not there, or not to be reached.
const SILENCE_MS = 3000;
const CONNECT_MS = 15_000;
const RETRY_MS = 1000;
const LONGEST_RETRY_MS = 5000;

const NO_NETWORK =
  "The browser sends a camera's picture only over a network, even to this same computer, and finds none. Connect to any network, then start again.";
const NO_CONNECTION =
  "The camera's picture does not reach the server. Perhaps a firewall stops UDP between the two: allow it, then start again.";

/** Callbacks: `heard(message, now)`, `drawn(track)`, `lost(reason)`, `failed(reason)`. */
export class Stream {
  /** @param picture a MediaStream; @param wishes ({drawn, mirror, blur}). */
  constructor(picture, wishes, callbacks) {
    this.picture = picture;
    this.wishes = wishes;
    this.callbacks = callbacks;
    this.attempts = 0;
    this.roundTrip = Infinity;
    this.offset = null;
  }

  /** Connects. Unless it is patient, an error is the caller's; later ones never are.
      @param patient tries again where the same may succeed a little later, as when a place is just being freed. */
  async open(patient) {
    this.pinging = setInterval(() => this.ping(), PING_EVERY_MS);
    try {
      await this.connect();
    } catch (error) {
      if (this.closed) return;
      if (!patient || !error.passes) throw error;
      this.lose();
    }
  }

  async connect() {
    const connection = (this.connection = new RTCPeerConnection({ iceServers: [] }));
    const current = () => this.connection === connection && !this.closed;
    connection.addEventListener("connectionstatechange", () => {
      if (current() && connection.connectionState === "failed") this.lose();
    });
    // Unordered and without repeats: a late result is worth nothing.
    const channel = (this.channel = connection.createDataChannel("results", { ordered: false, maxRetransmits: 0 }));
    channel.addEventListener("message", (event) => current() && this.hear(JSON.parse(event.data)));
    channel.addEventListener("close", () => current() && this.lose());
    channel.addEventListener("open", () => {
      this.heardAt = performance.now();
      this.worked = true;
    });
    const [track] = this.picture.getVideoTracks();
    track.contentHint = "motion";
    const { drawn, mirror, blur } = this.wishes;
    connection.addTransceiver(track, { direction: drawn ? "sendrecv" : "sendonly", streams: [this.picture] });
    connection.addEventListener("track", (event) => current() && this.callbacks.drawn(event.track));
    await connection.setLocalDescription();
    await gathered(connection);
    if (!current()) return; // another stream was wanted meanwhile: this one takes no place
    const { sdp } = connection.localDescription;
    if (!sdp.includes("a=candidate:")) throw new RequestError(NO_NETWORK, 400);
    const answer = await request(`/api/cameras${blur ? "?privacy=blur" : ""}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ sdp, drawn, mirror }),
    });
    if (!current()) return connection.close();
    await connection.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    clearTimeout(this.connecting);
    this.connecting = setTimeout(() => {
      if (!current() || channel.readyState === "open") return;
      if (this.worked) this.lose(); // it was no firewall
      else this.callbacks.failed(NO_CONNECTION);
    }, CONNECT_MS);
  }

  ping() {
    if (this.channel?.readyState !== "open") return;
    if (performance.now() - this.heardAt > SILENCE_MS) return this.lose();
    this.channel.send(String(performance.now()));
  }

  hear(message) {
    const now = (this.heardAt = performance.now());
    if (message.error) return this.callbacks.failed(message.error);
    if (message.pong !== undefined) return this.tune(message, now);
    this.attempts = 0;
    this.callbacks.heard(message, now);
  }

  /** The offset of the server's clock, from the quickest of the last responses. */
  tune({ pong, now: theirs }, now) {
    const roundTrip = now - pong;
    if (roundTrip <= this.roundTrip) {
      this.roundTrip = roundTrip;
      this.offset = theirs - (pong + now) / 2;
    }
    this.roundTrip += 0.05 * this.roundTrip; // clocks drift: an old measurement counts less and less
  }

  /** How old something is that the server stamped, in milliseconds; null where that is not known yet. */
  age(at) {
    return this.offset === null ? null : performance.now() + this.offset - at;
  }

  lose() {
    if (this.closed) return;
    this.disconnect();
    [this.roundTrip, this.offset] = [Infinity, null]; // the next server has another clock
    this.callbacks.lost();
    const wait = Math.min(LONGEST_RETRY_MS, RETRY_MS * 2 ** this.attempts);
    this.attempts += 1;
    this.retrying = setTimeout(() => this.retry(), wait);
  }

  async retry() {
    try {
      await this.connect();
    } catch (error) {
      if (this.closed) return;
      if (error.passes) this.lose();
      else this.callbacks.failed(error.message);
    }
  }

  disconnect() {
    const connection = this.connection;
    this.connection = null; // its later messages are ignored
    clearTimeout(this.connecting);
    connection?.close();
  }

  close() {
    this.closed = true;
    clearTimeout(this.retrying);
    clearInterval(this.pinging);
    this.disconnect();
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
