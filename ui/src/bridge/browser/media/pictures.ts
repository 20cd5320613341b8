/**
 * Pictures on their way from tracks to the window's canvas, laid out as `call/frame_format.ts` says: those that are
 * shown, and no others. A browser without `MediaStreamTrackProcessor` has none yet.
 */
import { buildFrame } from "../../../call/frame_format";
import type { FrameChannel, VisibleTile } from "../../bridge";

/** W3C "MediaStreamTrack Insertable Media Processing using Streams"; TypeScript does not know it. */
interface TrackProcessor {
  readonly readable: ReadableStream<VideoFrame>;
}
type TrackProcessors = new (options: { track: MediaStreamTrack; maxBufferSize?: number }) => TrackProcessor;

const FLAGS_AT = 5;
const FULL_RANGE = 1;
const BT601 = 2;

/** What lets go of a track that is read. */
type Stop = () => void;

export class Pictures {
  private readonly tracks = new Map<string, MediaStreamTrack>();
  private readonly reading = new Map<string, { track: MediaStreamTrack; stop: Stop }>();
  private shown: ReadonlySet<string> = new Set();
  private onFrame: ((message: ArrayBuffer) => void) | null = null;

  /** From now on the picture of this key is this track's; `null` when there is none. */
  put(key: string, track: MediaStreamTrack | null): void {
    if (track === null) this.tracks.delete(key);
    else this.tracks.set(key, track);
    this.settle();
  }

  /** The pictures whose keys are `meant` are these from now on, and no others. */
  replace(meant: (key: string) => boolean, tracks: ReadonlyMap<string, MediaStreamTrack>): void {
    for (const key of [...this.tracks.keys()]) if (meant(key) && !tracks.has(key)) this.tracks.delete(key);
    for (const [key, track] of tracks) this.tracks.set(key, track);
    this.settle();
  }

  /** The window has one way of pictures; a new one replaces the one before. */
  open(onFrame: (message: ArrayBuffer) => void): FrameChannel {
    this.onFrame = onFrame;
    const show = (tiles: readonly VisibleTile[]): void => {
      if (this.onFrame !== onFrame) return;
      this.shown = new Set(tiles.map(({ key }) => key));
      this.settle();
    };
    return { show, close: () => { show([]); if (this.onFrame === onFrame) this.onFrame = null; } };
  }

  /** Reads what is shown and there, and nothing else. */
  private settle(): void {
    for (const [key, { track, stop }] of this.reading) {
      if (this.shown.has(key) && this.tracks.get(key) === track) continue;
      this.reading.delete(key);
      stop();
    }
    for (const key of this.shown) {
      const track = this.tracks.get(key);
      if (track === undefined || this.reading.has(key)) continue;
      this.reading.set(key, { track, stop: read(track, (frame) => this.pass(key, frame)) });
    }
  }

  private async pass(key: string, frame: VideoFrame): Promise<void> {
    const message = await frameMessage(key, frame, Date.now());
    if (message !== null && this.shown.has(key)) this.onFrame?.(message);
  }
}

/** Hands each frame of a track on, one at a time; those that come meanwhile are left out by the browser. */
function read(track: MediaStreamTrack, pass: (frame: VideoFrame) => Promise<void>): Stop {
  const { MediaStreamTrackProcessor: Processor } = globalThis as { MediaStreamTrackProcessor?: TrackProcessors };
  if (Processor === undefined || track.readyState === "ended") return () => undefined;
  const reader = new Processor({ track, maxBufferSize: 1 }).readable.getReader();
  void (async () => {
    for (;;) {
      const { done, value: frame } = await reader.read();
      if (done) return;
      try {
        await pass(frame);
      } catch {
        // One frame that cannot be read, as when the graphics memory is taken away, is left out; the next one may do.
      } finally {
        frame.close();
      }
    }
  })().catch(() => undefined);
  return () => void reader.cancel().catch(() => undefined);
}

/** A frame as a message; `null` when its pixels are laid out in a way we do not read. */
export async function frameMessage(key: string, frame: VideoFrame, at: number): Promise<ArrayBuffer | null> {
  const { format, visibleRect, colorSpace } = frame;
  if (visibleRect === null || (format !== "I420" && format !== "NV12")) return null;
  const { width, height } = visibleRect;
  const chroma = (width + 1) >> 1;
  const none = (): Uint8Array => new Uint8Array();
  let [y, u, v] = [none(), none(), none()];
  const message = buildFrame(key, width, height, at, (planes) => { ({ y, u, v } = planes); });
  if (format === "I420") {
    const layout = [{ offset: y.byteOffset, stride: width }, { offset: u.byteOffset, stride: chroma }, { offset: v.byteOffset, stride: chroma }];
    await frame.copyTo(message, { layout });
  } else {
    const pairs = new Uint8Array(y.length + 2 * u.length);
    await frame.copyTo(pairs, { layout: [{ offset: 0, stride: width }, { offset: y.length, stride: 2 * chroma }] });
    y.set(pairs.subarray(0, y.length));
    separate(pairs.subarray(y.length), u, v);
  }
  const flags = (colorSpace.fullRange === true ? FULL_RANGE : 0) | (colorSpace.matrix === "smpte170m" || colorSpace.matrix === "bt470bg" ? BT601 : 0);
  new Uint8Array(message)[FLAGS_AT] = flags;
  return message;
}

/** NV12 has both colours in turn. */
function separate(pairs: Uint8Array, u: Uint8Array, v: Uint8Array): void {
  for (let index = 0; index < u.length; index += 1) {
    u[index] = pairs[2 * index] ?? 0;
    v[index] = pairs[2 * index + 1] ?? 0;
  }
}
