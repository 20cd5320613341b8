/** What draws pictures: WebGL where there is one, else a 2D canvas. */
import type { Frame } from "../frame_format";

/** One picture at one place. Pixels are the canvas's own (device pixels), from its top left corner. */
export interface Placement {
  key: string;
  x: number;
  y: number;
  width: number;
  height: number;
  /** Corner radius. */
  radius: number;
  /** The part of the picture that is shown, from 0 to 1 in both directions. */
  left: number;
  top: number;
  right: number;
  bottom: number;
  mirrored: boolean;
  /** Grey and dark: the picture is an old one. */
  frozen: boolean;
}

export interface Painter {
  /** Takes the newest picture of a tile. */
  upload(frame: Frame): void;
  /** Draws everything anew on a clear canvas. */
  draw(placements: readonly Placement[], width: number, height: number): void;
  /** Forgets a tile's picture. */
  release(key: string): void;
  dispose(): void;
}
