/** Looking closer at a picture that is shown whole. Pure. */
import type { Fitted } from "./fit";

export interface Zoom {
  /** 1 shows the whole picture. */
  scale: number;
  /** The point of the picture that stands in the middle of the tile, 0 to 1. */
  x: number;
  y: number;
}

export const WHOLE: Zoom = { scale: 1, x: 0.5, y: 0.5 };
export const MOST_ZOOM = 8;

interface Box {
  width: number;
  height: number;
}

/** Kept so that the picture fills the tile where it is larger than it, and stands in its middle where it is not. */
export function settled(zoom: Zoom, tile: Box, fitted: Box): Zoom {
  const scale = Math.min(MOST_ZOOM, Math.max(1, zoom.scale));
  const within = (at: number, tileLength: number, length: number): number => {
    const half = tileLength / (2 * length * scale);
    return half >= 0.5 ? 0.5 : Math.min(1 - half, Math.max(half, at));
  };
  return { scale, x: within(zoom.x, tile.width, fitted.width), y: within(zoom.y, tile.height, fitted.height) };
}

/** Closer by a factor; the point of the picture under `at` (pixels from the tile's middle) stays there. */
export function zoomAt(zoom: Zoom, factor: number, at: { x: number; y: number }, tile: Box, fitted: Box): Zoom {
  const scale = Math.min(MOST_ZOOM, Math.max(1, zoom.scale * factor));
  const moved = (middle: number, pixels: number, length: number): number => middle + pixels / (length * zoom.scale) - pixels / (length * scale);
  return settled({ scale, x: moved(zoom.x, at.x, fitted.width), y: moved(zoom.y, at.y, fitted.height) }, tile, fitted);
}

/** Moved by so many pixels, as a hand moves paper. */
export function movedBy(zoom: Zoom, by: { x: number; y: number }, tile: Box, fitted: Box): Zoom {
  return settled({ ...zoom, x: zoom.x - by.x / (fitted.width * zoom.scale), y: zoom.y - by.y / (fitted.height * zoom.scale) }, tile, fitted);
}

/** The part of the picture that is seen, and where in the tile it stands. */
export function zoomedIn(fitted: Fitted, tile: Box, wanted: Zoom): Fitted {
  if (wanted.scale <= 1) return fitted;
  const { scale, x, y } = settled(wanted, tile, fitted);
  const width = fitted.width * scale;
  const height = fitted.height * scale;
  const left = tile.width / 2 - x * width;
  const top = tile.height / 2 - y * height;
  const shown = {
    left: Math.max(0, left), top: Math.max(0, top), right: Math.min(tile.width, left + width), bottom: Math.min(tile.height, top + height),
  };
  return {
    x: shown.left,
    y: shown.top,
    width: shown.right - shown.left,
    height: shown.bottom - shown.top,
    left: (shown.left - left) / width,
    right: (shown.right - left) / width,
    top: (shown.top - top) / height,
    bottom: (shown.bottom - top) / height,
  };
}
