// Videos: sending them, watching them being worked on, and one video's result.

import { allIsWell, ask, banner, byId, inWords, make, percent, sentence, size } from "./dom.js";
import { Timeline } from "./timeline.js";

const rows = new Map(); // job id -> row
const uploads = new Set();
let jobs = [];
let shown = null;

export function setUp() {
  const drop = byId("drop");
  byId("file").addEventListener("change", (event) => {
    send([...event.target.files]);
    event.target.value = "";
  });
  for (const kind of ["dragover", "dragenter"]) drop.addEventListener(kind, () => drop.classList.add("over"));
  for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
  // A file that misses the field must not replace the page.
  for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (event) => event.preventDefault());
  window.addEventListener("drop", (event) => send([...(event.dataTransfer?.files ?? [])]));
  listen();
}

export function tell(limits) {
  byId("limits").textContent =
    `Up to ${size(limits.upload_bytes)} and ${inWords(limits.video_seconds)} each. Deleted after ${inWords(limits.keep_seconds)}.`;
}

function listen() {
  const source = new EventSource("/api/jobs/events");
  source.addEventListener("message", (event) => {
    allIsWell("connection");
    jobs = JSON.parse(event.data);
    draw();
  });
  source.addEventListener("error", () => {
    banner("The server cannot be reached. Is “emotion serve” still running? Trying again …", "connection");
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  });
}

async function send(files) {
  // One after another: side by side they would only share the same road.
  for (const file of files) {
    const upload = new Upload(file);
    uploads.add(upload);
    draw();
    await upload.run();
  }
}

class Upload {
  constructor(file) {
    this.file = file;
    this.bar = make("progress", { max: 1, value: 0, "aria-label": `Sending ${file.name}` });
    this.text = make("p", {}, `Sending, ${size(file.size)}`);
    this.button = make("button", { type: "button" }, "Cancel");
    this.button.addEventListener("click", () => this.cancel());
    this.element = make(
      "li",
      {},
      make("div", { className: "top" }, make("h2", { className: "title" }, file.name), this.button),
      this.bar,
      this.text,
    );
  }

  run() {
    // fetch has no progress for what is sent.
    const request = (this.request = new XMLHttpRequest());
    return new Promise((resolve) => {
      request.upload.addEventListener("progress", ({ loaded, total }) => {
        this.bar.value = loaded / total;
        this.text.textContent = `Sending, ${percent(loaded / total)} of ${size(total)}`;
      });
      request.addEventListener("loadend", async () => {
        if (request.status === 201) {
          uploads.delete(this);
          // The list may know it before this answer is here.
          const job = JSON.parse(request.responseText);
          if (!jobs.some(({ id }) => id === job.id)) jobs = [job, ...jobs];
        } else if (uploads.has(this)) {
          await this.fail(request);
        }
        draw();
        resolve();
      });
      request.open("POST", `/api/jobs?${new URLSearchParams({ name: this.file.name })}`);
      request.setRequestHeader("Content-Type", this.file.type || "application/octet-stream");
      request.send(this.file);
    });
  }

  async fail(request) {
    const words = request.status
      ? await sentence(new Response(request.responseText, { status: request.status }))
      : "The video did not arrive: the server cannot be reached.";
    this.text.textContent = words;
    this.text.className = "error";
    this.bar.hidden = true;
    this.button.textContent = "Dismiss";
    byId("videos-words").textContent = `${this.file.name}: ${words}`;
  }

  cancel() {
    uploads.delete(this);
    this.request.abort();
    draw();
  }
}

class Row {
  constructor(job) {
    this.job = {};
    this.title = make("h2", { className: "title" });
    this.bar = make("progress", { max: 1, "aria-label": `Progress of ${job.title}` });
    this.text = make("p");
    this.actions = make("div", { className: "actions" });
    this.element = make(
      "li",
      { id: `job-${job.id}` },
      make("div", { className: "top" }, this.title, this.actions),
      this.bar,
      this.text,
    );
  }

  show(job) {
    if (job.state !== this.job.state) {
      this.actions.replaceChildren(...actionsOf(job));
      if (this.job.state) byId("videos-words").textContent = `${job.title}: ${wordsOf(job)}`;
    }
    this.job = job;
    this.title.textContent = job.title;
    const open = job.state === "waiting" || job.state === "running";
    this.bar.hidden = !open;
    if (job.total) this.bar.value = Math.min(1, job.done / job.total);
    else this.bar.removeAttribute("value");
    this.text.textContent = wordsOf(job);
    this.text.className = job.state === "failed" ? "error" : "";
  }
}

export function wordsOf(job) {
  if (job.state === "waiting") return job.place ? `Waiting; ${job.place} before it` : "Waiting for its turn";
  if (job.state !== "running") return job.message;
  if (!job.done) return "Starting …";
  const share = job.total ? `${percent(job.done / job.total)} · ` : "";
  const left = job.seconds_left === null ? "" : ` · ${inWords(job.seconds_left)} left`;
  return `${share}${(job.fps ?? 0).toFixed(1)} frames a second${left}`;
}

function actionsOf(job, onPage = false) {
  const act = (text, path, method = "POST") => {
    const button = make("button", { type: "button", "aria-label": `${text} ${job.title}` }, text);
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await ask(`/api/jobs/${job.id}${path}`, { method });
        if (method === "DELETE") location.hash = "#videos";
      } catch (error) {
        banner(error.message);
        button.disabled = false;
      }
    });
    return button;
  };
  const results = job.downloads.length && !onPage;
  return [
    results ? make("a", { className: "button", href: `#video/${job.id}`, "aria-label": `Show ${job.title}` }, "Show") : null,
    job.state === "waiting" || job.state === "running" ? act("Cancel", "/cancel") : null,
    job.state === "failed" || job.state === "cancelled" ? act("Start again", "/restart") : null,
    job.state === "waiting" || job.state === "running" ? null : act("Delete", "", "DELETE"),
  ].filter(Boolean);
}

function draw() {
  for (const [id, row] of rows) {
    if (!jobs.some((job) => job.id === id)) {
      row.element.remove();
      rows.delete(id);
    }
  }
  const elements = jobs.map((job) => {
    const row = rows.get(job.id) ?? new Row(job);
    rows.set(job.id, row);
    row.show(job);
    return row.element;
  });
  const list = byId("jobs");
  const wanted = [...[...uploads].map((upload) => upload.element), ...elements];
  // Only what moves is moved: the focus stays where it is.
  wanted.forEach((element, index) => list.children[index] !== element && list.insertBefore(element, list.children[index] ?? null));
  while (list.childElementCount > wanted.length) list.lastElementChild.remove();
  byId("no-jobs").hidden = wanted.length > 0;
  if (shown) refresh();
}

/** The view of one video. */
export async function open(id) {
  close();
  shown = { id, state: null };
  await refresh();
}

export function close() {
  shown?.timeline?.destroy();
  byId("video-result").replaceChildren();
  shown = null;
}

async function refresh() {
  const current = shown;
  let job = jobs.find(({ id }) => id === current.id);
  try {
    job ??= await ask(`/api/jobs/${current.id}`);
  } catch (error) {
    if (shown !== current) return;
    byId("video-title").textContent = "Not here";
    byId("video-message").textContent = error.message;
    byId("video-result").replaceChildren();
    return;
  }
  if (shown !== current) return;
  byId("video-title").textContent = job.title;
  byId("video-message").textContent = wordsOf(job);
  byId("video-message").className = job.state === "failed" ? "error" : "";
  if (current.state === job.state) return;
  current.state = job.state;
  current.timeline?.destroy();
  const place = byId("video-result");
  place.replaceChildren();
  const has = new Set(job.downloads.map(({ kind }) => kind));
  const video = has.has("mp4") ? player(job) : null;
  if (video) place.append(make("div", { className: "player" }, video));
  if (job.overview) await addTimeline(current, job, video, place);
  if (shown !== current) return;
  if (job.downloads.length) place.append(make("h2", {}, "Take it away"), downloads(job));
  place.append(make("div", { className: "controls" }, ...actionsOf(job, true)));
}

function player(job) {
  return make("video", {
    src: `/api/jobs/${job.id}/mp4`,
    controls: true,
    playsInline: true,
    preload: "metadata",
    "aria-label": `${job.title}, annotated`,
  });
}

async function addTimeline(current, job, video, place) {
  const overview = await ask(`/api/jobs/${job.id}/overview`);
  if (shown !== current || !overview.people.length) return;
  place.append(
    make("h2", {}, "Over time"),
    make("ul", { className: "legend" }, ...overview.emotions.map((name) => make("li", {}, swatch(name), name))),
  );
  current.timeline = new Timeline(overview, video, place);
}

function swatch(name) {
  const element = make("span", { className: "swatch" });
  element.style.background = `var(--class-${name}, var(--soft))`;
  return element;
}

function downloads(job) {
  const items = job.downloads.map(({ kind, label, bytes, whole }) =>
    make(
      "li",
      {},
      make(
        "a",
        { className: "button", href: `/api/jobs/${job.id}/${kind}?download=true`, download: "" },
        label,
        make("small", {}, whole ? size(bytes) : `${size(bytes)}, a part`),
      ),
    ),
  );
  return make("ul", { className: "downloads" }, ...items);
}
