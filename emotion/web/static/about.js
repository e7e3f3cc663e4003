// The models and limits of the server.

import { byId, capital, inWords, make, percent } from "./dom.js";

const list = (words) => words.join(", ").replace(/, ([^,]*)$/, " and $1");

export function show(about) {
  byId("kept").textContent = `for ${inWords(about.limits.keep_seconds)}`;
  byId("version").textContent = `Version ${about.version}.`;
  byId("regions").textContent = list(about.regions);
  byId("emotions").textContent = list(about.emotions);
  byId("rule").textContent = about.rule;
  byId("vote").replaceChildren(...about.vote.map((text) => make("li", {}, text)));
  byId("models").replaceChildren(...about.models.map(card));
}

function card(model) {
  const scores = Object.entries(model.scores)
    .filter(([, value]) => typeof value === "number" && value <= 1)
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${percent(value)}`);
  const lines = [
    `${model.architecture}, ${model.precision}, on ${model.provider.replace("ExecutionProvider", "")}`,
    scores.length ? `Scores: ${scores.join(", ")}` : "Scores: see the model card.",
    `Learnt from: ${model.data}`,
    `sha256 ${model.sha256.slice(0, 16)}…`,
  ];
  return make("div", { className: "model" }, make("h3", {}, capital(model.region)), ...lines.map((line) => make("p", {}, line)));
}
