/** What draws pictures: WebGL where there is one, else a 2D canvas. */
import type { ScenePicture } from "../../bridge/scene";
import type { Frame } from "../frame_format";

/** One picture at one place. Pixels are the canvas's own (device pixels), from its top left corner. */
export type Placement = ScenePicture;

export interface Painter {
  /** Takes the newest picture of a tile. */
  upload(frame: Frame): void;
  /** Draws everything anew on a clear canvas. */
  draw(placements: readonly Placement[], width: number, height: number): void;
  /** Forgets a tile's picture. */
  release(key: string): void;
  dispose(): void;
}
