// Sending videos: all that wait are listed, one is sent at a time, and nothing is lost without a question.

import { RequestError, byId, icon, make, percent, sentence, size } from "./dom.js";

// A server without room for another video is asked again after so long, and then ever later: it gets the whole
// video each time.
const AGAIN_MS = 5000;
const LONGEST_AGAIN_MS = 60_000;

const uploads = new Set();
let limit = Infinity;
let changed = () => {};
let arrived = () => {};
let sending = false;

/** @param onChange when the list is another one; @param onJob with each video that has arrived. */
export function setUp(onChange, onJob) {
  [changed, arrived] = [onChange, onJob];
  // What is not sent yet would be gone: the browser asks first.
  window.addEventListener("beforeunload", (event) => open().length && event.preventDefault());
}

export function setLimit(bytes) {
  limit = bytes;
}

const open = () => [...uploads].filter(({ over }) => !over);

export const elements = () => [...uploads].map(({ element }) => element);

export function send(files) {
  for (const file of files) uploads.add(new Upload(file));
  changed();
  return sendAll();
}

async function sendAll() {
  if (sending) return;
  sending = true;
  // One after another: side by side they would only share the same road.
  for (let next; (next = open()[0]); ) await next.run();
  sending = false;
}

const isFull = ({ status }) => status === 429 || status === 503;

class Upload {
  constructor(file) {
    this.file = file;
    this.over = false;
    this.patience = AGAIN_MS;
    this.bar = make("progress", { max: 1, value: 0, "aria-label": `Sending ${file.name}` });
    this.text = make("p", {}, this.waiting());
    this.button = make("button", { type: "button", "aria-label": `Cancel ${file.name}` }, "Cancel");
    this.button.addEventListener("click", () => this.cancel());
    this.element = make(
      "li",
      { className: "upload" },
      make("div", { className: "about" }, make("h2", { className: "title" }, file.name), this.bar, this.text),
      (this.actions = make("div", { className: "actions" }, this.button)),
    );
    if (file.size > limit) this.fail(`The file is larger than the ${size(limit)} that this server takes.`);
    else if (!file.size) this.fail("The file is empty.");
  }

  async run() {
    try {
      arrived(await this.post());
      this.over = true;
      uploads.delete(this);
    } catch (error) {
      if (!uploads.has(this)) return; // it was cancelled
      if (isFull(error)) await this.wait(error.message);
      else this.fail(error.message, error.passes);
    }
    changed();
  }

  /** The server has no room yet: nothing is wrong with the video, and it stays the next one. */
  wait(words) {
    this.bar.hidden = true;
    this.text.textContent = `${words.split(":")[0].replace(/\.$/, "")}: sent by itself as soon as there is room.`;
    return new Promise((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, this.patience);
      this.patience = Math.min(2 * this.patience, LONGEST_AGAIN_MS);
    });
  }

  post() {
    // fetch has no progress for what is sent.
    const request = (this.request = new XMLHttpRequest());
    return new Promise((resolve, reject) => {
      request.upload.addEventListener("progress", ({ loaded, total }) => {
        this.bar.hidden = false;
        this.bar.value = loaded / total;
        this.text.textContent = `Sending, ${percent(loaded / total)} of ${size(total)}`;
      });
      request.addEventListener("loadend", async () => {
        if (request.status === 201) return resolve(JSON.parse(request.responseText));
        const words = request.status
          ? await sentence(new Response(request.responseText, { status: request.status }))
          : "The video did not arrive: the server cannot be reached, or the file has changed.";
        reject(new RequestError(words, request.status));
      });
      request.open("POST", `/api/jobs?${new URLSearchParams({ name: this.file.name })}`);
      request.setRequestHeader("Content-Type", this.file.type || "application/octet-stream");
      request.send(this.file);
    });
  }

  /** @param passes whether the same may succeed later. */
  fail(words, passes = false) {
    this.over = true;
    this.text.textContent = words;
    this.text.className = "error";
    this.bar.hidden = true;
    this.button.textContent = "Dismiss";
    this.button.setAttribute("aria-label", `Dismiss ${this.file.name}`);
    if (passes) this.actions.prepend(this.again());
    byId("videos-words").textContent = `${this.file.name}: ${words}`;
  }

  /** A button that puts it with those that wait to be sent. */
  again() {
    const button = make("button", { type: "button", "aria-label": `Send again ${this.file.name}` }, icon("again"), "Send again");
    button.addEventListener("click", () => {
      this.over = false;
      this.text.textContent = this.waiting();
      this.text.className = "";
      this.button.textContent = "Cancel";
      this.button.setAttribute("aria-label", `Cancel ${this.file.name}`);
      this.button.focus();
      button.remove();
      sendAll();
    });
    return button;
  }

  waiting() {
    return `Waiting to be sent, ${size(this.file.size)}`;
  }

  cancel() {
    this.over = true;
    this.wake?.();
    uploads.delete(this);
    this.request?.abort();
    changed();
    byId("videos-title").focus();
  }
}
