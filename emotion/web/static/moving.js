// Which pictures move, and are videos: GIF and PNG with several pictures, as everywhere in the program.

const PNG = [0x89, 0x50, 0x4e, 0x47];
const GIF = [0x47, 0x49, 0x46, 0x38];

/** Whether a file is one; only GIF and PNG are looked into. */
export async function moves(file) {
  if (!/^image\/(gif|png|apng)$/.test(file.type)) return false;
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (PNG.every((byte, place) => bytes[place] === byte)) return pngMoves(new DataView(bytes.buffer));
  return bytes.length > 13 && GIF.every((byte, place) => bytes[place] === byte) && gifMoves(bytes);
}

/** A PNG has the number of pictures before the first one. */
function pngMoves(view) {
  for (let place = 8; place + 12 <= view.byteLength; place += 12 + view.getUint32(place)) {
    const kind = view.getUint32(place + 4);
    if (kind === 0x6163544c) return view.getUint32(place + 8) > 1; // acTL
    if (kind === 0x49444154) return false; // IDAT
  }
  return false;
}

/** A GIF is blocks up to a trailer; what breaks off is read as far as it goes, as a video. */
function gifMoves(bytes) {
  const colours = (flags) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  let place = 13 + colours(bytes[10]);
  for (let pictures = 0; pictures < 2; ) {
    const kind = bytes[place++];
    if (kind === 0x3b) return false;
    if (kind === 0x2c) {
      pictures += 1;
      place += 9 + colours(bytes[place + 8]);
    } else if (kind !== 0x21) return true;
    place += 1;
    while (bytes[place]) place += 1 + bytes[place];
    place += 1;
  }
  return true;
}
