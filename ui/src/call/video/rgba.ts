/** From I420 to RGBA in plain numbers, for machines whose WebGL is drawn by the processor anyway. Pure. */
import type { Frame } from "../frame_format";
import { colorTransform } from "./color";

/** The shown part of a picture, pixels of it. */
export interface Part {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** What each byte adds to red, green and blue, in 64ths, so that a pixel is three sums. */
interface Tables {
  light: Int32Array;
  crToRed: Int32Array;
  crToGreen: Int32Array;
  cbToGreen: Int32Array;
  cbToBlue: Int32Array;
}

const tables = new Map<number, Tables>();

/** Sums reach from -200 to 500; what is beyond a byte is cut. */
const BELOW = 512;
const cut = new Uint8Array(BELOW + 1024);
for (let value = 0; value < cut.length; value += 1) cut[value] = Math.min(255, Math.max(0, value - BELOW));

function tablesOf(fullRange: boolean, bt601: boolean): Tables {
  const index = (fullRange ? 1 : 0) + (bt601 ? 2 : 0);
  const known = tables.get(index);
  if (known !== undefined) return known;
  const { matrix, offset } = colorTransform(fullRange, bt601);
  const [luma = 1, , , , cbToGreen = 0, cbToBlue = 0, crToRed = 0, crToGreen = 0] = matrix;
  const table = (factor: number, from: number): Int32Array => Int32Array.from({ length: 256 }, (_, byte) => Math.round(64 * factor * (byte - from)));
  const made: Tables = {
    // Half a step and the cutting table's zero, added once for all three.
    light: table(luma, (offset[0] ?? 0) * 255).map((value) => value + 32 + 64 * BELOW),
    crToRed: table(crToRed, 128),
    crToGreen: table(crToGreen, 128),
    cbToGreen: table(cbToGreen, 128),
    cbToBlue: table(cbToBlue, 128),
  };
  tables.set(index, made);
  return made;
}

/** `part` with even sides and an even left edge within the picture: chroma stands for two pixels. */
export function evenPart(frame: Pick<Frame, "width" | "height">, part: Part): Part {
  const left = Math.min(Math.max(0, 2 * Math.round(part.left / 2)), frame.width - 1);
  const top = Math.min(Math.max(0, Math.round(part.top)), frame.height - 1);
  return { left, top, width: Math.min(part.width, frame.width - left), height: Math.min(part.height, frame.height - top) };
}

/**
 * Writes a part of the picture as opaque RGBA into `target`, row after row without padding; `mirrored` from right to left.
 * The part must lie within the picture and begin at an even column (see `evenPart`).
 */
export function toRgba(frame: Frame, part: Part, mirrored: boolean, target: Uint32Array): void {
  const { light, crToRed, crToGreen, cbToGreen, cbToBlue } = tablesOf(frame.fullRange, frame.bt601);
  const { bytes, yOffset, uOffset, vOffset } = frame;
  const { left, top, width, height } = part;
  const chromaWidth = (frame.width + 1) >> 1;
  const step = mirrored ? -1 : 1;
  for (let row = 0; row < height; row += 1) {
    let luma = yOffset + (top + row) * frame.width + left;
    let chroma = ((top + row) >> 1) * chromaWidth + (left >> 1);
    let out = row * width + (mirrored ? width - 1 : 0);
    for (let column = 0; column < width; column += 2) {
      const cb = bytes[uOffset + chroma] as number;
      const cr = bytes[vOffset + chroma] as number;
      const red = crToRed[cr] as number;
      const green = (crToGreen[cr] as number) + (cbToGreen[cb] as number);
      const blue = cbToBlue[cb] as number;
      const first = light[bytes[luma] as number] as number;
      target[out] = 0xff000000 | ((cut[(first + blue) >> 6] as number) << 16) | ((cut[(first + green) >> 6] as number) << 8) | (cut[(first + red) >> 6] as number);
      out += step;
      if (column + 1 < width) {
        const second = light[bytes[luma + 1] as number] as number;
        target[out] = 0xff000000 | ((cut[(second + blue) >> 6] as number) << 16) | ((cut[(second + green) >> 6] as number) << 8) | (cut[(second + red) >> 6] as number);
        out += step;
      }
      luma += 2;
      chroma += 1;
    }
  }
}
