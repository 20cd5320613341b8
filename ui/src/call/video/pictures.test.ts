import { describe, expect, it } from "vitest";
import { buildFrame, FrameParser } from "../frame_format";
import { fitPicture } from "./fit";
import { evenPart, toRgba } from "./rgba";

function rgbOf(y: number, u: number, v: number, flags = 0): number[] {
  const message = buildFrame("a/camera", 2, 2, 0, (planes) => {
    planes.y.fill(y);
    planes.u.fill(u);
    planes.v.fill(v);
  });
  new DataView(message).setUint8(5, flags);
  const frame = new FrameParser().parse(message);
  if (frame === null) throw new Error("a picture expected");
  const target = new Uint32Array(4);
  toRgba(frame, { left: 0, top: 0, width: 2, height: 2 }, false, target);
  return [...new Uint8Array(target.buffer).slice(0, 4)];
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

describe("a part of a picture", () => {
  const frame = (): NonNullable<ReturnType<FrameParser["parse"]>> => {
    const message = buildFrame("a/camera", 6, 4, 0, ({ y, u, v }) => {
      for (let index = 0; index < y.length; index += 1) y[index] = 16 + index * 4;
      u.fill(128);
      v.fill(128);
    });
    const parsed = new FrameParser().parse(message);
    if (parsed === null) throw new Error("a picture expected");
    return parsed;
  };
  const lights = (part: Parameters<typeof toRgba>[1], mirrored: boolean): number[] => {
    const target = new Uint32Array(part.width * part.height);
    toRgba(frame(), part, mirrored, target);
    return [...target].map((pixel) => pixel & 255);
  };
  const whole = lights({ left: 0, top: 0, width: 6, height: 4 }, false);

  it("is cut out row by row, odd widths too", () => {
    expect(lights({ left: 2, top: 1, width: 3, height: 2 }, false)).toEqual([8, 9, 10, 14, 15, 16].map((at) => whole[at]));
  });

  it("is written from right to left for a mirror", () => {
    expect(lights({ left: 2, top: 1, width: 3, height: 2 }, true)).toEqual([10, 9, 8, 16, 15, 14].map((at) => whole[at]));
  });

  it("never reaches beyond the picture and begins where chroma does", () => {
    const size = { width: 6, height: 4 };
    expect(evenPart(size, { left: 2.9, top: 0.6, width: 5, height: 9 })).toEqual({ left: 2, top: 1, width: 4, height: 3 });
    expect(evenPart(size, { left: -1, top: -1, width: 6, height: 4 })).toEqual({ left: 0, top: 0, width: 6, height: 4 });
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
