import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Bridge, FrameChannel, VisibleTile } from "../../bridge/bridge";
import { FixtureBridge } from "../../bridge/fixture";
import { buildFrame } from "../frame_format";
import { VideoEngine } from "./video_engine";

/** A bridge whose pictures the test sends, and which remembers what was asked for. */
class PictureBridge extends FixtureBridge {
  send: (message: ArrayBuffer) => void = () => undefined;
  shown: (readonly VisibleTile[])[] = [];
  opened = 0;

  override openFrames(onFrame: (message: ArrayBuffer) => void): FrameChannel {
    this.opened += 1;
    this.send = onFrame;
    return { show: (tiles) => this.shown.push([...tiles]), close: () => undefined };
  }
}

const picture = (key: string, light: number): ArrayBuffer => buildFrame(key, 4, 2, 0, ({ y, u, v }) => {
  y.fill(light);
  u.fill(128);
  v.fill(128);
});

/** The light of each picture that was put into a tile's canvas, in order. */
let uploaded: number[] = [];
/** How often and where pictures were drawn. */
let drawn: number[][] = [];
let frames: FrameRequestCallback[] = [];

function runFrame(): void {
  const waiting = frames;
  frames = [];
  for (const callback of waiting) callback(0);
}

function box(x: number, y: number, width: number, height: number): HTMLElement {
  const element = document.createElement("div");
  element.getBoundingClientRect = () => new DOMRect(x, y, width, height);
  return element;
}

function surface(): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.getBoundingClientRect = () => new DOMRect(10, 20, 800, 600);
  return canvas;
}

const tile = (key: string) => ({ key, fit: "camera" as const, mirrored: false, frozen: false, radius: 14 });

function open(withoutGpu = false): { bridge: PictureBridge; engine: VideoEngine; detach: () => void } {
  const bridge = new PictureBridge();
  const engine = new VideoEngine(bridge satisfies Bridge, withoutGpu);
  return { bridge, engine, detach: engine.attach(surface()) };
}

beforeEach(() => {
  uploaded = [];
  drawn = [];
  frames = [];
  vi.stubGlobal("cancelAnimationFrame", () => { frames = []; });
  vi.stubGlobal("requestAnimationFrame", (callback: FrameRequestCallback) => frames.push(callback));
  const context = {
    createImageData: (width: number, height: number) => ({ width, height, data: new Uint8ClampedArray(width * height * 4) }),
    putImageData: (image: ImageData) => uploaded.push(image.data[0] ?? 0),
    drawImage: (...numbers: unknown[]) => drawn.push(numbers.slice(1) as number[]),
    setTransform: () => undefined, clearRect: () => undefined, save: () => undefined, restore: () => undefined,
    translate: () => undefined, scale: () => undefined, beginPath: () => undefined, moveTo: () => undefined, lineTo: () => undefined, arcTo: () => undefined, closePath: () => undefined, fill: () => undefined,
  };
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockImplementation(((kind: string) => (kind === "2d" ? context : null)) as never);
});

describe("the video engine", () => {
  it("asks only for what is shown, in device pixels, and once", () => {
    const { bridge, engine } = open();
    engine.place(box(10, 20, 320, 180), tile("ines/camera"));
    runFrame();
    engine.touch();
    runFrame();
    expect(bridge.shown).toEqual([[{ key: "ines/camera", width: 320, height: 180 }]]);
  });

  it("draws the newest picture of a tile and skips the ones before", () => {
    const { bridge, engine } = open();
    engine.place(box(10, 20, 320, 180), tile("ines/camera"));
    bridge.send(picture("ines/camera", 50));
    bridge.send(picture("ines/camera", 235));
    runFrame();
    expect(uploaded).toEqual([255]);
    expect(engine.counts).toEqual({ received: 2, malformed: 0, skipped: 1, drawn: 1 });
  });

  it("draws pictures together where drawing is dear, and leaves none out", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { bridge, engine } = open(true);
    engine.place(box(10, 20, 320, 180), tile("ines/camera"));
    engine.place(box(340, 20, 320, 180), tile("raj/camera"));
    bridge.send(picture("ines/camera", 50));
    bridge.send(picture("raj/camera", 60));
    runFrame();
    expect(engine.counts.drawn).toBe(2);
    bridge.send(picture("ines/camera", 70));
    runFrame();
    expect(engine.counts.drawn).toBe(2);
    bridge.send(picture("raj/camera", 80));
    vi.advanceTimersByTime(31);
    runFrame();
    expect(engine.counts.drawn).toBe(4);
    bridge.send(picture("ines/camera", 90));
    bridge.send(picture("ines/camera", 100));
    expect(engine.counts.drawn).toBe(5);
    vi.advanceTimersByTime(31);
    runFrame();
    expect(engine.counts).toMatchObject({ drawn: 6, skipped: 0 });
    vi.useRealTimers();
  });

  it("draws nothing while nothing changes", () => {
    const { bridge, engine } = open();
    engine.place(box(10, 20, 320, 180), tile("ines/camera"));
    bridge.send(picture("ines/camera", 50));
    runFrame();
    expect(frames).toHaveLength(0);
    runFrame();
    expect(drawn).toHaveLength(1);
  });

  it("takes no picture of a tile that is not there", () => {
    const { bridge, engine } = open();
    bridge.send(picture("raj/camera", 50));
    expect(engine.hasPicture("raj/camera")).toBe(false);
  });

  it("counts what is no picture", () => {
    const { bridge, engine } = open();
    bridge.send(new ArrayBuffer(3));
    expect(engine.counts.malformed).toBe(1);
  });

  it("tells when the first picture of a tile came, and forgets it when the tile is gone", () => {
    const { bridge, engine } = open();
    const heard = vi.fn();
    engine.onPictures(heard);
    const remove = engine.place(box(10, 20, 320, 180), tile("ines/camera"));
    bridge.send(picture("ines/camera", 50));
    bridge.send(picture("ines/camera", 60));
    expect(heard).toHaveBeenCalledTimes(1);
    expect(engine.hasPicture("ines/camera")).toBe(true);
    remove();
    engine.forget("ines/camera");
    expect(engine.hasPicture("ines/camera")).toBe(false);
    expect(heard).toHaveBeenCalledTimes(2);
  });

  it("keeps a picture whose tile is only placed anew", () => {
    const { bridge, engine } = open();
    const remove = engine.place(box(10, 20, 320, 180), tile("ines/camera"));
    bridge.send(picture("ines/camera", 50));
    remove();
    engine.place(box(10, 20, 100, 50), tile("ines/camera"));
    engine.forget("ines/camera");
    expect(engine.hasPicture("ines/camera")).toBe(true);
  });

  it("asks for nothing while the window is hidden, and for all again when it is back", () => {
    const { bridge, engine } = open();
    engine.place(box(10, 20, 320, 180), tile("ines/camera"));
    runFrame();
    const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    document.dispatchEvent(new Event("visibilitychange"));
    expect(bridge.shown.at(-1)).toEqual([]);
    hidden.mockReturnValue(false);
    document.dispatchEvent(new Event("visibilitychange"));
    runFrame();
    expect(bridge.shown.at(-1)).toEqual([{ key: "ines/camera", width: 320, height: 180 }]);
  });

  it("uses one way of pictures from screen to screen, asking for nothing in between", () => {
    const { bridge, engine, detach } = open();
    engine.place(box(10, 20, 320, 180), tile("preview/camera"));
    runFrame();
    detach();
    expect(bridge.shown.at(-1)).toEqual([]);
    engine.attach(surface());
    runFrame();
    expect(bridge.opened).toBe(1);
    expect(bridge.shown.at(-1)).toEqual([{ key: "preview/camera", width: 320, height: 180 }]);
  });

  it("draws every picture again on a new surface", () => {
    const { bridge, engine, detach } = open();
    engine.place(box(10, 20, 320, 180), tile("ines/camera"));
    bridge.send(picture("ines/camera", 235));
    runFrame();
    detach();
    engine.attach(surface());
    runFrame();
    expect(uploaded).toEqual([255, 255]);
  });
});
