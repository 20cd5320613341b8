import { describe, expect, it } from "vitest";
import type { ShownReaction } from "../state/call_state";
import { nextExpiry, reactionCounts, reactionOf, shownReactions } from "./reactions";

const clap = (participant: string, at: number): ShownReaction => ({ participant, reaction: "clap", at });

describe("reactions", () => {
  it("are shown for five seconds", () => {
    const all = [clap("ines", 1_000), clap("raj", 3_000)];
    expect(shownReactions(all, 5_999)).toBe(all);
    expect(shownReactions(all, 6_000)).toEqual([clap("raj", 3_000)]);
    expect(nextExpiry(all)).toBe(6_000);
    expect(nextExpiry([])).toBeNull();
  });

  it("stand with their sender", () => {
    expect(reactionOf([clap("ines", 1)], "ines")).toBe("clap");
    expect(reactionOf([clap("ines", 1)], "raj")).toBeNull();
  });

  it("of three people become a count, of two not", () => {
    const two = [clap("ines", 1), clap("raj", 2)];
    expect(reactionCounts(two)).toEqual([]);
    expect(reactionCounts([...two, clap("mei", 3), { participant: "tom", reaction: "heart", at: 4 }])).toEqual([{ reaction: "clap", count: 3 }]);
  });
});
