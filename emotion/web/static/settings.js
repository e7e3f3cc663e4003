// What was chosen on this page, for the next time in this browser.

const KEY = "emotion-settings";

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

export const recall = (name, otherwise) => read()[name] ?? otherwise;

export function remember(name, value) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...read(), [name]: value }));
  } catch {
    // No storage, as in some private windows: it lasts until the page is closed.
  }
}
