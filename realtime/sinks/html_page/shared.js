/* What every page needs: elements, and shares and times in words. A page that is one file carries it along before the chart
   (realtime/sinks/html.py); those of `emotion serve` import it. */

/* An element with properties, attributes (names with a hyphen, and role) and children. */
export function make(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export const capital = (word) => word[0].toUpperCase() + word.slice(1);

/* A number with what it counts: "1 video", "2 videos". */
export const counted = (number, one) => `${number} ${one}${number === 1 ? "" : "s"}`;

export const percent = (share) => `${Math.round(100 * share)}%`;

/* Shares that are one whole, each in whole per cent: they add up, the largest remainders being rounded up. */
export function percents(shares) {
  const exact = Array.from(shares, (share) => 100 * share);
  const found = exact.map(Math.floor);
  const missing = Math.round(exact.reduce((sum, one) => sum + one, 0)) - found.reduce((sum, one) => sum + one, 0);
  const byRemainder = [...exact.keys()].sort((one, other) => exact[other] - found[other] - (exact[one] - found[one]));
  for (const at of byRemainder.slice(0, missing)) found[at] += 1;
  return found.map((one) => `${one}%`);
}

/* How long something lasts, to the nearest second as in all tables, and below ten with tenths: at least one. */
export function lasting(seconds) {
  return isShort(seconds) ? clock(seconds && Math.max(0.1, seconds), true) : clock(Math.round(seconds));
}

export const isShort = (seconds) => seconds < 9.95;

/* A moment: 75.3 seconds as "1:15", 4000 as "1:06:40"; with tenths as "1:15.3". */
export function clock(seconds, tenths = false) {
  const whole = Math.max(0, tenths ? Math.round(10 * seconds) / 10 : seconds + 1e-6);
  const rest = tenths ? (whole % 60).toFixed(1).padStart(4, "0") : String(Math.floor(whole % 60)).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}
