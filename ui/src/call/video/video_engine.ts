/**
 * Pictures from the bridge to the screen. Newest picture of a tile wins; only visible tiles are asked for; drawing
 * happens in an animation frame and only when something changed. Tiles are elements over one canvas, so their place
 * is read from the page when it is drawn. Where the native side draws, only the places go there and nothing comes back.
 */
import type { Bridge, FrameChannel, VisibleTile } from "../../bridge/bridge";
import type { FrameNews } from "../../bridge/scene";
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
  /** Sizes of pictures that the native side draws. */
  private readonly sizes = new Map<string, { width: number; height: number }>();
  private channel: FrameChannel | null = null;
  private scheduled = 0;
  private movingUntil = 0;
  private visible = "";
  /** The tiles that were said to be visible last. */
  private asked: ReadonlySet<string> = new Set();
  private readonly placements: Placement[] = [];

  constructor(private readonly bridge: Bridge, private readonly drawnNatively = false) {
    document.addEventListener("visibilitychange", () => this.touch());
  }

  /** Draws on this canvas until the returned function is called. */
  attach(canvas: HTMLCanvasElement): () => void {
    this.canvas = canvas;
    const measured: Measured = { counts: this.counts, drawnOf: this.drawnOf, drawMs: this.drawMs };
    Object.assign(canvas, { measured });
    this.channel ??= this.bridge.openFrames((message) => this.take(message), (news) => this.hear(news));
    this.painter = this.drawnNatively ? null : WebGlPainter.create(canvas) ?? CanvasPainter.create(canvas);
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
      this.channel?.scene?.([]);
      this.canvas = null;
      this.channel?.show([]);
      this.visible = "";
      this.asked = new Set();
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
      // The element may be another picture's next.
      delete element.dataset["drawn"];
      element.style.clipPath = "";
      if (this.tiles.get(options.key) !== tile) return;
      this.tiles.delete(options.key);
      this.touch();
    };
  }

  /** Forgets a picture that is not shown any more, so that an old one never comes back. */
  forget(key: string): void {
    if (this.tiles.has(key) || !this.hasPicture(key)) return;
    this.newest.delete(key);
    // The native side says a size once for as long as a tile is asked for, so it hears at once that this one is not.
    if (this.sizes.delete(key)) this.tellVisible();
    this.drawnOf.delete(key);
    this.fresh.delete(key);
    this.painter?.release(key);
    for (const listener of this.pictureListeners) listener();
  }

  hasPicture(key: string): boolean {
    return this.newest.has(key) || this.sizes.has(key);
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
    if (this.fresh.has(frame.key)) this.counts.skipped += 1;
    const first = !this.newest.has(frame.key);
    this.newest.set(frame.key, frame);
    this.fresh.add(frame.key);
    if (first) for (const listener of this.pictureListeners) listener();
    this.touch();
  }

  private hear({ sizes, drawn, draw_ms: drawMs }: FrameNews): void {
    for (const { key, width, height } of sizes ?? []) {
      if (!this.tiles.has(key) && !this.asked.has(key)) continue;
      const first = !this.sizes.has(key);
      this.sizes.set(key, { width, height });
      if (first) for (const listener of this.pictureListeners) listener();
      this.touch();
    }
    for (const { key, count } of drawn ?? []) {
      this.counts.drawn += count;
      if (this.tiles.has(key)) this.drawnOf.set(key, (this.drawnOf.get(key) ?? 0) + count);
    }
    for (const took of drawMs ?? []) this.note(took);
  }

  private note(drawMs: number): void {
    this.drawMs.push(drawMs);
    if (this.drawMs.length > KEPT_TIMES) this.drawMs.shift();
  }

  private paint(): void {
    cancelAnimationFrame(this.scheduled);
    this.scheduled = 0;
    const { canvas, painter } = this;
    if (canvas !== null && this.drawnNatively) return this.tellScene();
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
    this.arrange(bounds, scale);
    painter.draw(this.placements, width, height);
    this.note(performance.now() - begin);
    this.tellVisible();
    if (performance.now() < this.movingUntil) this.touch();
  }

  private tellScene(): void {
    const scale = window.devicePixelRatio || 1;
    this.arrange({ left: 0, top: 0 }, scale);
    for (const { element, placement, key } of this.tiles.values()) {
      if (this.placements.some((place) => place.key === key)) openFor(element, placement, scale);
    }
    this.channel?.scene?.(this.placements);
    this.tellVisible();
    if (performance.now() < this.movingUntil) this.touch();
  }

  /** Reads the place of every picture that has one, the lowest first. */
  private arrange(origin: Point, scale: number): void {
    this.placements.length = 0;
    const tiles = [...this.tiles.values()].sort((one, other) => (isBefore(one.element, other.element) ? -1 : 1));
    for (const tile of tiles) {
      const size = this.newest.get(tile.key) ?? this.sizes.get(tile.key);
      const { width, height } = tile.element.getBoundingClientRect();
      if (size !== undefined && width > 0 && height > 0) this.placements.push(locate(tile, size, origin, scale));
    }
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
    this.asked = new Set(tiles.map(({ key }) => key));
    this.channel?.show(tiles);
    for (const listener of this.visibleListeners) listener(tiles);
  }
}

/** Has the page show the key color where a picture is, and only there: the native side puts the picture in its place. */
function openFor(element: HTMLElement, place: Placement, scale: number): void {
  const bounds = element.getBoundingClientRect();
  const sides = [
    place.y / scale - bounds.top, bounds.right - (place.x + place.width) / scale,
    bounds.bottom - (place.y + place.height) / scale, place.x / scale - bounds.left,
  ].map((side) => `${Math.max(0, side)}px`);
  element.style.clipPath = `inset(${sides.join(" ")} round ${place.radius / scale}px)`;
  element.dataset["drawn"] = "native";
}

/** Whether an element comes before another, and so lies under it. */
function isBefore(one: Node, other: Node): boolean {
  return (one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
}

/** Places are counted from here, CSS pixels. */
interface Point {
  left: number;
  top: number;
}

function locate(tile: Tile, picture: { width: number; height: number }, origin: Point, scale: number): Placement {
  const bounds = tile.element.getBoundingClientRect();
  const whole = fitPicture(tile.fit, bounds.width, bounds.height, picture.width, picture.height);
  const fitted = tile.zoom === undefined ? whole : zoomedIn(whole, bounds, tile.zoom);
  const { placement } = tile;
  placement.x = (bounds.left - origin.left + fitted.x) * scale;
  placement.y = (bounds.top - origin.top + fitted.y) * scale;
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
