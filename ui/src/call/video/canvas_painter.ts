/**
 * Draws pictures without WebGL, where a processor would have to do WebGL's work. Only tiles with a new picture are drawn,
 * into their own place: what a picture is drawn over costs as much as the picture.
 */
import type { Frame } from "../frame_format";
import type { Painter, Placement } from "./painter";
import { evenPart, toRgba, type Part } from "./rgba";

/** A picture whose scale differs less than this from its place's is put there as it is: a pixel more or less is cropped. */
const AS_IT_IS = 0.01;

interface TilePixels {
  image: ImageData;
  pixels: Uint32Array;
}

export class CanvasPainter implements Painter {
  private readonly frames = new Map<string, Frame>();
  private readonly fresh = new Set<string>();
  private readonly pixels = new Map<string, TilePixels>();
  /** Scales what is not of its place's size. */
  private readonly between = document.createElement("canvas");
  private layout = "";

  static create(canvas: HTMLCanvasElement): CanvasPainter | null {
    const context = canvas.getContext("2d");
    return context === null ? null : new CanvasPainter(context);
  }

  private constructor(private readonly context: CanvasRenderingContext2D) {}

  upload(frame: Frame): void {
    this.frames.set(frame.key, frame);
    this.fresh.add(frame.key);
  }

  draw(placements: readonly Placement[], width: number, height: number): void {
    const layout = `${width} ${height} ${placements.map(placeText).join(";")}`;
    const everything = layout !== this.layout;
    this.layout = layout;
    if (everything) this.context.clearRect(0, 0, width, height);
    for (const place of placements) {
      const frame = this.frames.get(place.key);
      if (frame !== undefined && (everything || this.fresh.has(place.key))) this.paint(frame, place);
    }
    this.fresh.clear();
  }

  release(key: string): void {
    this.frames.delete(key);
    this.fresh.delete(key);
    this.pixels.delete(key);
    this.layout = "";
  }

  dispose(): void {
    this.frames.clear();
    this.fresh.clear();
    this.pixels.clear();
    this.layout = "";
  }

  private paint(frame: Frame, place: Placement): void {
    const { context } = this;
    const x = Math.round(place.x);
    const y = Math.round(place.y);
    const width = Math.round(place.width);
    const height = Math.round(place.height);
    if (width <= 0 || height <= 0) return;
    const shown = { left: place.left * frame.width, top: place.top * frame.height, width: (place.right - place.left) * frame.width, height: (place.bottom - place.top) * frame.height };
    const fits = Math.abs(shown.width / width - 1) < AS_IT_IS && Math.abs(shown.height / height - 1) < AS_IT_IS;
    if (fits && !place.frozen) {
      const part = evenPart(frame, { left: shown.left, top: shown.top, width, height });
      context.putImageData(this.converted(frame, part, place.mirrored), x, y);
    } else {
      this.paintScaled(frame, shown, place, { x, y, width, height });
    }
    this.roundCorners(x, y, width, height, place.radius);
  }

  private paintScaled(frame: Frame, shown: Part, place: Placement, box: { x: number; y: number; width: number; height: number }): void {
    const part = evenPart(frame, { ...shown, width: Math.ceil(shown.width), height: Math.ceil(shown.height) });
    this.between.width = part.width;
    this.between.height = part.height;
    this.between.getContext("2d")?.putImageData(this.converted(frame, part, place.mirrored), 0, 0);
    const { context } = this;
    context.save();
    if (place.frozen) context.filter = "grayscale(0.8) brightness(0.6)";
    context.drawImage(this.between, box.x, box.y, box.width, box.height);
    context.restore();
  }

  private converted(frame: Frame, part: Part, mirrored: boolean): ImageData {
    let tile = this.pixels.get(frame.key);
    if (tile === undefined || tile.image.width !== part.width || tile.image.height !== part.height) {
      const image = this.context.createImageData(part.width, part.height);
      tile = { image, pixels: new Uint32Array(image.data.buffer) };
      this.pixels.set(frame.key, tile);
    }
    toRgba(frame, part, mirrored, tile.pixels);
    return tile.image;
  }

  /** Takes away what is outside the rounded corners. */
  private roundCorners(x: number, y: number, width: number, height: number, radius: number): void {
    if (radius <= 0) return;
    const { context } = this;
    context.save();
    context.globalCompositeOperation = "destination-out";
    context.beginPath();
    for (const [cornerX, cornerY, right, down] of [[x, y, 1, 1], [x + width, y, -1, 1], [x, y + height, 1, -1], [x + width, y + height, -1, -1]] as const) {
      context.moveTo(cornerX, cornerY);
      context.lineTo(cornerX + right * radius, cornerY);
      context.arcTo(cornerX, cornerY, cornerX, cornerY + down * radius, radius);
      context.closePath();
    }
    context.fill();
    context.restore();
  }
}

function placeText({ key, x, y, width, height, left, top, right, bottom, mirrored, frozen, radius }: Placement): string {
  return `${key} ${x} ${y} ${width} ${height} ${left} ${top} ${right} ${bottom} ${mirrored} ${frozen} ${radius}`;
}
