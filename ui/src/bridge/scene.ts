/**
 * Where the native side draws pictures into the page itself: JSON text on the frame socket. Pixels are device pixels from
 * the window's top left corner.
 */

/** A picture's place. */
export interface ScenePicture {
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

/** What the native side says of pictures it draws. */
export interface FrameNews {
  /** Sizes of pictures, as they change. */
  sizes?: readonly { key: string; width: number; height: number }[];
  /** Once a second: how many pictures were drawn since the last time, and what drawings took, milliseconds. */
  drawn?: readonly { key: string; count: number }[];
  draw_ms?: readonly number[];
}
