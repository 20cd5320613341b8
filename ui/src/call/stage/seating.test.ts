import { describe, expect, it } from "vitest";
import { fixturePerson } from "../../bridge/fixture";
import { exchange, follow, GAP_MS, nextChange, NO_SEATING, pinnedFirst, type Seating } from "./seating";

const people = Array.from({ length: 8 }, (_, index) => fixturePerson(index + 1, `Person ${index + 1}`));
const id = (number: number): string => people[number - 1]?.id ?? "";
const ME = id(1);
const numbers = (order: readonly string[]): number[] => order.map((person) => Number(person.slice(-4)));
const seats = (seating: Seating): number[] => numbers(seating.order);
/** Time passes and somebody speaks. */
const hear = (seating: Seating, speaking: number[], now: number): Seating => follow(seating, people, speaking.map(id), ME, now);

describe("seats", () => {
  it("are in the order of joining, without me, and who joins sits at the end", () => {
    const some = follow(NO_SEATING, people.slice(0, 5), NO_SEATING.speaking, ME, 0);
    expect(seats(some)).toEqual([2, 3, 4, 5]);
    expect(seats(follow(some, people, some.speaking, ME, 10))).toEqual([2, 3, 4, 5, 6, 7, 8]);
  });

  it("show the pinned one first", () => {
    expect(numbers(pinnedFirst([id(2), id(3), id(4)], id(4)))).toEqual([4, 2, 3]);
    expect(numbers(pinnedFirst([id(2), id(3)], id(7)))).toEqual([2, 3]);
  });

  it("close the gap of one who left after 400 ms, and once", () => {
    let seating = hear(NO_SEATING, [], 0);
    const without = people.filter((person) => person.id !== id(3));
    seating = follow(seating, without, seating.speaking, ME, 1_000);
    expect(seats(seating)).toEqual([2, 3, 4, 5, 6, 7, 8]);
    expect(nextChange(seating, 7, null, 1_000)).toBe(1_000 + GAP_MS);
    seating = follow(seating, without, seating.speaking, ME, 1_399);
    expect(seats(seating)).toContain(3);
    seating = follow(seating, without, seating.speaking, ME, 1_400);
    expect(seats(seating)).toEqual([2, 4, 5, 6, 7, 8]);
    expect(nextChange(seating, 7, null, 1_400)).toBeNull();
  });

  it("are kept for one who comes back within the gap", () => {
    let seating = hear(NO_SEATING, [], 0);
    seating = follow(seating, people.filter((person) => person.id !== id(3)), seating.speaking, ME, 1_000);
    seating = follow(seating, people, seating.speaking, ME, 1_300);
    expect(seats(follow(seating, people, seating.speaking, ME, 9_000))).toEqual([2, 3, 4, 5, 6, 7, 8]);
  });

  it("remember of nobody who has left when they were heard", () => {
    let seating = hear(hear(NO_SEATING, [3, 4], 0), [], 1_000);
    expect([...seating.heardAt.keys()].sort()).toEqual([id(3), id(4)]);
    const without = people.filter((person) => person.id !== id(3));
    seating = follow(seating, without, seating.speaking, ME, 1_000);
    seating = follow(seating, without, seating.speaking, ME, 1_000 + GAP_MS);
    expect([...seating.heardAt.keys()]).toEqual([id(4)]);
    // Nor of me, nor of somebody who is not here.
    seating = follow(seating, without, [ME, "stranger"], ME, 2_000);
    expect([...seating.heardAt.keys()]).toEqual([id(4)]);
  });

  it("are the very same when nothing changed", () => {
    const seating = hear(NO_SEATING, [], 0);
    expect(follow(seating, people, seating.speaking, ME, 5_000)).toBe(seating);
  });
});

describe("who speaks beyond page one", () => {
  it("changes places with the longest silent", () => {
    let seating = hear(NO_SEATING, [2, 3], 1_000);
    seating = hear(seating, [4], 2_000);
    seating = exchange(hear(seating, [7], 30_000), 3, null, 30_000);
    // 2 and 3 fell silent at 2 s, 4 at 30 s: of the two the last goes.
    expect(seats(seating)).toEqual([2, 7, 4, 5, 6, 3, 8]);
  });

  it("stays there after falling silent", () => {
    let seating = exchange(hear(hear(NO_SEATING, [], 0), [7], 1_000), 3, null, 1_000);
    expect(seats(seating)).toEqual([2, 3, 7, 5, 6, 4, 8]);
    seating = exchange(hear(seating, [], 2_000), 3, null, 2_000);
    seating = exchange(hear(seating, [], 60_000), 3, null, 60_000);
    expect(seats(seating)).toEqual([2, 3, 7, 5, 6, 4, 8]);
  });

  it("waits until 5 s after the last exchange, and comes then although silent again", () => {
    let seating = exchange(hear(NO_SEATING, [7], 1_000), 3, null, 1_000);
    seating = exchange(hear(seating, [8], 2_000), 3, null, 2_000);
    expect(seats(seating)).toEqual([2, 3, 7, 5, 6, 4, 8]);
    expect(nextChange(seating, 3, null, 2_000)).toBe(6_000);
    seating = exchange(hear(seating, [], 3_000), 3, null, 3_000);
    expect(seats(exchange(seating, 3, null, 6_000))).toEqual([2, 8, 7, 5, 6, 4, 3]);
  });

  it("is forgotten after 20 s", () => {
    const seating = hear(hear(NO_SEATING, [7], 1_000), [], 2_000);
    expect(seats(exchange(seating, 3, null, 22_001))).toEqual([2, 3, 4, 5, 6, 7, 8]);
  });

  it("never takes the place of a pinned one or of one who speaks", () => {
    const seating = exchange(hear(NO_SEATING, [3, 7], 1_000), 3, id(4), 1_000);
    // Page one shows 4, 2, 3.
    expect(numbers(pinnedFirst(seating.order, id(4))).slice(0, 3)).toEqual([4, 7, 3]);
  });

  it("moves nobody when all of page one speak", () => {
    const seating = hear(NO_SEATING, [2, 3, 4, 7], 1_000);
    expect(exchange(seating, 3, null, 1_000)).toBe(seating);
  });
});
