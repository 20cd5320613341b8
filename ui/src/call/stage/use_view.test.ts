import { describe, expect, it } from "vitest";
import { onlyShrinks, viewOf } from "./use_view";

describe("the view asked of the server", () => {
  it("names what is shown of others, screens first in rank, and never my own picture", () => {
    const view = viewOf([
      { key: "me/camera", width: 100, height: 50 },
      { key: "preview/camera", width: 100, height: 50 },
      { key: "ines/screen", width: 900, height: 600 },
      { key: "raj/camera", width: 320, height: 180 },
    ], "me", "raj");
    expect(view).toEqual([
      { participant: "ines", source: "screen", width: 900, height: 600, priority: 2, pinned: false },
      { participant: "raj", source: "camera", width: 320, height: 180, priority: 1, pinned: true },
    ]);
  });

  it("waits only when nothing is new or larger", () => {
    const tile = (participant: string, height: number) => ({ participant, source: "camera" as const, width: height * 2, height, priority: 1, pinned: false });
    expect(onlyShrinks([tile("a", 400), tile("b", 400)], [tile("a", 200)])).toBe(true);
    expect(onlyShrinks([tile("a", 200)], [tile("a", 400)])).toBe(false);
    expect(onlyShrinks([tile("a", 200)], [tile("a", 200), tile("b", 200)])).toBe(false);
    expect(onlyShrinks([tile("a", 200)], [])).toBe(true);
  });
});
