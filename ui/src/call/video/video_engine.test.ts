import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Bridge, FrameChannel, VisibleTile } from "../../bridge/bridge";
import type { FrameNews, ScenePicture } from "../../bridge/scene";
import { FixtureBridge } from "../../bridge/fixture";
import { buildFrame } from "../frame_format";
import { VideoEngine } from "./video_engine";

/** A bridge whose pictures the test sends, and which remembers what was asked for. */
class PictureBridge extends FixtureBridge {
  send: (message: ArrayBuffer) => void = () => undefined;
  shown: (readonly VisibleTile[])[] = [];
  opened = 0;

  scenes: (readonly ScenePicture[])[] = [];
  tell: (news: FrameNews) => void = () => undefined;

  override openFrames(onFrame: (message: ArrayBuffer) => void, onNews: (news: FrameNews) => void = () => undefined): FrameChannel {
    this.opened += 1;
    this.send = onFrame;
    this.tell = onNews;
    return { show: (tiles) => this.shown.push([...tiles]), scene: (pictures) => this.scenes.push([...pictures]), close: () => undefined };
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

function open(drawnNatively = false): { bridge: PictureBridge; engine: VideoEngine; detach: () => void } {
  const bridge = new PictureBridge();
  const engine = new VideoEngine(bridge satisfies Bridge, drawnNatively);
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

  it("has pictures drawn natively where the window does so: says where they lie, and shows the key color there", () => {
    const { bridge, engine } = open(true);
    const heard = vi.fn();
    engine.onPictures(heard);
    const element = box(10, 20, 320, 240);
    engine.place(element, { ...tile("ines/camera"), fit: "whole" });
    runFrame();
    expect(bridge.scenes.at(-1)).toEqual([]);
    bridge.tell({ sizes: [{ key: "ines/camera", width: 640, height: 360 }, { key: "raj/camera", width: 2, height: 2 }] });
    expect(heard).toHaveBeenCalledTimes(1);
    expect([engine.hasPicture("ines/camera"), engine.hasPicture("raj/camera")]).toEqual([true, false]);
    runFrame();
    expect(bridge.scenes.at(-1)).toMatchObject([{ key: "ines/camera", x: 10, y: 50, width: 320, height: 180, radius: 14 }]);
    expect(element.style.clipPath).toBe("inset(30px 0px 30px 0px round 14px)");
    expect(element.dataset["drawn"]).toBe("native");
    bridge.tell({ drawn: [{ key: "ines/camera", count: 3 }], draw_ms: [1, 2, 3] });
    expect(engine.counts.drawn).toBe(3);
  });

  it("takes the key color from an element whose picture goes, and asks for the picture anew when it comes back", () => {
    const { bridge, engine } = open(true);
    const element = box(10, 20, 320, 180);
    const remove = engine.place(element, tile("ines/camera"));
    runFrame();
    bridge.tell({ sizes: [{ key: "ines/camera", width: 640, height: 360 }] });
    runFrame();
    remove();
    engine.forget("ines/camera");
    expect([element.dataset["drawn"], element.style.clipPath]).toEqual([undefined, ""]);
    expect(bridge.shown.at(-1)).toEqual([]);
    engine.place(element, tile("ines/camera"));
    expect(engine.hasPicture("ines/camera")).toBe(false);
    runFrame();
    expect(bridge.shown.at(-1)).toHaveLength(1);
  });

  it("tells the lowest picture first, and none that has no room", () => {
    const { bridge, engine } = open(true);
    const [under, over] = [box(0, 0, 300, 200), box(200, 100, 100, 100)];
    document.body.append(under, over);
    engine.place(over, tile("lena/camera"));
    engine.place(under, tile("ines/camera"));
    engine.place(box(0, 0, 0, 0), tile("raj/camera"));
    runFrame();
    bridge.tell({ sizes: ["lena", "ines", "raj"].map((name) => ({ key: `${name}/camera`, width: 640, height: 360 })) });
    runFrame();
    expect(bridge.scenes.at(-1)?.map(({ key }) => key)).toEqual(["ines/camera", "lena/camera"]);
    under.remove();
    over.remove();
  });

  it("tells the native side that nothing is shown when a screen is left", () => {
    const { bridge, engine, detach } = open(true);
    engine.place(box(10, 20, 320, 180), tile("ines/camera"));
    bridge.tell({ sizes: [{ key: "ines/camera", width: 640, height: 360 }] });
    runFrame();
    expect(bridge.scenes.at(-1)).toHaveLength(1);
    detach();
    expect(bridge.scenes.at(-1)).toEqual([]);
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
