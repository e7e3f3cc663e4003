// Photos: chosen, dropped or pasted; each is analysed by the server, which does not store it.

import { EMOTIONS } from "./classes.js";
import { acts, arrange, byId, capital, counted, make, onTheme, ownFile, percents, request, saveFile, size } from "./dom.js";
import { Tiles } from "./faces.js";
import { drawOverlay } from "./labels.js";

const WAIT_MS = 2000;
const NO_PICTURE = /^image\/(?!jpeg|png|webp|gif|apng)/;

let limit = Infinity;
let photos = [];
let working = false;

export function setUp() {
  byId("photo-file").addEventListener("change", (event) => {
    add([...event.target.files]);
    event.target.value = "";
  });
  acts(byId("photo-sample"), async () => void add([await ownFile("sample.jpg", "image/jpeg")]));
  byId("photos-table").addEventListener("click", download);
  byId("photos-clear").addEventListener("click", () => {
    for (const photo of photos) photo.forget();
    photos = [];
    draw();
    byId("photo-file").focus();
  });
  new ResizeObserver(() => photos.forEach((photo) => photo.paint())).observe(byId("photos"));
  onTheme(() => photos.forEach((photo) => photo.paint()));
}

export function setLimits(limits) {
  limit = limits.photo_bytes;
  byId("photo-limits").textContent = `JPEG, PNG, WebP or GIF, up to ${size(limit)} each. Nothing of them is kept.`;
}

/** Analyses files one after another. */
export async function add(files) {
  photos.push(...files.map((file) => new Photo(file)));
  draw();
  if (working) return;
  working = true;
  for (let next; (next = photos.find(({ state }) => state === "waiting")); ) {
    await next.look();
    draw();
  }
  working = false;
}

class Photo {
  constructor(file) {
    this.file = file;
    this.state = "waiting";
    this.address = URL.createObjectURL(file);
    this.picture = make("img", { src: this.address, alt: `Photo ${file.name}` });
    this.picture.addEventListener("load", () => this.paint());
    this.picture.addEventListener("error", () => (this.picture.hidden = true)); // words say what it is instead
    this.canvas = make("canvas", { "aria-hidden": "true" });
    this.text = make("p", { role: "status" }, "Waiting …");
    this.faces = make("div", { className: "tiles" });
    this.tiles = new Tiles(this.faces, "No face was found in this photo.");
    this.element = make(
      "li",
      { className: "photo" },
      make("div", { className: "shot" }, this.picture, this.canvas),
      make("div", {}, make("h2", { className: "title" }, file.name), this.text, this.faces),
    );
  }

  async look() {
    this.state = "running";
    this.text.textContent = "Analysing …";
    if (this.file.type.startsWith("video/")) return this.fail("This is a video: open it under Videos.");
    if (NO_PICTURE.test(this.file.type)) return this.fail("This is not a JPEG, PNG, WebP or GIF picture: save it as one of these.");
    if (this.file.size > limit) return this.fail(`The file is larger than the ${size(limit)} that this server takes.`);
    for (;;) {
      try {
        this.result = await request("/api/photos", { method: "POST", body: this.file });
        break;
      } catch (error) {
        if (error.status !== 503) return this.fail(error.message);
        await new Promise((resolve) => setTimeout(resolve, 1000 * error.wait || WAIT_MS));
        if (this.state === "gone") return;
      }
    }
    this.state = "done";
    const { faces: { length: count }, more_faces: more } = this.result;
    const found = counted(count, "face");
    this.text.textContent = count ? (more ? `${found}, the largest; at least ${more} more` : found) : "";
    this.tiles.show(this.result.faces);
    this.paint();
  }

  fail(words) {
    this.state = "failed";
    this.text.textContent = words;
    this.text.className = "error";
  }

  paint() {
    drawOverlay(this.canvas, this.result);
  }

  forget() {
    this.state = "gone";
    URL.revokeObjectURL(this.address);
  }
}

function draw() {
  arrange(byId("photos"), photos.map(({ element }) => element));
  byId("no-photos").hidden = photos.length > 0;
  byId("photos-clear").hidden = !photos.length;
  const found = photos.flatMap(({ file, result }) => (result?.faces ?? []).map((face) => ({ file, face })));
  byId("photos-results").hidden = !found.length;
  byId("photos-rows").replaceChildren(
    make("thead", {}, row("th", ["Photo", "Face", "Expression", ...EMOTIONS.map(capital)])),
    make("tbody", {}, ...found.map(({ file, face }) => row("td", [
      file.name,
      face.track_id,
      capital(face.label),
      ...(face.probabilities ? percents(face.probabilities) : EMOTIONS.map(() => "–")),
    ]))),
  );
}

const row = (kind, cells) => make("tr", {}, ...cells.map((cell) => make(kind, kind === "th" ? { scope: "col" } : {}, String(cell))));

/** The table as CSV; what a program might take for a formula is kept from being one. */
function download() {
  const quoted = (cell) => `"${String(cell).replace(/^[=+\-@\t]/, "'$&").replaceAll('"', '""')}"`;
  const lines = [["photo", "face", "label", "left", "top", "width", "height", ...EMOTIONS].join(",")];
  for (const { file, result } of photos) {
    for (const face of result?.faces ?? []) {
      lines.push([quoted(file.name), face.track_id, face.label, ...face.box, ...(face.probabilities ?? EMOTIONS.map(() => ""))].join(","));
    }
  }
  saveFile(new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" }), "photos.emotions.csv");
}
