// One video: how it stands, its picture, the expressions over time, and what can be downloaded.

import { banner, byId, icon, make, request, size } from "./dom.js";
import { actionsOf, isOpen, wordsOf } from "./jobs.js";
import { Player } from "./player.js";
import { Timeline } from "./timeline.js";

// So often another visitor's video is asked after while it is being annotated: the list has only one's own.
const AGAIN_MS = 3000;

// What each kind of file is good for.
const PURPOSES = {
  mp4: "the video with the results in its picture",
  csv: "a row for each face in each picture, for spreadsheets",
  jsonl: "the same, for programs",
  parquet: "the same, for pandas and R",
  vtt: "the expressions as subtitles, for web pages and players",
  srt: "the same, for video editors",
  eaf: "the expressions as tiers, for ELAN",
  html: "the timeline as a page to keep and to send",
  summary: "how often each expression was seen, for programs",
};
const COLUMNS = [
  ["seconds, frame", "when: in seconds of the video, and which picture of it"],
  ["track_id", "who: the same number for the same person"],
  ["box", "where the face is, in pixels of the picture"],
  ["label", "the label that is shown: an expression, or “uncertain” if none leads clearly"],
  ["emotion, confidence", "the expression with the largest share, and that share"],
  ["probabilities", "all shares as they are shown, smoothed over time; together 1"],
  ["probabilities_frame", "the shares of this picture alone"],
  ["eyes, lips …", "the prediction for each part of the face; empty if it is hidden"],
];

let shown = null;
let known = () => undefined;

/** @param find gives a job of the visitor's list by its id. */
export function setUp(find) {
  known = find;
}

/** Shows what has changed in the list. */
export function update() {
  if (shown) refresh();
}

export async function open(id) {
  close();
  shown = { id, state: null };
  byId("video-title").textContent = "Video";
  byId("video-message").textContent = "";
  await refresh();
}

export function close() {
  clearTimeout(shown?.again);
  shown?.timeline?.destroy();
  byId("video-result").replaceChildren();
  shown = null;
}

async function refresh() {
  const current = shown;
  const later = () => {
    clearTimeout(current.again);
    current.again = setTimeout(() => shown === current && refresh(), AGAIN_MS);
  };
  let job = known(current.id);
  const listed = Boolean(job);
  try {
    job ??= await request(`/api/jobs/${encodeURIComponent(current.id)}`);
  } catch (error) {
    if (shown !== current) return;
    if (error.passes) later();
    if (error.passes && current.state) return; // what is shown still holds
    current.state = null;
    current.timeline?.destroy();
    const missing = error.status === 404 || error.status === 405;
    entitle(missing ? "Video not found" : "The video cannot be shown");
    byId("video-message").textContent = missing ? "It may have been deleted, or the address is not complete." : error.message;
    byId("video-result").replaceChildren();
    return;
  }
  if (shown !== current) return;
  if (!listed && isOpen(job)) later();
  entitle(job.title);
  byId("video-message").textContent = wordsOf(job);
  byId("video-message").className = job.state === "failed" ? "error" : "";
  if (current.state === job.state) return;
  current.state = job.state;
  await lay(current, job);
}

function entitle(words) {
  byId("video-title").textContent = words;
  document.title = `${words} · emotion-live`;
}

async function lay(current, job) {
  current.timeline?.destroy();
  const focused = byId("video-result").contains(document.activeElement);
  const place = byId("video-result");
  place.replaceChildren();
  const kinds = new Set(job.downloads.map(({ kind }) => kind));
  const player = kinds.has("mp4") ? new Player(job) : null;
  const times = make("div", { className: "times" });
  place.append(make("div", { className: "result" }, player && make("div", { className: "watch" }, player.element), times));
  if (job.downloads.length) place.append(downloads(job));
  place.append(foot(job));
  if (focused) byId("video-title").focus();
  if (!job.overview) return;
  const overview = await request(`/api/jobs/${job.id}/overview`).catch((error) => banner(error.message));
  if (shown !== current || !overview?.people.length) return;
  times.append(make("h2", {}, "Timeline"), help());
  current.timeline = new Timeline(overview, player, times, job.title);
}

function help() {
  return make(
    "details",
    { className: "help" },
    make("summary", {}, "How to read it"),
    make(
      "p",
      {},
      "Each row is a person. The height of a colour is its share at that moment; stripes lie where no expression leads clearly enough to be named, and where a row is empty the person was not seen. " +
        "Point at a row for the numbers, click to go there. With the keyboard: arrow keys move by a second, Page Up and Page Down by ten, space plays, + and − zoom.",
    ),
  );
}

function downloads(job) {
  const address = (kind) => `/api/jobs/${job.id}/${kind}?download=true`;
  const part = (whole) => (whole ? "" : ", first part only");
  const [video, ...others] = [...job.downloads].sort((a, b) => (b.kind === "mp4") - (a.kind === "mp4"));
  const primary = make(
    "a",
    { className: "button primary", href: address(video.kind), download: "" },
    icon("download"),
    `Download ${video.kind === "mp4" ? "annotated video" : video.label}`,
    make("small", {}, `${size(video.bytes)}${part(video.whole)}`),
  );
  const everything = make("a", { className: "button", href: `/api/jobs/${job.id}/zip`, download: "" }, icon("download"), "Everything (ZIP)");
  const items = others.map(({ kind, label, bytes, whole }) =>
    make(
      "li",
      {},
      make("a", { href: address(kind), download: "" }, label),
      make("span", { className: "quiet" }, ` ${PURPOSES[kind] ?? ""} · ${size(bytes)}${part(whole)}`),
    ),
  );
  const columns = COLUMNS.flatMap(([name, words]) => [make("dt", {}, make("code", {}, name)), make("dd", {}, words)]);
  return make(
    "section",
    { className: "downloads", "aria-label": "Download" },
    make("h2", {}, "Download"),
    make("div", { className: "controls" }, primary, everything),
    others.length ? make("details", {}, make("summary", {}, "Single files"), make("ul", {}, ...items)) : null,
    make("details", {}, make("summary", {}, "What the columns mean"), make("dl", { className: "columns-help" }, ...columns)),
  );
}

/** Apart from everything else: what ends the video, and who may see it. */
function foot(job) {
  const words = job.mine
    ? `Whoever has the address of this page may see the video${job.deleted_at ? ` until ${day(job.deleted_at)}, when it is deleted` : ""}.`
    : "Somebody else sent this video; only they can delete it.";
  const actions = actionsOf(job, (_, gone) => (gone ? (location.hash = "#videos") : byId("video-title").focus()));
  return make("section", { className: "foot", "aria-label": "This video" }, make("p", { className: "quiet" }, words), make("div", { className: "controls" }, isOpen(job) ? null : share(), ...actions));
}

const day = (seconds) => new Date(1000 * seconds).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });

function share() {
  if (!navigator.clipboard) return null;
  const button = make("button", { type: "button" }, icon("link"), "Copy link");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(location.href).then(
      () => button.replaceChildren(icon("link"), "Copied"),
      () => banner("The link cannot be copied: copy it from the address line."),
    );
  });
  return button;
}
