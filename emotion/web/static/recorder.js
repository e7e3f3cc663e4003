// Pictures and recordings of what the stage shows; they are made in the browser and go nowhere else.

import { clock, make, saveFile } from "./dom.js";
import { drawFaces } from "./labels.js";

const TYPES = ["video/mp4;codecs=avc1", "video/webm;codecs=vp9", "video/webm"];
const RATE = 25;

const stamp = () => new Date().toISOString().slice(0, 19).replaceAll(":", "-");

/** Draws the picture that is shown, with its results, onto a canvas of the picture's size. */
function compose(canvas, { video, result, mirrored, places }) {
  const { videoWidth: width, videoHeight: height } = video;
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const pen = canvas.getContext("2d");
  pen.save();
  if (mirrored) {
    pen.translate(width, 0);
    pen.scale(-1, 1);
  }
  pen.drawImage(video, 0, 0);
  pen.restore();
  if (result) drawFaces(pen, width, height, 1, result, mirrored, places);
}

/** Saves one picture as PNG. */
export function snapshot(shown) {
  const canvas = make("canvas");
  compose(canvas, shown);
  canvas.toBlob((blob) => blob && saveFile(blob, `emotion ${stamp()}.png`), "image/png");
}

/** Records until it is stopped; then the file goes to the browser's downloads. */
export class Recording {
  /** @param shown gives what is to be seen now, or null: then the last picture stays; @param tell gets the time so far as text. */
  constructor(shown, tell) {
    this.canvas = make("canvas");
    compose(this.canvas, shown());
    const type = TYPES.find((one) => MediaRecorder.isTypeSupported(one)) ?? "";
    this.recorder = new MediaRecorder(this.canvas.captureStream(RATE), type ? { mimeType: type } : {});
    const parts = [];
    const begun = performance.now();
    this.recorder.addEventListener("dataavailable", ({ data }) => data.size && parts.push(data));
    this.recorder.addEventListener("stop", () => {
      const kind = this.recorder.mimeType.split(";")[0] || "video/webm";
      if (parts.length) saveFile(new Blob(parts, { type: kind }), `emotion ${stamp()}.${kind.split("/")[1]}`);
    });
    this.drawing = setInterval(() => {
      const now = shown();
      if (now) compose(this.canvas, now);
      tell(clock((performance.now() - begun) / 1000));
    }, 1000 / RATE);
    this.recorder.start(1000);
  }

  stop() {
    clearInterval(this.drawing);
    if (this.recorder.state !== "inactive") this.recorder.stop();
  }
}
