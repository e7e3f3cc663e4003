// Nothing but the overlay, on a transparent ground: a browser source for OBS and the like.
// Address: /overlay, with ?mirror where the picture below is mirrored, ?camera=N for one of several.

import { LabelPlaces, drawOverlay } from "./labels.js";

const STALE_MS = 1500;
const asked = new URLSearchParams(location.search);
const mirrored = asked.has("mirror");
const camera = asked.has("camera") ? Number(asked.get("camera")) : null;
const canvas = document.getElementById("overlay");
const state = (window.emotionOverlay = { latest: null, results: 0, at: 0 });

const places = new LabelPlaces();

const draw = () => drawOverlay(canvas, state.latest, mirrored, places);

new EventSource("/api/live/events").addEventListener("message", (event) => {
  const result = JSON.parse(event.data);
  if (camera !== null && result.camera !== camera) return;
  state.latest = result;
  state.results += 1;
  state.at = performance.now();
  draw();
});
addEventListener("resize", draw);
setInterval(() => {
  // What is old is no longer where it stood.
  if (state.latest && performance.now() - state.at > STALE_MS) {
    state.latest = null;
    draw();
  }
}, 250);
