// Which view is shown follows the address: #camera, #videos, #video/ID, #about.

import * as about from "./about.js";
import * as camera from "./camera.js";
import { ask, banner, byId } from "./dom.js";
import * as videos from "./videos.js";

const TITLES = { camera: "Camera", videos: "Videos", video: "Video", about: "About" };

function route() {
  const [name, id] = location.hash.slice(1).split("/");
  if (name === "main") return; // the skip link
  const view = name in TITLES ? name : "camera";
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== `view-${view}`;
  for (const link of document.querySelectorAll("nav a")) {
    const current = link.hash === `#${view}` || (view === "video" && link.hash === "#videos");
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${TITLES[view]} · emotion-live`;
  if (view !== "camera") camera.leave();
  if (view === "video") videos.open(id);
  else videos.close();
}

camera.setUp();
videos.setUp();
window.addEventListener("hashchange", () => {
  route();
  byId("main").focus({ preventScroll: true });
  window.scrollTo(0, 0);
});
route(); // before the server has said anything: nobody looks at an empty page
try {
  const facts = await ask("/api/models");
  about.show(facts);
  videos.tell(facts.limits);
} catch (error) {
  banner(error.message);
}
