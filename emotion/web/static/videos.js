// The list of videos: those that are being sent, worked on and done; sorted, searched, deleted.

import { acts, arrange, byId, confirmed, inWords, lasting, make, ownFile, paint, size } from "./dom.js";
import { actionsOf, erase, isOpen, listen, wordsOf } from "./jobs.js";
import * as result from "./result.js";
import { recall, remember } from "./settings.js";
import * as uploads from "./uploads.js";

const rows = new Map(); // job id -> row
let jobs = [];

export function setUp() {
  uploads.setUp(draw, (job) => {
    // The list may know it before this response is here.
    if (!jobs.some(({ id }) => id === job.id)) jobs = [job, ...jobs];
  });
  byId("file").addEventListener("change", (event) => {
    uploads.send([...event.target.files]);
    event.target.value = "";
  });
  acts(byId("video-sample"), async () => void uploads.send([await ownFile("sample.mp4", "video/mp4")]));
  byId("sort").value = recall("sort", "newest");
  byId("sort").addEventListener("change", ({ target }) => {
    remember("sort", target.value);
    draw();
  });
  byId("search").addEventListener("input", draw);
  acts(byId("delete-all"), deleteAll);
  listen((listed) => {
    jobs = listed;
    draw();
    result.update();
  });
}

export function setLimits(limits) {
  uploads.setLimit(limits.upload_bytes);
  byId("limits").textContent =
    `Up to ${size(limits.upload_bytes)} and ${inWords(limits.video_seconds)} each. Deleted after ${inWords(limits.keep_seconds)}.`;
}

export const send = uploads.send;

export const find = (id) => jobs.find((job) => job.id === id);

async function deleteAll() {
  const ended = jobs.filter((job) => !isOpen(job));
  if (!(await confirmed(`Delete ${ended.length === 1 ? "1 video" : `all ${ended.length} videos`} with all results? This cannot be undone.`, "Delete all"))) return;
  for (const job of ended) await erase(job);
  byId("videos-title").focus();
}

/** After an action: a row that is gone leaves the focus to the heading; any other keeps it, see `Row.turn`. */
function refocus(job, gone) {
  if (!gone) return;
  jobs = jobs.filter(({ id }) => id !== job.id);
  draw();
  byId("videos-title").focus();
}

class Row {
  constructor(job) {
    this.job = {};
    this.link = make("a", { href: `#video/${job.id}` }, job.title);
    this.bar = make("progress", { max: 1, "aria-label": `Progress of ${job.title}` });
    this.text = make("p");
    this.facts = make("p", { className: "facts" });
    this.picture = make("div", { className: "thumb", "aria-hidden": "true" });
    this.strip = make("div", { className: "strip", "aria-hidden": "true" });
    this.actions = make("div", { className: "actions" });
    this.element = make(
      "li",
      { id: `job-${job.id}` },
      this.picture,
      make("div", { className: "about" }, make("h2", { className: "title" }, this.link), this.bar, this.text, this.facts, this.strip),
      this.actions,
    );
  }

  show(job) {
    if (job.state !== this.job.state) this.turn(job);
    this.job = job;
    this.bar.hidden = !isOpen(job);
    if (job.total) this.bar.value = Math.min(1, job.done / job.total);
    else this.bar.removeAttribute("value");
    this.text.textContent = wordsOf(job);
    this.text.className = job.state === "failed" ? "error" : "";
  }

  /** Another state than before: other actions, and perhaps results. */
  turn(job) {
    // What had the focus is taken away; it goes to what comes in its place.
    const focused = this.actions.contains(document.activeElement);
    this.actions.replaceChildren(...actionsOf(job, refocus));
    if (focused) (this.actions.querySelector("button") ?? this.link).focus();
    if (this.job.state) byId("videos-words").textContent = `${job.title}: ${wordsOf(job)}`;
    const facts = [
      job.seconds === null ? null : lasting(job.seconds),
      size(job.bytes),
      new Date(1000 * job.created).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }),
      job.state === "cancelled" && job.downloads.length ? "First part only" : null,
    ];
    this.facts.textContent = facts.filter(Boolean).join(" · ");
    this.picture.replaceChildren();
    if (job.thumbnail) this.picture.append(make("img", { src: `/api/jobs/${job.id}/thumbnail`, alt: "", loading: "lazy" }));
    this.strip.replaceChildren(...job.strip.map(part));
    this.strip.hidden = !job.strip.some(Boolean);
  }
}

function part(label) {
  const element = make("span");
  if (label) paint(element, label);
  return element;
}

const ORDERS = {
  newest: (a, b) => b.created - a.created,
  oldest: (a, b) => a.created - b.created,
  name: (a, b) => a.title.localeCompare(b.title, undefined, { numeric: true }),
  longest: (a, b) => (b.seconds ?? 0) - (a.seconds ?? 0),
};
// What is under way comes first, then what waits, the next one first, and what is done before what came to nothing.
const RANKS = { running: 0, waiting: 1, done: 2, cancelled: 3, failed: 4 };

function arranged() {
  const wanted = byId("search").value.trim().toLowerCase();
  const order = ORDERS[byId("sort").value] ?? ORDERS.newest;
  return jobs
    .filter((job) => job.title.toLowerCase().includes(wanted))
    .sort((a, b) => RANKS[a.state] - RANKS[b.state] || a.place - b.place || order(a, b));
}

function draw() {
  for (const [id, row] of rows) {
    if (!jobs.some((job) => job.id === id)) {
      const focused = row.element.contains(document.activeElement);
      row.element.remove();
      rows.delete(id);
      if (focused) byId("videos-title").focus();
    }
  }
  const elements = arranged().map((job) => {
    const row = rows.get(job.id) ?? new Row(job);
    rows.set(job.id, row);
    row.show(job);
    return row.element;
  });
  const wanted = [...uploads.elements(), ...elements];
  arrange(byId("jobs"), wanted);
  byId("no-jobs").hidden = wanted.length > 0;
  byId("list-tools").hidden = jobs.length < 2;
  byId("delete-all").hidden = jobs.every(isOpen);
  byId("study").hidden = jobs.filter((job) => !isOpen(job)).length < 2;
  byId("none-found").hidden = !jobs.length || wanted.length > 0;
  if (jobs.length) byId("no-jobs").hidden = true;
  byId("videos-count").textContent = jobs.length > 1 ? ` (${jobs.length})` : "";
}
