import { describe, expect, it } from "vitest";
import { fixturePerson } from "../bridge/fixture";
import { handPlace, pageCount, pageOf, raisedHands, sends, sharers, stageOrder, stripOf, stripOrder } from "./people";

const people = Array.from({ length: 8 }, (_, index) => fixturePerson(index + 1, `Person ${index + 1}`));
const ids = (list: readonly { id: string }[]): number[] => list.map(({ id }) => Number(id.slice(-4)));
const id = (number: number): string => people[number - 1]?.id ?? "";

describe("people", () => {
  it("stand pinned first, then in the order of joining, me last", () => {
    expect(ids(stageOrder(people, id(2), id(5)))).toEqual([5, 1, 3, 4, 6, 7, 8, 2]);
    expect(ids(stageOrder(people, id(2), null))).toEqual([1, 3, 4, 5, 6, 7, 8, 2]);
  });

  it("beside a share stand with those who speak first, and always with me", () => {
    const ordered = stageOrder(people, id(2), null);
    expect(ids(stripOrder(ordered, [id(6), id(2)], id(2)))).toEqual([6, 1, 3, 4, 5, 7, 8, 2]);
    expect(ids(stripOf(ordered, [id(6)], id(2), 3))).toEqual([6, 1, 2]);
  });

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

  it("who share are the others, not me", () => {
    const sharing = [fixturePerson(1, "A", { adds: ["screen"] }), fixturePerson(2, "B", { adds: ["screen"] })];
    expect(ids(sharers(sharing, sharing[0]?.id ?? ""))).toEqual([2]);
  });
});

describe("pages of the stage", () => {
  const ordered = stageOrder(people, id(1), null);
  const page = (size: number, number: number, heard: string[] = []) => ids(pageOf(ordered, size, number, id(1), () => false, heard));

  it("have me last on the first and everybody once", () => {
    expect(page(4, 0)).toEqual([2, 3, 4, 1]);
    expect(page(4, 1)).toEqual([5, 6, 7, 8]);
    expect([...page(3, 0), ...page(3, 1), ...page(3, 2)].sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(pageCount(8, 3)).toBe(3);
  });

  it("bring who speaks onto the first, in the place of one who does not", () => {
    expect(page(4, 0, [id(7)])).toEqual([2, 3, 7, 1]);
    expect(page(4, 1, [id(7)])).toEqual([5, 6, 4, 8]);
  });

  it("move nobody when who speaks is there already", () => {
    expect(page(4, 0, [id(3)])).toEqual([2, 3, 4, 1]);
  });

  it("never move a pinned person away", () => {
    expect(ids(pageOf(ordered, 4, 0, id(1), (person) => person === id(4), [id(7)]))).toEqual([2, 7, 4, 1]);
  });

  it("are one when everybody fits", () => {
    expect(page(8, 0)).toHaveLength(8);
    expect(pageCount(8, 8)).toBe(1);
  });
});
