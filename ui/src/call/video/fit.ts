/** How a picture is put into a tile. Pure. */

/** `camera`: cropped to the tile, but a portrait picture is shown whole. `whole`: never cropped, as a shared screen. */
export type Fit = "camera" | "whole";

export interface Fitted {
  /** The picture's rectangle within the tile, in the tile's pixels. */
  x: number;
  y: number;
  width: number;
  height: number;
  /** The shown part of the picture, 0 to 1. */
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Below this aspect a camera picture is a portrait one. */
const PORTRAIT = 0.9;

export function fitPicture(fit: Fit, tileWidth: number, tileHeight: number, pictureWidth: number, pictureHeight: number): Fitted {
  const picture = pictureWidth / pictureHeight;
  const tile = tileWidth / tileHeight;
  const portrait = picture < PORTRAIT && picture < tile;
  if (fit === "whole" || portrait) {
    const width = picture > tile ? tileWidth : tileHeight * picture;
    const height = picture > tile ? tileWidth / picture : tileHeight;
    return { x: (tileWidth - width) / 2, y: (tileHeight - height) / 2, width, height, left: 0, top: 0, right: 1, bottom: 1 };
  }
  const shownX = picture > tile ? tile / picture : 1;
  const shownY = picture > tile ? 1 : picture / tile;
  return {
    x: 0,
    y: 0,
    width: tileWidth,
    height: tileHeight,
    left: (1 - shownX) / 2,
    right: (1 + shownX) / 2,
    top: (1 - shownY) / 2,
    bottom: (1 + shownY) / 2,
  };
}
