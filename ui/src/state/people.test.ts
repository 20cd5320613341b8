import { describe, expect, it } from "vitest";
import { fixturePerson } from "../bridge/fixture";
import { handPlace, pageCount, raisedHands, sends, sharers } from "./people";

const ids = (list: readonly { id: string }[]): number[] => list.map(({ id }) => Number(id.slice(-4)));

describe("people", () => {
  it("raise hands in an order", () => {
    const hands = [fixturePerson(1, "A", { hand_raised_at: 300 }), fixturePerson(2, "B"), fixturePerson(3, "C", { hand_raised_at: 100 })];
    expect(ids(raisedHands(hands))).toEqual([3, 1]);
    expect(handPlace(hands, hands[0]?.id ?? "")).toBe(2);
    expect(handPlace(hands, hands[1]?.id ?? "")).toBeNull();
  });

  it("send what is published and not switched off", () => {
    const person = fixturePerson(1, "A", { muted: ["microphone"] });
    expect(sends(person, "microphone")).toBe(false);
    expect(sends(person, "camera")).toBe(true);
    expect(sends(person, "screen")).toBe(false);
  });

  it("who share are listed as their shares came, and only while they share", () => {
    const sharing = [fixturePerson(1, "A", { adds: ["screen"] }), fixturePerson(2, "B", { adds: ["screen"] }), fixturePerson(3, "C")];
    const [a, b, c] = sharing.map((person) => person.id);
    expect(ids(sharers(sharing, [b ?? "", a ?? "", c ?? ""]))).toEqual([2, 1]);
  });

  it("fill pages", () => {
    expect(pageCount(8, 3)).toBe(3);
    expect(pageCount(8, 8)).toBe(1);
    expect(pageCount(0, 8)).toBe(1);
  });
});
