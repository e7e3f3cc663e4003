// Sending videos: all that wait are listed, one is sent at a time, and nothing is lost without a question.

import { RequestError, byId, make, percent, sentence, size } from "./dom.js";

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

export function tell(bytes) {
  limit = bytes;
}

const open = () => [...uploads].filter(({ over }) => !over);

export const elements = () => [...uploads].map(({ element }) => element);

export async function send(files) {
  for (const file of files) uploads.add(new Upload(file));
  changed();
  if (sending) return;
  sending = true;
  // One after another: side by side they would only share the same road.
  for (let next; (next = open()[0]); ) await next.run();
  sending = false;
}

class Upload {
  constructor(file) {
    this.file = file;
    this.over = false;
    this.bar = make("progress", { max: 1, value: 0, "aria-label": `Sending ${file.name}` });
    this.text = make("p", {}, `Waiting to be sent, ${size(file.size)}`);
    this.button = make("button", { type: "button", "aria-label": `Cancel ${file.name}` }, "Cancel");
    this.button.addEventListener("click", () => this.cancel());
    this.element = make(
      "li",
      { className: "upload" },
      make("div", { className: "about" }, make("h2", { className: "title" }, file.name), this.bar, this.text),
      make("div", { className: "actions" }, this.button),
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
      if (uploads.has(this)) this.fail(error.message);
    }
    changed();
  }

  post() {
    // fetch has no progress for what is sent.
    const request = (this.request = new XMLHttpRequest());
    return new Promise((resolve, reject) => {
      request.upload.addEventListener("progress", ({ loaded, total }) => {
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

  fail(words) {
    this.over = true;
    this.text.textContent = words;
    this.text.className = "error";
    this.bar.hidden = true;
    this.button.textContent = "Dismiss";
    this.button.setAttribute("aria-label", `Dismiss ${this.file.name}`);
    byId("videos-words").textContent = `${this.file.name}: ${words}`;
  }

  cancel() {
    this.over = true;
    uploads.delete(this);
    this.request?.abort();
    changed();
    byId("videos-title").focus();
  }
}
