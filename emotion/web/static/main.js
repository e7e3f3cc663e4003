// Which view is shown follows the address: #camera, #photos, #videos, #video/ID, #about.

import * as about from "./about.js";
import * as camera from "./camera.js";
import { banner, byId, request } from "./dom.js";
import { moves } from "./moving.js";
import * as photos from "./photos.js";
import * as result from "./result.js";
import * as videos from "./videos.js";

const TITLES = { camera: "Camera", photos: "Photos", videos: "Videos", video: "Video", about: "About" };
const PICTURE = /\.(jpe?g|png|webp|gif|bmp|tiff?|heic|avif)$/i;

/** The view that an address means; any address means one. */
function parse(hash) {
  const [name, id] = hash.slice(1).split("/");
  if (name === "video") return id ? { view: "video", id } : { view: "videos" };
  return { view: Object.hasOwn(TITLES, name) ? name : "camera" };
}

function route() {
  const { view, id } = parse(location.hash);
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== `view-${view}`;
  for (const link of document.querySelectorAll("nav a")) {
    const current = link.hash === `#${view}` || (view === "video" && link.hash === "#videos");
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${TITLES[view]} · emotion-live`;
  camera.show(view === "camera");
  if (view === "video") result.open(id);
  else result.close();
}

/** Files that were dropped or pasted anywhere: each goes where it belongs, and so does the visitor. */
async function receive(files) {
  if (!files.length) return;
  const isPicture = ({ type, name }) => type.startsWith("image/") || PICTURE.test(name);
  const moving = await Promise.all(files.map(moves));
  const goes = (file, index) => isPicture(file) && !moving[index];
  const [pictures, rest] = [files.filter(goes), files.filter((file, index) => !goes(file, index))];
  if (rest.length) videos.send(rest);
  if (pictures.length) photos.add(pictures);
  location.hash = rest.length ? "#videos" : "#photos";
}

/** The files that were dropped; a folder would be a file that cannot be read. */
function withoutFolders(dropped) {
  const entries = [...dropped.items].map((item) => item.webkitGetAsEntry?.());
  const folders = entries.filter((entry) => entry?.isDirectory).map(({ name }) => name);
  if (folders.length) banner(`“${folders[0]}” is a folder: open it, and drop the files in it.`);
  return [...dropped.files].filter(({ name }) => !folders.includes(name));
}

function takeFiles() {
  for (const kind of ["dragover", "dragenter"]) {
    window.addEventListener(kind, (event) => {
      event.preventDefault();
      // Selected text and links can be dragged, too.
      if (event.dataTransfer?.types.includes("Files")) document.body.classList.add("over");
    });
  }
  window.addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("over"));
  window.addEventListener("drop", (event) => {
    event.preventDefault(); // else the file would replace the page
    document.body.classList.remove("over");
    receive(withoutFolders(event.dataTransfer));
  });
  window.addEventListener("paste", (event) => receive([...(event.clipboardData?.files ?? [])]));
}

camera.setUp();
photos.setUp();
result.setUp(videos.find);
videos.setUp();
takeFiles();
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address stays that of the view
  byId("main").focus();
});
window.addEventListener("hashchange", () => {
  route();
  byId("main").focus({ preventScroll: true });
  window.scrollTo(0, 0);
});
route(); // before the server has responded, so that the page is not empty
try {
  const facts = await request("/api/models");
  about.show(facts);
  videos.setLimits(facts.limits);
  photos.setLimits(facts.limits);
} catch (error) {
  banner(error.message);
}
