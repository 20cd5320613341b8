import { describe, expect, it } from "vitest";
import { fixturePerson } from "../../bridge/fixture";
import { bitRate, figuresOf, reportOf } from "./figures";
import { fixtureStats } from "./fixture_stats";

const INES = fixturePerson(1, "Ines Okafor");
const stats = fixtureStats(INES.id);

describe("the figures of a call", () => {
  const figures = figuresOf(stats, [INES]);

  it("have units, and say what is not known", () => {
    expect(figures.connection.slice(0, 3)).toEqual([
      { name: "Round trip", value: "24 ms" },
      { name: "Loss of what you send", value: "1.2 %" },
      { name: "Estimate of the path", value: "3.1 Mbit/s" },
    ]);
    const unknown = figuresOf({ ...stats, connection: { ...stats.connection, round_trip_ms: null } }, []);
    expect(unknown.connection[0]?.value).toBe("not known");
  });

  it("name each layer that is sent, and whether anybody watches it", () => {
    expect(figures.sending.lines).toEqual([
      ["Camera, large", "1280 × 720", "30", "1.4 Mbit/s", "6 ms"],
      ["Camera, small", "320 × 180", "30", "nobody watches", "1 ms"],
      ["Microphone", "", "", "32 kbit/s", "22 ms"],
    ]);
  });

  it("name who is received, picture and voice, and leave idle slots out", () => {
    expect(figures.receiving.lines).toEqual([
      ["Ines Okafor", "640 × 360", "30", "512 kbit/s", "12 ms", "1.0 %"],
      ["Ines Okafor, voice", "", "", "", "62 ms", "0.7 %"],
    ]);
  });

  it("fill every column of their tables", () => {
    for (const table of [figures.sending, figures.receiving]) {
      for (const line of table.lines) expect(line).toHaveLength(table.columns.length);
    }
  });

  it("become a report without anybody's name", () => {
    const report = reportOf(stats);
    expect(report).toContain("Confab statistics, 2026-11-24T10:48:00.000Z");
    expect(report).toContain("Round trip: 24 ms");
    expect(report).toContain("640 × 360");
    expect(report).toContain("#1\t640");
    expect(report).not.toContain("Ines");
    expect(report).not.toContain(INES.id.slice(0, 8));
  });

  it("write bit rates as people read them", () => {
    expect([bitRate(0), bitRate(999_400), bitRate(12_340_000)]).toEqual(["0 kbit/s", "999 kbit/s", "12.3 Mbit/s"]);
  });
});
