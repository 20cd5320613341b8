import { describe, expect, it } from "vitest";
import { followSpeech, nextSpeech, NO_LARGE } from "./large";

const OTHERS = ["ines", "tomas", "mei"];

describe("the large picture", () => {
  it("is the first other before anybody speaks, and nobody when nobody is there", () => {
    expect(followSpeech(NO_LARGE, OTHERS, [], 0).shown).toBe("ines");
    expect(followSpeech(NO_LARGE, [], ["me"], 0).shown).toBeNull();
  });

  it("changes after 1.5 s of speech", () => {
    let large = followSpeech(NO_LARGE, OTHERS, [], 0);
    large = followSpeech(large, OTHERS, ["tomas"], 1_000);
    expect(large.shown).toBe("ines");
    expect(nextSpeech(large)).toBe(2_500);
    expect(followSpeech(large, OTHERS, ["tomas"], 2_499).shown).toBe("ines");
    expect(followSpeech(large, OTHERS, ["tomas"], 2_500)).toEqual({ shown: "tomas", next: null });
  });

  it("does not change for a cough", () => {
    let large = followSpeech(NO_LARGE, OTHERS, ["tomas"], 0);
    large = followSpeech(large, OTHERS, ["mei"], 1_000);
    large = followSpeech(large, OTHERS, [], 1_300);
    expect(followSpeech(large, OTHERS, ["mei"], 3_000).shown).toBe("tomas");
  });

  it("never changes to me", () => {
    const large = followSpeech(NO_LARGE, OTHERS, ["ines"], 0);
    expect(followSpeech(followSpeech(large, OTHERS, ["me"], 1_000), OTHERS, ["me"], 9_000).shown).toBe("ines");
  });

  it("stays while two speak and the shown one is louder", () => {
    const large = followSpeech(NO_LARGE, OTHERS, ["ines"], 0);
    expect(followSpeech(followSpeech(large, OTHERS, ["ines", "mei"], 1_000), OTHERS, ["ines", "mei"], 9_000).shown).toBe("ines");
  });

  it("goes on to another when the shown one leaves", () => {
    const large = followSpeech(NO_LARGE, OTHERS, ["ines"], 0);
    expect(followSpeech(large, ["tomas", "mei"], ["mei"], 1_000).shown).toBe("mei");
  });

  it("is the very same while nothing changes", () => {
    const large = followSpeech(NO_LARGE, OTHERS, ["ines"], 0);
    expect(followSpeech(large, OTHERS, ["ines"], 700)).toBe(large);
  });
});
