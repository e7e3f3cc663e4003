// What is known of the visitor's videos, and what can be done with one: used by the list and by one video's view.

import { acts, allIsWell, banner, capital, confirmed, counted, icon, inWords, make, percent, request } from "./dom.js";

const OPEN = ["waiting", "running"];
const AGAIN_MS = 3000;

export const isOpen = (job) => OPEN.includes(job.state);

/** Hears of every change of the visitor's videos, while the page is to be seen: all tabs of a browser share six
    connections to a server, and those that nobody looks at would leave none for this one. */
export function listen(changed) {
  let source = null;
  let again;
  const close = () => {
    clearTimeout(again);
    source?.close();
    source = null;
  };
  const open = () => {
    close();
    if (document.hidden) return;
    source = new EventSource("/api/jobs/events"); // begins with all of them
    source.addEventListener("message", (event) => {
      allIsWell("connection");
      changed(JSON.parse(event.data));
    });
    const current = source;
    current.addEventListener("error", async () => {
      if (current.readyState === EventSource.CLOSED) again = setTimeout(open, AGAIN_MS);
      try {
        await request("/api/health");
      } catch (error) {
        // It may also refuse, as one that was started again and has another token.
        if (source === current && current.readyState !== EventSource.OPEN) banner(`${error.message} Trying again …`, "connection");
      }
    });
  };
  document.addEventListener("visibilitychange", open);
  open();
}

export function wordsOf(job) {
  if (job.state === "waiting") return job.place ? `Waiting; ${counted(job.place, "video")} before it` : "Waiting for its turn";
  if (job.state !== "running") return sentenceOf(job);
  if (!job.done) return "Starting; the first time the models are loaded …";
  const share = job.total ? `${percent(job.done / job.total)} · ` : "";
  const left = job.seconds_left === null ? "" : ` · ${inWords(job.seconds_left)} left`;
  return `${share}${(job.fps ?? 0).toFixed(1)} frames a second${left}`;
}

/** A sentence begins with a capital letter, but a video's name stays what it is. */
function sentenceOf({ message, title }) {
  return !message || message.startsWith(`${title} `) ? message : capital(message);
}

function button(job, text, picture, act) {
  const element = make("button", { type: "button", "aria-label": `${text} ${job.title}` }, icon(picture), text);
  acts(element, act);
  return element;
}

/** Asks, then deletes; true where it was done. */
export async function remove(job) {
  if (!(await confirmed(`Delete “${job.title}” and all its results? This cannot be undone.`, "Delete"))) return false;
  await erase(job);
  return true;
}

/** Deletes a video; one that is gone already, as by another tab, is no failure. */
export async function erase(job) {
  await request(`/api/jobs/${job.id}`, { method: "DELETE" }).catch((error) => {
    if (error.status !== 404) throw error;
  });
}

/** Buttons for what its sender can do with a video now. `after(job)` sets the focus where what had it is gone. */
export function actionsOf(job, after) {
  if (!job.mine) return [];
  const post = (path) => async () => {
    await request(`/api/jobs/${job.id}/${path}`, { method: "POST" });
    after(job, false);
  };
  return [
    isOpen(job) ? button(job, "Cancel", "stop", post("cancel")) : null,
    job.state === "failed" || job.state === "cancelled" ? button(job, "Start again", "again", post("restart")) : null,
    isOpen(job) ? null : button(job, "Delete", "delete", async () => {
      if (await remove(job)) after(job, true); // else the focus is back where it was
    }),
  ].filter(Boolean);
}
