// Sources of live pictures: a camera, or the sample clip.

const WANTED = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
export const SAMPLE = "sample";

/** The picture of a camera (its device id, or "" for the usual one) or of the sample; a MediaStream. */
export async function openPicture(device, sample) {
  if (device === SAMPLE) return playSample(sample);
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("Browsers give a camera only to pages from this computer or over https. See “emotion serve --help”.");
  }
  const chosen = device ? { deviceId: { exact: device } } : { facingMode: "user" };
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { ...WANTED, ...chosen } });
  } catch (error) {
    // A camera that was chosen once may be unplugged by now.
    if (device && error.name === "OverconstrainedError") return openPicture("", sample);
    throw new Error(trouble(error));
  }
}

async function playSample(video) {
  video.src = "/static/sample.mp4";
  video.loop = true;
  await video.play().catch(() => {
    throw new Error("The sample clip cannot be played: the server cannot be reached, or this browser does not play H.264.");
  });
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const pen = canvas.getContext("2d");
  const stream = canvas.captureStream();
  const [track] = stream.getVideoTracks();
  const copy = () => {
    if (track.readyState === "ended") return video.pause();
    pen.drawImage(video, 0, 0);
    video.requestVideoFrameCallback(copy);
  };
  copy();
  return stream;
}

/** The cameras of this machine as [device id, name]; names are known only once one was allowed. */
export async function cameras() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return devices
    .filter(({ kind, deviceId }) => kind === "videoinput" && deviceId)
    .map(({ deviceId, label }, index) => [deviceId, label || `Camera ${index + 1}`]);
}

function trouble(error) {
  if (error.name === "NotAllowedError") return "The browser may not use the camera. Allow it beside the address, then start again.";
  if (error.name === "NotFoundError") return "This computer has no camera. Plug one in, or try the sample clip, a video or a photo.";
  if (error.name === "NotReadableError") return "Another program uses the camera. Close that one, then start again.";
  return `The camera cannot be started (${error.message}).`;
}
