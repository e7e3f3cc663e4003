/* What Python left here (realtime/sinks/html.py): people with spans of bins. A bin holds each class's
   share in each prediction (the vote, each region and, where the vote counts them, the blendshapes), each in a byte;
   250 is 1, 255 means that there is no prediction. Its last byte is its label: a class, or else uncertain.
   The chart itself is chart.js, which stands before this. */
const data = JSON.parse(document.getElementById("data").textContent);
const names = data.emotions.map(({ name }) => name);
const marks = data.emotions.map(({ mark }) => mark);
const BYTES = data.predictions.length * names.length + 1;
const UNSEEN = 255;

const element = (id) => document.getElementById(id);
const video = element("video");
const dark = matchMedia("(prefers-color-scheme: dark)");
let printing = false;
const light = () => data.emotions.map((emotion) => emotion.light);
const look = {
  light,
  marks,
  colours: () => (dark.matches && !printing ? data.emotions.map((emotion) => emotion.dark) : light()),
  ink: (name) => getComputedStyle(document.documentElement).getPropertyValue({ ground: "--page" }[name] ?? `--${name}`),
};
const player = {
  get time() {
    return video.currentTime;
  },
  get playing() {
    return !video.paused && !video.ended;
  },
  seek: (seconds) => (video.currentTime = seconds),
  toggle: () => (video.paused ? video.play() : video.pause()),
};

function reader(person) {
  const spans = person.spans.map(([start, text]) => ({
    start,
    bytes: Uint8Array.from(atob(text), (character) => character.charCodeAt(0)),
  }));
  return (number, sums, counts, labels) => {
    const span = spans.find(({ start, bytes }) => start <= number && number < start + bytes.length / BYTES);
    if (!span) return false;
    const offset = (number - span.start) * BYTES;
    const label = names[span.bytes[offset + BYTES - 1]] ?? "uncertain";
    labels.set(label, (labels.get(label) ?? 0) + 1);
    sums.forEach((sum, part) => {
      const at = offset + part * names.length;
      if (span.bytes[at] === UNSEEN) return;
      counts[part]++;
      for (let index = 0; index < names.length; index++) sum[index] += span.bytes[at + index];
    });
    return true;
  };
}

function head(person) {
  const words = make("span", {}, `in the picture for ${lasting(person.seconds)}: ${person.words}`);
  return make("h2", {}, person.name, words);
}

const chart = new Chart({
  people: data.people.map((person) => ({ name: person.name, head: head(person), add: reader(person) })),
  emotions: names,
  predictions: data.predictions,
  begin: data.begin,
  duration: data.bins * data.bin,
  bin: data.bin,
  player,
  look,
});
chart.file = decodeURIComponent(location.pathname.split("/").pop()).replace(/\.html?$/, "");

/* Paper is white, whatever the screen is. */
function onPaper(wanted) {
  printing = wanted;
  document.documentElement.classList.toggle("paper", wanted);
  draw();
}

/* Keys of the page, where no control of its own takes them. */
function pageKey(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("canvas, button, input, video, summary")) return;
  if (event.key === " " && chart.player) player.toggle();
  else if (event.key === "ArrowLeft" || event.key === "ArrowRight") chart.go(chart.moment + (event.key === "ArrowLeft" ? -5 : 5));
  else if (event.key === "+" || event.key === "=") chart.zoom(0.5);
  else if (event.key === "-") chart.zoom(2);
  else return;
  event.preventDefault();
}

function draw() {
  chart.draw();
  const colours = look.colours();
  for (const made of document.querySelectorAll("#legend .swatch[data-emotion]")) made.style.background = colours[made.dataset.emotion];
}

function noVideo() {
  video.hidden = true;
  chart.player = null;
  const note = element("no-video");
  const missing = data.video ? `The video ${data.video} is not beside this page, or cannot be played here` : "There is no video to this page";
  note.textContent = `${missing}; the timeline works without it.`;
  note.hidden = false;
  chart.mark();
}

function legend() {
  const item = (swatch, words) => element("legend").append(make("li", {}, swatch, words));
  names.forEach((name, index) => {
    const swatch = make("span", { className: "swatch" });
    swatch.dataset.emotion = index;
    swatch.dataset.mark = marks[index];
    item(swatch, name);
  });
  if (data.people.some((person) => person.shares.uncertain >= 0.005)) {
    item(make("span", { className: "swatch striped" }), "uncertain: nothing is clear enough to be named");
  }
}

const paper = make("button", { type: "button" }, "Print");
paper.addEventListener("click", () => print());
chart.tools.append(paper);
document.body.append(chart.tip);
element("left-out").textContent = data.left_out;
if (data.people.length) {
  legend();
  element("chart").append(chart.tools, chart.element, chart.numbers);
} else element("hint").textContent = "No face was found, so there is nothing to draw.";
video.addEventListener("error", noVideo);
if (video.error || !data.video) noVideo();
for (const name of ["seeked", "pause", "loadedmetadata"]) video.addEventListener(name, () => chart.tell());
dark.addEventListener("change", draw);
document.addEventListener("keydown", pageKey);
addEventListener("beforeprint", () => onPaper(true));
addEventListener("afterprint", () => onPaper(false));
chart.show(0, chart.duration);
draw();
