// Small helpers: elements, numbers in words, requests with one clear message when they fail.

/** An element with properties, attributes (names with a hyphen, and role) and children. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** A colour of the palette as the browser computes it now, for canvases. */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export const capital = (word) => word[0].toUpperCase() + word.slice(1);

export const percent = (share) => `${Math.round(100 * share)}%`;

/** 75.3 seconds as "1:15". */
export function clock(seconds, tenths = false) {
  const whole = Math.max(0, seconds);
  const rest = tenths ? (whole % 60).toFixed(1).padStart(4, "0") : String(Math.floor(whole % 60)).padStart(2, "0");
  return `${Math.floor(whole / 60)}:${rest}`;
}

/** 90 seconds as "2 minutes". */
export function inWords(seconds) {
  const [count, unit] =
    seconds < 90 ? [seconds, "second"] : seconds < 5400 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
  const rounded = Math.max(1, Math.round(count));
  return `${rounded} ${unit}${rounded === 1 ? "" : "s"}`;
}

export function size(bytes) {
  const [count, unit] = bytes < 1e6 ? [bytes / 1e3, "kB"] : bytes < 1e9 ? [bytes / 1e6, "MB"] : [bytes / 1e9, "GB"];
  return `${count < 10 ? Number(count.toFixed(1)) : Math.round(count)} ${unit}`;
}

/** The server's own sentence about what went wrong. */
export async function sentence(response) {
  try {
    const { detail } = await response.json();
    if (detail) return detail;
  } catch {
    // not JSON: say what is known
  }
  return `The server answered ${response.status}.`;
}

/** A request whose failure is an Error with a sentence for people. */
export async function ask(path, options = {}) {
  const response = await send(path, options).catch(() => {
    throw new Error("The server cannot be reached. Is “emotion serve” still running?");
  });
  if (!response.ok) throw new Error(await sentence(response));
  return response.status === 204 ? null : response.json();
}

/** A connection that was kept may be closed just when it is used: what may be said twice is. */
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
