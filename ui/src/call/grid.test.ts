import { describe, expect, it } from "vitest";
import { gridLayout, NARROW_GRID, pageSize, shareLayout, type Rect } from "./grid";

/** The stage of a 1440 x 900 window: without title bar, dock, the call's padding and the stage's. */
const STAGE = { width: 1440 - 24 - 24, height: 900 - 48 - 76 - 24 };
const size = (count: number, width = STAGE.width, height = STAGE.height): [number, number] => {
  const tile = gridLayout(count, width, height)[0];
  return [tile?.width ?? 0, tile?.height ?? 0];
};
const overlaps = (left: Rect, right: Rect): boolean =>
  left.x < right.x + right.width && right.x < left.x + left.width && left.y < right.y + right.height && right.y < left.y + left.height;

describe("the grid", () => {
  it("gives the tiles the design measured in a window of 1440 x 900", () => {
    expect(size(5)).toEqual([457, 343]);
    expect(size(16)).toEqual([320, 180]);
    expect(size(25)).toEqual([253, 142]);
    expect(size(49)).toEqual([175, 98]);
  });

  it("never overlaps tiles, never leaves the area and keeps the aspect, for every count and many sizes", () => {
    for (const [width, height] of [[1392, 752], [1232, 572], [876, 752], [464, 616], [300, 900]] as const) {
      for (let count = 1; count <= 49; count += 1) {
        const tiles = gridLayout(count, width, height);
        expect(tiles).toHaveLength(count);
        tiles.forEach((tile, index) => {
          expect(tile.x).toBeGreaterThanOrEqual(0);
          expect(tile.y).toBeGreaterThanOrEqual(0);
          expect(tile.x + tile.width).toBeLessThanOrEqual(width + 1);
          expect(tile.y + tile.height).toBeLessThanOrEqual(height + 1);
          if (tile.height > 40) {
            expect(tile.width / tile.height).toBeGreaterThan(4 / 3 - 0.06);
            expect(tile.width / tile.height).toBeLessThan(16 / 9 + 0.06);
          }
          expect(tiles.slice(index + 1).some((other) => overlaps(tile, other))).toBe(false);
        });
      }
    }
  });

  it("centres the last row", () => {
    const tiles = gridLayout(5, STAGE.width, STAGE.height);
    const [fourth, fifth] = [tiles[3], tiles[4]];
    if (fourth === undefined || fifth === undefined) throw new Error("five tiles expected");
    expect(fourth.x).toBeCloseTo(STAGE.width - (fifth.x + fifth.width), -1);
  });

  it("puts five people beside a panel in a window of 1280 x 720 into two columns", () => {
    const tiles = gridLayout(5, 1280 - 24 - 360 - 12 - 24, 720 - 48 - 76 - 24);
    expect(new Set(tiles.slice(0, 4).map(({ x }) => x)).size).toBe(2);
  });

  it("puts three people in a narrow window under each other, and four to eight into two columns", () => {
    const width = 480 - 16 - 16;
    const height = 800 - 48 - 72 - 16;
    for (let count = 3; count <= 8; count += 1) {
      const tiles = gridLayout(count, width, height, NARROW_GRID);
      const full = tiles.slice(0, count - (count % 2));
      expect(new Set(full.map(({ x }) => x)).size).toBe(count < 4 ? 1 : 2);
    }
  });

  it("gives nothing for nobody, and nothing in no room", () => {
    expect(gridLayout(0, 800, 600)).toEqual([]);
    expect(gridLayout(4, 0, 0)).toEqual([]);
    expect(gridLayout(4, 20, 5)).toEqual([]);
  });
});

describe("a page of the grid", () => {
  it("holds 49 people in a large window and 40 in one of 1280 x 720", () => {
    expect(pageSize(80, STAGE.width, STAGE.height)).toBe(49);
    expect(pageSize(80, 1280 - 48, 720 - 48 - 76 - 24)).toBe(40);
  });

  it("holds everybody when they fit", () => {
    expect(pageSize(5, STAGE.width, STAGE.height)).toBe(5);
    expect(pageSize(1, 100, 100)).toBe(1);
  });

  it("keeps every tile legible", () => {
    for (let width = 300; width <= 2000; width += 130) {
      for (let height = 250; height <= 1200; height += 110) {
        const count = pageSize(49, width, height);
        const tile = gridLayout(count, width, height)[0];
        if (count > 1) expect(tile?.width ?? 0).toBeGreaterThanOrEqual(144);
      }
    }
  });
});

describe("the layout of a share", () => {
  it("never covers the content with people", () => {
    for (const [width, height] of [[1416, 776], [1256, 596], [860, 596], [464, 650]] as const) {
      for (let people = 1; people <= 20; people += 1) {
        const { content, panel, strip } = shareLayout(people, width, height);
        for (const tile of strip) expect(overlaps(tile, panel)).toBe(false);
        expect(content.x + content.width).toBeLessThanOrEqual(panel.x + panel.width);
        expect(content.y + content.height).toBeLessThanOrEqual(panel.y + panel.height);
        expect(strip.length).toBeGreaterThanOrEqual(1);
        expect(strip.length).toBeLessThanOrEqual(people);
        expect(strip.every((tile) => tile.y + tile.height <= height + 1 && tile.x + tile.width <= width + 1)).toBe(true);
      }
    }
  });

  it("has the people at the right of a wide window and on top of a narrow one", () => {
    expect(shareLayout(3, 1416, 776).strip[0]?.x).toBeGreaterThan(1000);
    const narrow = shareLayout(3, 860, 596);
    expect(narrow.strip[0]?.y).toBe(0);
    expect(narrow.panel.y).toBeGreaterThan(92);
  });
});
