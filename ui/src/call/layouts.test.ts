import { describe, expect, it } from "vitest";
import type { Rect } from "./grid";
import { cornerGrid, cornerPageSize, selfCorner, sidebarLayout, speakerLayout } from "./layouts";

const SIZES = [[1392, 752], [1232, 572], [876, 572], [464, 616], [300, 400]] as const;
const overlaps = (left: Rect, right: Rect): boolean =>
  left.x < right.x + right.width && right.x < left.x + left.width && left.y < right.y + right.height && right.y < left.y + left.height;
const allApart = (rects: readonly Rect[]): boolean => rects.every((rect, index) => !rects.slice(index + 1).some((other) => overlaps(rect, other)));
const inside = (rect: Rect, width: number, height: number): boolean =>
  rect.x >= 0 && rect.y >= 0 && rect.x + rect.width <= width + 1 && rect.y + rect.height <= height + 1;

describe("the speaker layout", () => {
  it("has one picture, 16:9 at most, over a row of six that is 130 high", () => {
    const { large, small } = speakerLayout(12, 1392, 752);
    expect(large).toEqual({ x: 152, y: 0, width: 1088, height: 612 });
    expect(small).toHaveLength(6);
    expect(small.every(({ y, height }) => y === 622 && height === 130)).toBe(true);
  });

  it("gives the whole stage to one who is alone in it", () => {
    expect(speakerLayout(0, 1392, 752)).toEqual({ large: { x: 28, y: 0, width: 1336, height: 752 }, small: [] });
  });

  it("never overlaps and never leaves the stage, in any size", () => {
    for (const [width, height] of SIZES) {
      for (let others = 0; others < 12; others += 1) {
        const { large, small } = speakerLayout(others, width, height);
        expect(allApart([large, ...small])).toBe(true);
        expect([large, ...small].every((rect) => inside(rect, width, height))).toBe(true);
        expect(large.width / large.height).toBeLessThan(16 / 9 + 0.01);
      }
    }
  });
});

describe("the sidebar layout", () => {
  it("has a column of 232 at the end", () => {
    const { large, small } = sidebarLayout(5, 1392, 752);
    expect(small).toHaveLength(5);
    expect(small.every(({ x, width }) => x === 1160 && width === 232)).toBe(true);
    expect(large.x + large.width).toBeLessThanOrEqual(1150);
  });

  it("puts the column below in a narrow stage", () => {
    const { large, small } = sidebarLayout(3, 464, 616);
    expect(small.every(({ y }) => y > large.y + large.height)).toBe(true);
  });

  it("never overlaps and never leaves the stage, in any size", () => {
    for (const [width, height] of SIZES) {
      for (let others = 0; others < 12; others += 1) {
        const { large, small } = sidebarLayout(others, width, height);
        expect(allApart([large, ...small])).toBe(true);
        expect([large, ...small].every((rect) => inside(rect, width, height))).toBe(true);
      }
    }
  });
});

describe("my own picture in the corner", () => {
  it("lies over nobody, however many are there", () => {
    for (const [width, height] of [[1392, 752], [1232, 572], [876, 572], [464, 616]] as const) {
      const corner = selfCorner(width, height);
      for (let total = 9; total <= 60; total += 1) {
        const count = Math.min(total, cornerPageSize(total, width, height));
        const tiles = cornerGrid(count, width, height);
        expect(tiles).toHaveLength(count);
        expect(allApart([corner, ...tiles])).toBe(true);
        expect(tiles.every((tile) => inside(tile, width, height))).toBe(true);
      }
    }
  });

  it("moves the last row aside rather than all tiles", () => {
    const tiles = cornerGrid(11, 1392, 752);
    expect(tiles[0]?.width).toBe(340);
    expect(tiles.at(-1)?.x).toBeLessThan(1232 - 340);
  });

  it("takes no room where the last row leaves the corner free", () => {
    expect(cornerGrid(10, 1392, 752)[0]?.width).toBe(340);
  });
});
