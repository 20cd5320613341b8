/** Draws pictures without WebGL: converts to RGBA here. Slow, but it shows people. */
import type { Frame } from "../frame_format";
import { colorTransform } from "./color";
import type { Painter, Placement } from "./painter";

interface TileCanvas {
  canvas: HTMLCanvasElement;
  context: CanvasRenderingContext2D;
  image: ImageData;
}

export class CanvasPainter implements Painter {
  private readonly tiles = new Map<string, TileCanvas>();

  static create(canvas: HTMLCanvasElement): CanvasPainter | null {
    const context = canvas.getContext("2d");
    return context === null ? null : new CanvasPainter(context);
  }

  private constructor(private readonly context: CanvasRenderingContext2D) {}

  upload(frame: Frame): void {
    let tile = this.tiles.get(frame.key);
    if (tile === undefined || tile.image.width !== frame.width || tile.image.height !== frame.height) {
      const canvas = document.createElement("canvas");
      canvas.width = frame.width;
      canvas.height = frame.height;
      const context = canvas.getContext("2d");
      if (context === null) return;
      tile = { canvas, context, image: context.createImageData(frame.width, frame.height) };
      this.tiles.set(frame.key, tile);
    }
    toRgba(frame, tile.image.data);
    tile.context.putImageData(tile.image, 0, 0);
  }

  draw(placements: readonly Placement[], width: number, height: number): void {
    const { context } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    for (const place of placements) {
      const tile = this.tiles.get(place.key);
      if (tile === undefined) continue;
      const { width: pictureWidth, height: pictureHeight } = tile.canvas;
      context.save();
      context.translate(place.x + (place.mirrored ? place.width : 0), place.y);
      if (place.mirrored) context.scale(-1, 1);
      context.beginPath();
      context.roundRect(0, 0, place.width, place.height, place.radius);
      context.clip();
      if (place.frozen) context.filter = "grayscale(0.8) brightness(0.6)";
      context.drawImage(
        tile.canvas,
        place.left * pictureWidth,
        place.top * pictureHeight,
        (place.right - place.left) * pictureWidth,
        (place.bottom - place.top) * pictureHeight,
        0,
        0,
        place.width,
        place.height,
      );
      context.restore();
    }
  }

  release(key: string): void {
    this.tiles.delete(key);
  }

  dispose(): void {
    this.tiles.clear();
  }
}

/** Writes the picture as RGBA into `target` (4 bytes a pixel, rows without padding). */
export function toRgba(frame: Frame, target: Uint8ClampedArray): void {
  const { matrix, offset } = colorTransform(frame.fullRange, frame.bt601);
  const [luma = 1, , , , cbToGreen = 0, cbToBlue = 0, crToRed = 0, crToGreen = 0] = matrix;
  const black = (offset[0] ?? 0) * 255;
  const chromaWidth = (frame.width + 1) >> 1;
  const { bytes } = frame;
  let out = 0;
  for (let row = 0; row < frame.height; row += 1) {
    const lumaRow = frame.yOffset + row * frame.width;
    const chromaRow = (row >> 1) * chromaWidth;
    for (let column = 0; column < frame.width; column += 1) {
      const light = luma * ((bytes[lumaRow + column] ?? 0) - black);
      const chroma = chromaRow + (column >> 1);
      const cb = (bytes[frame.uOffset + chroma] ?? 128) - 128;
      const cr = (bytes[frame.vOffset + chroma] ?? 128) - 128;
      target[out] = light + crToRed * cr;
      target[out + 1] = light + cbToGreen * cb + crToGreen * cr;
      target[out + 2] = light + cbToBlue * cb;
      target[out + 3] = 255;
      out += 4;
    }
  }
}
