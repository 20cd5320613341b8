import { describe, expect, it } from "vitest";
import { fixtureMessage, fixturePerson } from "../bridge/fixture";
import { shownMessages, textParts } from "./groups";

const INES = fixturePerson(1, "Ines");
const RAJ = fixturePerson(2, "Raj");

describe("messages", () => {
  it("of one person shortly after each other share one name", () => {
    const shown = shownMessages([
      fixtureMessage(1, INES, "a", 20), fixtureMessage(2, INES, "b", 19), fixtureMessage(3, INES, "c", 10), fixtureMessage(4, RAJ, "d", 10),
    ], new Set([RAJ.id]));
    expect(shown.map(({ follows }) => follows)).toEqual([false, true, false, false]);
    expect(shown.map(({ own }) => own)).toEqual([false, false, false, true]);
  });

  it("have their addresses told apart, without the full stop after them", () => {
    expect(textParts("See https://example.org/a?b=1, then confab://host/m/kestrel-lane-27.")).toEqual([
      { kind: "text", text: "See " },
      { kind: "link", text: "https://example.org/a?b=1" },
      { kind: "text", text: ", then " },
      { kind: "link", text: "confab://host/m/kestrel-lane-27" },
      { kind: "text", text: "." },
    ]);
  });

  it("with no address are one text, whatever they hold", () => {
    expect(textParts("<img src=x> javascript:alert(1)")).toEqual([{ kind: "text", text: "<img src=x> javascript:alert(1)" }]);
    expect(textParts("")).toEqual([]);
  });
});
