import { describe, expect, it } from "vitest";
import { buildFrame, FrameParser } from "../frame_format";
import { toRgba } from "./canvas_painter";
import { fitPicture } from "./fit";

function rgbOf(y: number, u: number, v: number, flags = 0): number[] {
  const message = buildFrame("a/camera", 2, 2, 0, (planes) => {
    planes.y.fill(y);
    planes.u.fill(u);
    planes.v.fill(v);
  });
  new DataView(message).setUint8(5, flags);
  const frame = new FrameParser().parse(message);
  if (frame === null) throw new Error("a picture expected");
  const target = new Uint8ClampedArray(16);
  toRgba(frame, target);
  return [...target.slice(0, 4)];
}

describe("colours", () => {
  it("of limited BT.709 come out as they went in", () => {
    expect(rgbOf(16, 128, 128)).toEqual([0, 0, 0, 255]);
    expect(rgbOf(235, 128, 128)).toEqual([255, 255, 255, 255]);
    const near = (made: number[], wanted: number[]): void => made.forEach((value, index) => expect(Math.abs(value - (wanted[index] ?? 0))).toBeLessThan(4));
    near(rgbOf(63, 102, 240), [255, 0, 0, 255]);
    near(rgbOf(173, 42, 26), [0, 255, 0, 255]);
    near(rgbOf(32, 240, 118), [0, 0, 255, 255]);
  });

  it("of full range are not stretched", () => {
    expect(rgbOf(0, 128, 128, 1)).toEqual([0, 0, 0, 255]);
    expect(rgbOf(100, 128, 128, 1)).toEqual([100, 100, 100, 255]);
  });
});

describe("a picture in a tile", () => {
  it("of a camera is cropped evenly to the tile", () => {
    expect(fitPicture("camera", 400, 300, 1280, 720)).toMatchObject({ x: 0, y: 0, width: 400, height: 300, top: 0, bottom: 1, left: 0.125, right: 0.875 });
    expect(fitPicture("camera", 400, 200, 640, 480)).toMatchObject({ left: 0, right: 1, top: (1 - 2 / 3) / 2 });
  });

  it("of a portrait camera is shown whole", () => {
    expect(fitPicture("camera", 400, 300, 720, 1280)).toMatchObject({ left: 0, right: 1, top: 0, bottom: 1, height: 300 });
  });

  it("of a screen is never cropped", () => {
    const fitted = fitPicture("whole", 1000, 500, 1920, 1200);
    expect(fitted).toMatchObject({ left: 0, top: 0, right: 1, bottom: 1, width: 800, height: 500, x: 100, y: 0 });
  });
});
