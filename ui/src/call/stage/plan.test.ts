import { describe, expect, it } from "vitest";
import type { Rect } from "../grid";
import { planStage, seatsOf, withLargeFirst, type StageInput } from "./plan";

const plan = (change: Partial<StageInput>) =>
  planStage({ layout: "grid", others: 4, withSelf: true, shares: 0, width: 1416, height: 776, page: 0, band: 0, ...change });
const overlaps = (left: Rect, right: Rect): boolean =>
  left.x < right.x + right.width && right.x < left.x + left.width && left.y < right.y + right.height && right.y < left.y + left.height;

describe("the places of the stage", () => {
  it("have me as a tile among nine, and in the corner among ten", () => {
    expect(plan({ others: 8 })).toMatchObject({ selfTile: true, corner: null });
    expect(plan({ others: 8 }).places).toHaveLength(9);
    const ten = plan({ others: 9 });
    expect(ten.selfTile).toBe(false);
    expect(ten.corner).toMatchObject({ width: 160, height: 108 });
    expect(ten.places).toHaveLength(9);
  });

  it("have none for me when I am hidden", () => {
    expect(plan({ withSelf: false }).places).toHaveLength(4);
    expect(plan({ withSelf: false, others: 20 }).corner).toBeNull();
  });

  it("never overlap, in any layout, with any number of people, on any page", () => {
    for (const [width, height] of [[1416, 776], [1256, 596], [860, 596], [464, 650]] as const) {
      for (const layout of ["grid", "speaker", "sidebar"] as const) {
        for (const shares of [0, 1, 2]) {
          for (let others = 1; others <= 60; others += 3) {
            for (const page of [0, 1]) {
              const { places, large, corner, share } = plan({ layout, shares, others, width, height, page });
              const all = [...places, ...(large === null ? [] : [large]), ...(corner === null ? [] : [corner]), ...(share === null ? [] : [share.panel])];
              all.forEach((rect, index) => {
                expect(all.slice(index + 1).some((other) => overlaps(rect, other))).toBe(false);
                expect(rect.x + rect.width).toBeLessThanOrEqual(width + 1);
                expect(rect.y + rect.height).toBeLessThanOrEqual(height + 1);
              });
            }
          }
        }
      }
    }
  });

  it("show everybody once over all pages", () => {
    for (const layout of ["grid", "speaker", "sidebar"] as const) {
      for (const shares of [0, 2]) {
        const others = Array.from({ length: 57 }, (_, index) => index);
        const large = layout !== "grid" && shares === 0 ? 1 : 0;
        const first = plan({ layout, shares, others: 57 });
        const seen = Array.from({ length: first.pages }, (_, page) => {
          const shown = plan({ layout, shares, others: 57, page });
          const seats = seatsOf(others.slice(large), shown);
          const fixed = page === 0 ? (shown.selfTile ? 1 : 0) + shown.shareTiles : 0;
          expect(shown.places).toHaveLength(seats.length + fixed);
          return seats;
        }).flat();
        expect(seen).toEqual(others.slice(large));
      }
    }
  });

  it("keep the large picture as large on every page", () => {
    expect(plan({ layout: "speaker", others: 20, page: 2 }).large).toEqual(plan({ layout: "speaker", others: 20 }).large);
  });

  it("fall back to the last page when there are fewer", () => {
    expect(plan({ others: 60, page: 9 }).page).toBe(1);
    expect(plan({ others: 3, page: 1 }).page).toBe(0);
  });

  it("are a grid for one who is alone, whatever the layout", () => {
    expect(plan({ layout: "speaker", others: 0 })).toMatchObject({ kind: "grid", pages: 1 });
  });
});

describe("the large seat", () => {
  it("changes places with the first, and nobody else moves", () => {
    expect(withLargeFirst(["a", "b", "c", "d"], 2)).toEqual(["c", "b", "a", "d"]);
    expect(withLargeFirst(["a", "b"], 0)).toEqual(["a", "b"]);
    expect(withLargeFirst(["a", "b"], -1)).toEqual(["a", "b"]);
  });
});
