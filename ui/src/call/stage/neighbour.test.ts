import { describe, expect, it } from "vitest";
import { gridLayout } from "../grid";
import { sidebarLayout, speakerLayout } from "../layouts";
import { neighbour } from "./neighbour";

describe("an arrow key", () => {
  const five = gridLayout(5, 1392, 752);

  it("goes to the tile above and below, and back", () => {
    expect(neighbour(five, 0, "down")).toBe(3);
    expect(neighbour(five, 2, "down")).toBe(4);
    expect(neighbour(five, 3, "up")).toBe(0);
    expect(neighbour(five, 0, "up")).toBeNull();
  });

  it("goes along a row and stops at its ends", () => {
    expect(neighbour(five, 0, "right")).toBe(1);
    expect(neighbour(five, 2, "right")).toBeNull();
    expect(neighbour(five, 4, "left")).toBe(3);
  });

  it("reaches the large picture from every small one, and a small one from it", () => {
    const { large, small } = speakerLayout(6, 1392, 752);
    const rects = [large, ...small];
    small.forEach((_, index) => expect(neighbour(rects, index + 1, "up")).toBe(0));
    expect(neighbour(rects, 0, "down")).toBeGreaterThan(0);
    const side = sidebarLayout(5, 1392, 752);
    expect(neighbour([side.large, ...side.small], 0, "right")).toBe(3);
    expect(neighbour([side.large, ...side.small], 5, "left")).toBe(0);
  });

  it("visits every tile of a large grid", () => {
    const rects = gridLayout(49, 1392, 752);
    let at: number | null = 0;
    let rows = 0;
    while (at !== null) {
      rows += 1;
      at = neighbour(rects, at, "down");
    }
    expect(rows).toBe(7);
  });
});
