/**
 * Pictures from the bridge to the screen. Newest picture of a tile wins; only visible tiles are asked for; drawing
 * happens in an animation frame and only when something changed. Tiles are elements over one canvas, so their place
 * is read from the page when it is drawn.
 */
import type { Bridge, FrameChannel, VisibleTile } from "../../bridge/bridge";
import { FrameParser, type Frame } from "../frame_format";
import { CanvasPainter } from "./canvas_painter";
import { fitPicture, type Fit } from "./fit";
import type { Painter, Placement } from "./painter";
import { WebGlPainter } from "./webgl_painter";
import { zoomedIn, type Zoom } from "./zoom";

export interface TileOptions {
  key: string;
  fit: Fit;
  mirrored: boolean;
  frozen: boolean;
  /** Corner radius, CSS pixels. */
  radius: number;
  /** How close one looks; without it the whole picture. */
  zoom?: Zoom;
}

interface Tile extends TileOptions {
  element: HTMLElement;
  placement: Placement;
}

export interface VideoCounts {
  received: number;
  /** Messages that were no picture. */
  malformed: number;
  /** Pictures replaced by a newer one before they were drawn. */
  skipped: number;
  drawn: number;
}

/** Without a graphics processor pictures that come within this time are drawn together, milliseconds: one picture's time. */
const TOGETHER_MS = 30;

/** How many of the last drawings' times are kept. */
const KEPT_TIMES = 512;

/** What a measuring instrument finds at the surface's element, as its property `measured`. */
export interface Measured {
  counts: Readonly<VideoCounts>;
  /** Pictures drawn, by tile. */
  drawnOf: ReadonlyMap<string, number>;
  /** What the last drawings took, milliseconds: uploading what is new and drawing all tiles. Oldest first. */
  drawMs: readonly number[];
}

export class VideoEngine {
  readonly counts: VideoCounts = { received: 0, malformed: 0, skipped: 0, drawn: 0 };
  private readonly drawnOf = new Map<string, number>();
  private readonly drawMs: number[] = [];
  private readonly parser = new FrameParser();
  private readonly tiles = new Map<string, Tile>();
  /** The newest picture of each tile, kept for a lost context. */
  private readonly newest = new Map<string, Frame>();
  private readonly fresh = new Set<string>();
  private readonly pictureListeners = new Set<() => void>();
  private readonly visibleListeners = new Set<(tiles: readonly VisibleTile[]) => void>();
  private canvas: HTMLCanvasElement | null = null;
  private painter: Painter | null = null;
  private channel: FrameChannel | null = null;
  private scheduled = 0;
  /** Until when pictures are gathered, if they are. */
  private together: ReturnType<typeof setTimeout> | null = null;
  private movingUntil = 0;
  private visible = "";
  private readonly placements: Placement[] = [];

  /** Without a graphics processor WebGL is the slower way: 50 ms for five tiles on two cores, a twentieth of it by hand. */
  constructor(private readonly bridge: Bridge, private readonly withoutGpu = false) {
    document.addEventListener("visibilitychange", () => this.touch());
  }

  /** Draws on this canvas until the returned function is called. */
  attach(canvas: HTMLCanvasElement): () => void {
    this.canvas = canvas;
    const measured: Measured = { counts: this.counts, drawnOf: this.drawnOf, drawMs: this.drawMs };
    Object.assign(canvas, { measured });
    this.painter = (this.withoutGpu ? null : WebGlPainter.create(canvas)) ?? CanvasPainter.create(canvas);
    this.channel ??= this.bridge.openFrames((message) => this.take(message));
    const lost = (event: Event): void => {
      event.preventDefault();
      this.painter = null;
    };
    const restored = (): void => {
      this.painter = WebGlPainter.create(canvas);
      for (const key of this.newest.keys()) this.fresh.add(key);
      this.touch();
    };
    canvas.addEventListener("webglcontextlost", lost);
    canvas.addEventListener("webglcontextrestored", restored);
    const observer = new ResizeObserver(() => this.touch());
    observer.observe(canvas);
    for (const key of this.newest.keys()) this.fresh.add(key);
    this.touch();
    return () => {
      observer.disconnect();
      canvas.removeEventListener("webglcontextlost", lost);
      canvas.removeEventListener("webglcontextrestored", restored);
      if (this.canvas !== canvas) return;
      this.painter?.dispose();
      this.painter = null;
      this.canvas = null;
      this.channel?.show([]);
      this.visible = "";
    };
  }

  /** Shows a picture where the element is, until the returned function is called. */
  place(element: HTMLElement, options: TileOptions): () => void {
    const placement: Placement = {
      key: options.key, x: 0, y: 0, width: 0, height: 0, radius: 0, left: 0, top: 0, right: 1, bottom: 1, mirrored: false, frozen: false,
    };
    const tile: Tile = { ...options, element, placement };
    this.tiles.set(options.key, tile);
    this.touch();
    return () => {
      if (this.tiles.get(options.key) !== tile) return;
      this.tiles.delete(options.key);
      this.touch();
    };
  }

  /** Forgets a picture that is not shown any more, so that an old one never comes back. */
  forget(key: string): void {
    if (this.tiles.has(key) || !this.newest.delete(key)) return;
    this.drawnOf.delete(key);
    this.fresh.delete(key);
    this.painter?.release(key);
    for (const listener of this.pictureListeners) listener();
  }

  hasPicture(key: string): boolean {
    return this.newest.has(key);
  }

  readonly onPictures = (listener: () => void): (() => void) => {
    this.pictureListeners.add(listener);
    return () => this.pictureListeners.delete(listener);
  };

  /** Hears what is visible and how large, in device pixels. */
  onVisible(listener: (tiles: readonly VisibleTile[]) => void): () => void {
    this.visibleListeners.add(listener);
    this.visible = "";
    this.touch();
    return () => this.visibleListeners.delete(listener);
  }

  /** Tiles move for so long: their places are read for every animation frame. */
  moving(milliseconds: number): void {
    this.movingUntil = Math.max(this.movingUntil, performance.now() + milliseconds);
    this.touch();
  }

  /** Something changed: draw once more. */
  touch(): void {
    if (this.scheduled === 0) this.scheduled = requestAnimationFrame(() => this.paint());
    // A hidden window gets no animation frames, but the native side must hear that nothing is visible.
    if (document.hidden) this.tellVisible();
  }

  private take(message: ArrayBuffer): void {
    const frame = this.parser.parse(message);
    if (frame === null) {
      this.counts.malformed += 1;
      return;
    }
    this.counts.received += 1;
    if (!this.tiles.has(frame.key)) return;
    if (this.fresh.has(frame.key)) {
      // Waiting for others must not cost a picture.
      if (this.together !== null && !document.hidden) this.paint();
      else this.counts.skipped += 1;
    }
    const first = !this.newest.has(frame.key);
    this.newest.set(frame.key, frame);
    this.fresh.add(frame.key);
    if (first) for (const listener of this.pictureListeners) listener();
    if (this.withoutGpu && !first) this.touchTogether();
    else this.touch();
  }

  /** Each drawing has the page paint everything that lies over the pictures, so fewer are cheaper. */
  private touchTogether(): void {
    this.together ??= setTimeout(() => {
      this.together = null;
      this.touch();
    }, TOGETHER_MS);
  }

  private paint(): void {
    cancelAnimationFrame(this.scheduled);
    this.scheduled = 0;
    if (this.together !== null) clearTimeout(this.together);
    this.together = null;
    const { canvas, painter } = this;
    if (canvas === null || painter === null) return;
    const begin = performance.now();
    const scale = window.devicePixelRatio || 1;
    const bounds = canvas.getBoundingClientRect();
    const width = Math.max(1, Math.round(bounds.width * scale));
    const height = Math.max(1, Math.round(bounds.height * scale));
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    for (const key of this.fresh) {
      const frame = this.newest.get(key);
      if (frame !== undefined) painter.upload(frame);
      this.drawnOf.set(key, (this.drawnOf.get(key) ?? 0) + 1);
    }
    this.counts.drawn += this.fresh.size;
    this.fresh.clear();
    this.placements.length = 0;
    for (const tile of this.tiles.values()) {
      const frame = this.newest.get(tile.key);
      if (frame !== undefined) this.placements.push(locate(tile, frame, bounds, scale));
    }
    painter.draw(this.placements, width, height);
    this.drawMs.push(performance.now() - begin);
    if (this.drawMs.length > KEPT_TIMES) this.drawMs.shift();
    this.tellVisible();
    if (performance.now() < this.movingUntil) this.touch();
  }

  private tellVisible(): void {
    const scale = window.devicePixelRatio || 1;
    const tiles: VisibleTile[] = [];
    if (!document.hidden) {
      for (const { key, element, zoom } of this.tiles.values()) {
        const { width, height } = element.getBoundingClientRect();
        // Who looks closer wants it sharper, as if the whole were shown so large.
        const size = scale * (zoom?.scale ?? 1);
        if (width > 0 && height > 0) tiles.push({ key, width: Math.round(width * size), height: Math.round(height * size) });
      }
    }
    const text = JSON.stringify(tiles);
    if (text === this.visible) return;
    this.visible = text;
    this.channel?.show(tiles);
    for (const listener of this.visibleListeners) listener(tiles);
  }
}

function locate(tile: Tile, frame: Frame, canvas: DOMRect, scale: number): Placement {
  const bounds = tile.element.getBoundingClientRect();
  const whole = fitPicture(tile.fit, bounds.width, bounds.height, frame.width, frame.height);
  const fitted = tile.zoom === undefined ? whole : zoomedIn(whole, bounds, tile.zoom);
  const { placement } = tile;
  placement.x = (bounds.left - canvas.left + fitted.x) * scale;
  placement.y = (bounds.top - canvas.top + fitted.y) * scale;
  placement.width = fitted.width * scale;
  placement.height = fitted.height * scale;
  placement.left = fitted.left;
  placement.top = fitted.top;
  placement.right = fitted.right;
  placement.bottom = fitted.bottom;
  placement.radius = tile.radius * scale;
  placement.mirrored = tile.mirrored;
  placement.frozen = tile.frozen;
  return placement;
}
