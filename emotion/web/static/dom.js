// Small helpers: elements, numbers in words, questions, requests with one clear message when they fail.

import { EMOTIONS, MARKS } from "./classes.js";
import { counted, make } from "./shared.js";

export { capital, clock, counted, isShort, lasting, make, percent, percents } from "./shared.js";

export const byId = (id) => document.getElementById(id);

const SVG = "http://www.w3.org/2000/svg";

/** One of the page's icons, which are decorative: the text beside them has the meaning. */
export function icon(name) {
  const element = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  element.setAttribute("class", "icon");
  element.setAttribute("aria-hidden", "true");
  element.append(use);
  return element;
}

/** Gives a place its children; only what moves is moved: the focus stays where it is. */
export function arrange(place, wanted) {
  for (const element of [...place.children]) if (!wanted.includes(element)) element.remove();
  wanted.forEach((element, index) => {
    if (place.children[index] !== element) place.insertBefore(element, place.children[index] ?? null);
  });
}

const probe = make("span", { hidden: true });
// Colours with a meaning are kept, also with forced colours.
probe.style.forcedColorAdjust = "none";

/** A colour of the palette as the browser computes it now, for canvases; "" where there is none.
    @param scheme "light" or "dark" whatever the page is; else as the page is. */
export function colour(name, scheme = "") {
  const value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
  if (!value) return "";
  if (!probe.isConnected) document.body.append(probe);
  probe.style.colorScheme = scheme;
  probe.style.color = value; // light-dark() is decided only where a colour is used
  return getComputedStyle(probe).color;
}

/** Calls a function whenever the page's colours have changed. */
export function onTheme(repaint) {
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", repaint);
  window.addEventListener("themechange", repaint);
  return () => {
    scheme.removeEventListener("change", repaint);
    window.removeEventListener("themechange", repaint);
  };
}

/** 90 seconds as "2 minutes". */
export function inWords(seconds) {
  const [count, unit] =
    seconds < 90 ? [seconds, "second"] : seconds < 5400 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
  return counted(Math.max(1, Math.round(count)), unit);
}

/** In the same form as on the server, so that a limit has one text. */
export function size(bytes) {
  if (bytes < 1024) return counted(bytes, "byte");
  let [count, power] = [bytes / 1024, 0];
  while (count >= 1023.5 && power < 2) [count, power] = [count / 1024, power + 1];
  return `${count < 10 ? Number(count.toFixed(1)) : Math.round(count)} ${["KiB", "MiB", "GiB"][power]}`;
}

/** A colour's square, hatched where no emotion is named. */
export function swatch(name) {
  const element = make("span", { className: `swatch class-${name}` });
  paint(element, name);
  return element;
}

/** Gives an element the colour of a class; hatches it for "uncertain", and for what is not known here. */
export function paint(element, name) {
  const known = colour(`class-${name}`) !== "";
  element.style.background = known ? `var(--class-${name})` : "";
  element.dataset.mark = Math.min(3, MARKS[EMOTIONS.indexOf(name)] ?? 0);
  element.classList.toggle("hatched", !known);
}

/** What a button does: not again while it is under way, and where it fails, the reason is shown. */
export function acts(button, act) {
  let busy = false; // not disabled: that would take the focus away
  button.addEventListener("click", async () => {
    if (busy) return;
    busy = true;
    button.ariaBusy = "true";
    try {
      await act();
    } catch (error) {
      banner(error.message);
    }
    busy = false;
    button.ariaBusy = null;
  });
}

/** Hands a file to the browser's downloads. */
export function saveFile(blob, name) {
  const address = URL.createObjectURL(blob);
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Asks before something cannot be undone; true where the answer is yes. */
export function confirmed(question, yes) {
  const dialog = byId("ask");
  byId("ask-text").textContent = question;
  byId("ask-yes").textContent = yes;
  dialog.returnValue = "";
  dialog.showModal();
  byId("ask-no").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** The server's own sentence about what went wrong. */
export async function sentence(response) {
  try {
    const { detail } = await response.json();
    if (detail) return detail;
  } catch {
    // not JSON: report what is known
  }
  return `The server answered ${response.status}.`;
}

export const UNREACHABLE = "The server cannot be reached. Is “emotion serve” still running?";

/** A failed request: a message for the user, and the status (0: no response). */
export class RequestError extends Error {
  constructor(words, status, wait = null) {
    super(words);
    this.status = status;
    this.wait = wait;
  }

  /** Whether the same may succeed a little later. */
  get passes() {
    return [0, 429, 502, 503, 504].includes(this.status);
  }
}

/** Sends a request and gives its JSON; a failure is a RequestError. */
export async function request(path, options) {
  const response = await answer(path, options);
  return response.status === 204 ? null : response.json();
}

/** A file of this page's own, as if the visitor had chosen it; a failure is a RequestError. */
export async function ownFile(name, type) {
  const response = await answer(`/static/${name}`);
  return new File([await response.blob()], name, { type });
}

/** Sends a request and gives the response; a failure is a RequestError. */
export async function answer(path, options = {}) {
  const response = await send(path, options).catch(() => {
    throw new RequestError(UNREACHABLE, 0);
  });
  if (!response.ok) {
    throw new RequestError(await sentence(response), response.status, response.headers.get("Retry-After"));
  }
  return response;
}

/** A kept-alive connection may be closed just when it is used: idempotent requests are repeated. */
async function send(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (options.method === "POST") throw error;
    return fetch(path, options);
  }
}

const BANNER_MS = 10_000;
let hiding;

/** Says what went wrong, for a while, or until the cause is gone if it has a name. */
export function banner(text, cause = "") {
  const place = byId("banner");
  clearTimeout(hiding);
  place.textContent = text;
  place.dataset.cause = cause;
  place.hidden = false;
  if (!cause) hiding = setTimeout(() => (place.hidden = true), BANNER_MS);
}

export function allIsWell(cause) {
  const place = byId("banner");
  if (place.dataset.cause === cause) place.hidden = true;
}
