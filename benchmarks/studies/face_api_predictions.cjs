// For a folder of npm that has `@vladmandic/face-api`: its predictions for pictures (PPM files).
// Reads and prints the same lines as fer_predictions.py. Arguments: that folder.

const fs = require("fs");
const path = require("path");
const readline = require("readline");
const { createRequire } = require("module");

const folder = path.resolve(process.argv[2]);
const fromThere = createRequire(path.join(folder, "package.json"));
// Other output of the libraries must not come between the predictions.
console.log = console.error;

const modules = path.join(folder, "node_modules");
fromThere("@tensorflow/tfjs-backend-wasm").setWasmPaths(
  path.join(modules, "@tensorflow", "tfjs-backend-wasm", "dist") + path.sep,
);
const api = fromThere("@vladmandic/face-api/dist/face-api.node-wasm.js");

function say(value) {
  process.stdout.write(JSON.stringify(value) + "\n");
}

function tensorOf(file) {
  const bytes = fs.readFileSync(file);
  const header = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(bytes.subarray(0, 64).toString("latin1"));
  const pixels = new Int32Array(bytes.subarray(header[0].length));
  return api.tf.tensor3d(pixels, [Number(header[2]), Number(header[1]), 3], "int32");
}

function largest(faces) {
  const area = (face) => face.detection.box.width * face.detection.box.height;
  if (!faces.length) return null;
  return { ...faces.reduce((best, face) => (area(face) > area(best) ? face : best)).expressions };
}

async function main() {
  await api.tf.setBackend("wasm");
  await api.tf.ready();
  const weights = path.join(modules, "@vladmandic", "face-api", "model");
  for (const name of ["ssdMobilenetv1", "tinyFaceDetector", "faceLandmark68Net", "faceExpressionNet"]) {
    await api.nets[name].loadFromDisk(weights);
  }
  say({ version: fromThere("@vladmandic/face-api/package.json").version });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const inputs = JSON.parse(line);
    const picture = tensorOf(inputs.picture);
    const framed = tensorOf(inputs.framed);
    const detected = (image, options) =>
      api.detectAllFaces(image, options).withFaceLandmarks().withFaceExpressions();
    // The tiny detector is the one for real time. SSD takes a second for each picture, without a GPU.
    let found = await detected(picture, new api.TinyFaceDetectorOptions());
    const predictions = { tiny: largest(found) };
    if (!found.length) found = await detected(framed, new api.TinyFaceDetectorOptions());
    predictions["tiny, border"] = largest(found);
    if (!found.length) found = await detected(framed, new api.SsdMobilenetv1Options());
    predictions["tiny, border, SSD"] = largest(found);
    predictions["whole picture"] = { ...(await api.nets.faceExpressionNet.predictExpressions(picture)) };
    say(predictions);
    picture.dispose();
    framed.dispose();
  }
}

main();
