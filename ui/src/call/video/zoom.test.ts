import { describe, expect, it } from "vitest";
import { fitPicture } from "./fit";
import { MOST_ZOOM, movedBy, settled, WHOLE, zoomAt, zoomedIn, type Zoom } from "./zoom";

const TILE = { width: 1000, height: 800 };
const fitted = fitPicture("whole", TILE.width, TILE.height, 1600, 900);
/** Which point of the picture stands at a pixel of the tile. */
const pointAt = (zoom: Zoom, pixel: number): number => {
  const shown = zoomedIn(fitted, TILE, zoom);
  return shown.left + ((pixel - shown.x) / shown.width) * (shown.right - shown.left);
};

describe("a zoomed picture", () => {
  it("is the whole picture at first", () => {
    expect(zoomedIn(fitted, TILE, WHOLE)).toBe(fitted);
  });

  it("never leaves its tile and keeps its shape", () => {
    for (const scale of [1.2, 2, 5]) {
      for (const [x, y] of [[0, 0], [0.5, 0.5], [1, 1]] as const) {
        const shown = zoomedIn(fitted, TILE, { scale, x, y });
        expect(shown.x).toBeGreaterThanOrEqual(0);
        expect(shown.x + shown.width).toBeLessThanOrEqual(TILE.width + 1e-6);
        expect(shown.y + shown.height).toBeLessThanOrEqual(TILE.height + 1e-6);
        const across = shown.width / ((shown.right - shown.left) * 1600);
        const down = shown.height / ((shown.bottom - shown.top) * 900);
        expect(across).toBeCloseTo(down, 6);
        expect(shown.left).toBeGreaterThanOrEqual(-1e-9);
        expect(shown.right).toBeLessThanOrEqual(1 + 1e-9);
      }
    }
  });

  it("keeps what is under the pointer there", () => {
    const before = zoomAt(WHOLE, 2, { x: 0, y: 0 }, TILE, fitted);
    const after = zoomAt(before, 1.5, { x: 120, y: 40 }, TILE, fitted);
    expect(pointAt(after, 620)).toBeCloseTo(pointAt(before, 620), 6);
  });

  it("follows the hand, and stops at the picture's edge", () => {
    const near: Zoom = { scale: 4, x: 0.5, y: 0.5 };
    expect(movedBy(near, { x: 100, y: 0 }, TILE, fitted).x).toBeCloseTo(0.475, 6);
    expect(pointAt(movedBy(near, { x: 9_999, y: 0 }, TILE, fitted), 0)).toBeCloseTo(0, 6);
  });

  it("goes neither closer than eight times nor farther than whole", () => {
    expect(zoomAt(WHOLE, 100, { x: 0, y: 0 }, TILE, fitted).scale).toBe(MOST_ZOOM);
    expect(zoomAt({ scale: 2, x: 0.3, y: 0.3 }, 0.1, { x: 0, y: 0 }, TILE, fitted)).toEqual(WHOLE);
    expect(settled({ scale: 1, x: 0.1, y: 0.9 }, TILE, fitted)).toEqual(WHOLE);
  });
});
