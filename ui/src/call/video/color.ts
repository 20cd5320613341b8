/** From YCbCr to RGB (ITU-R BT.709 and BT.601, limited and full range). */

export interface ColorTransform {
  /** Column by column, as WebGL takes it. */
  matrix: Float32Array;
  offset: Float32Array;
}

const cached = new Map<number, ColorTransform>();

export function colorTransform(fullRange: boolean, bt601: boolean): ColorTransform {
  const index = (fullRange ? 1 : 0) + (bt601 ? 2 : 0);
  const known = cached.get(index);
  if (known !== undefined) return known;
  const made = makeTransform(fullRange, bt601);
  cached.set(index, made);
  return made;
}

function makeTransform(fullRange: boolean, bt601: boolean): ColorTransform {
  const red = bt601 ? 0.299 : 0.2126;
  const blue = bt601 ? 0.114 : 0.0722;
  const green = 1 - red - blue;
  const luma = fullRange ? 1 : 255 / 219;
  const chroma = fullRange ? 1 : 255 / 224;
  const crToRed = 2 * (1 - red) * chroma;
  const cbToBlue = 2 * (1 - blue) * chroma;
  const cbToGreen = (-2 * (1 - blue) * blue * chroma) / green;
  const crToGreen = (-2 * (1 - red) * red * chroma) / green;
  return {
    matrix: new Float32Array([luma, luma, luma, 0, cbToGreen, cbToBlue, crToRed, crToGreen, 0]),
    offset: new Float32Array([fullRange ? 0 : 16 / 255, 128 / 255, 128 / 255]),
  };
}
