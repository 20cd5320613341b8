import { act, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { fixturePerson } from "../bridge/fixture";
import type { ParticipantInfo } from "../bridge/protocol.generated";
import { INES, LENA, openCall, TOMAS } from "../test_app";
import { fixtureStats } from "./statistics/fixture_stats";

const tile = (name: RegExp): HTMLElement => within(screen.getByRole("list", { name: "People in the call" })).getByRole("listitem", { name });
const tiles = (): HTMLElement[] => within(screen.getByRole("list", { name: "People in the call" })).queryAllByRole("listitem");
const names = (): (string | null)[] => tiles().map((item) => item.getAttribute("aria-label"));
const area = (element: HTMLElement): number => Number.parseFloat(element.style.inlineSize) * Number.parseFloat(element.style.blockSize);
const crowd = (count: number): ParticipantInfo[] => [...Array.from({ length: count - 1 }, (_, index) => fixturePerson(20 + index, `Guest ${index + 1}`)), LENA];

describe("the View menu", () => {
  it("changes the layout, keeps it, and the large one is as large as fits", async () => {
    const { user, bridge } = await openCall();
    await user.click(screen.getByRole("button", { name: "View" }));
    expect(await screen.findByRole("menuitemradio", { name: "Grid", checked: true })).toBeDefined();
    await user.click(screen.getByRole("menuitemradio", { name: "Speaker" }));
    expect(bridge.settings.layout).toBe("speaker");
    expect(area(tile(/Ines/))).toBeGreaterThan(4 * area(tile(/Tomas/)));
    await user.keyboard("{Control>}{Shift>}g{/Shift}{/Control}");
    expect(bridge.settings.layout).toBe("sidebar");
    expect(document.querySelector("[data-region=stage]")?.getAttribute("data-layout")).toBe("sidebar");
  });

  it("hides my picture, and the camera's button says that it runs", async () => {
    const { user, bridge } = await openCall();
    await user.click(screen.getByRole("button", { name: "View" }));
    await user.click(await screen.findByRole("menuitemcheckbox", { name: /Hide my picture/ }));
    expect(bridge.settings.hide_self).toBe(true);
    expect(names().some((name) => name?.includes("(you)"))).toBe(false);
    expect(screen.getByRole("button", { name: "Camera, on. Your picture is hidden from you. The others see it.", hidden: true })).toBeDefined();
  });

  it("goes to full screen and back by F11", async () => {
    const { user, bridge } = await openCall();
    await user.keyboard("{F11}");
    await user.keyboard("{F11}");
    expect(bridge.inputs("window_mode_set")).toEqual([{ mode: "full_screen" }, { mode: "normal" }]);
    await user.keyboard("{F11}");
    await user.keyboard("{Escape}");
    expect(bridge.inputs("window_mode_set").at(-1)).toEqual({ mode: "normal" });
  });
});

describe("shortcuts a person changed", () => {
  it("hold, and the usual ones do not", async () => {
    const { user, bridge } = await openCall(undefined, (made) => { made.settings.shortcuts = { hand: "Ctrl+Shift+J" }; });
    await user.keyboard("{Control>}{Shift>}h{/Shift}{/Control}");
    expect(bridge.inputs("hand_set")).toEqual([]);
    await user.keyboard("{Control>}{Shift>}j{/Shift}{/Control}");
    expect(bridge.inputs("hand_set")).toEqual([{ raised: true }]);
    await user.keyboard("{Control>}/{/Control}");
    expect(within(await screen.findByRole("dialog")).getByText("Ctrl Shift J")).toBeDefined();
  });
});

describe("many people", () => {
  it("leave my picture to its corner, over nobody", async () => {
    await openCall(crowd(12));
    const own = tile(/\(you\)/);
    expect([own.style.inlineSize, own.style.blockSize]).toEqual(["160px", "108px"]);
    expect(tiles()).toHaveLength(12);
  });

  it("are on pages, turned by keys but not while one writes", async () => {
    const { user } = await openCall(crowd(60));
    const first = names()[0];
    await user.keyboard("{PageDown}");
    expect(names()[0]).not.toBe(first);
    expect(screen.getByRole("navigation", { name: "Page 2 of 2" })).toBeDefined();
    await user.keyboard("{PageUp}");
    expect(names()[0]).toBe(first);
    await user.keyboard("{Control>}{Shift>}c{/Shift}{/Control}");
    await user.click(await screen.findByRole("textbox"));
    await user.keyboard("{PageDown}");
    expect(names()[0]).toBe(first);
  });

  it("see who speaks on page two come to page one, and stay there", async () => {
    const { emit } = await openCall(crowd(60));
    expect(names().some((name) => name?.startsWith("Guest 59"))).toBe(false);
    const before = names();
    await emit({ type: "speaking", participants: [fixturePerson(78, "Guest 59").id] });
    expect(names().some((name) => name?.startsWith("Guest 59"))).toBe(true);
    expect(names().filter((name) => !before.includes(name))).toHaveLength(1);
    await emit({ type: "speaking", participants: [] });
    expect(names().some((name) => name?.startsWith("Guest 59"))).toBe(true);
  });

  it("are gone between by arrows as one sees them", async () => {
    const { user } = await openCall(crowd(9));
    act(() => tiles()[0]?.focus());
    await user.keyboard("{ArrowDown}");
    const below = document.activeElement as HTMLElement;
    expect(below.style.insetInlineStart).toBe(tiles()[0]?.style.insetInlineStart);
    expect(below).not.toBe(tiles()[0]);
    await user.keyboard("{ArrowUp}");
    expect(document.activeElement).toBe(tiles()[0]);
  });
});

describe("two shares", () => {
  const sharing = (number: number, name: string): ParticipantInfo => fixturePerson(number, name, { adds: ["screen"] });

  it("have the newest large and the other as a tile, which can be made large", async () => {
    const { user, emit } = await openCall();
    await emit({ type: "roster", participants: [INES, sharing(2, "Tomas Lindqvist"), LENA] });
    await emit({ type: "roster", participants: [sharing(1, "Ines Okafor"), sharing(2, "Tomas Lindqvist"), LENA] });
    expect(screen.getByRole("img", { name: "Screen of Ines Okafor" })).toBeDefined();
    await user.pointer({ keys: "[MouseRight]", target: tile(/Screen of Tomas/) });
    await user.click(await screen.findByRole("menuitem", { name: "Show large" }));
    expect(screen.getByRole("img", { name: "Screen of Tomas Lindqvist" })).toBeDefined();
    expect(tile(/Screen of Ines/)).toBeDefined();
  });

  it("are looked at closer by keys, and whole again by 0", async () => {
    const { user, emit } = await openCall();
    await emit({ type: "roster", participants: [sharing(1, "Ines Okafor"), TOMAS, LENA] });
    act(() => screen.getByRole("img", { name: "Screen of Ines Okafor" }).focus());
    await user.keyboard("++");
    expect(screen.getByRole("button", { name: "156 %. Fit to the window" })).toBeDefined();
    await user.keyboard("0");
    expect(screen.getByRole("button", { name: "100 %. Fit to the window" })).toBeDefined();
  });
});

describe("reactions", () => {
  it("are sent from the dock, stand on the tile, and are gone after five seconds", async () => {
    const { user, bridge } = await openCall();
    await user.click(screen.getByRole("button", { name: "React" }));
    await user.click(await screen.findByRole("button", { name: "Applause" }));
    expect(bridge.inputs("react")).toEqual([{ reaction: "clap" }]);
    expect(tile(/Lena Fischer \(you\), reaction: Applause/)).toBeDefined();
    await waitFor(() => expect(screen.queryByRole("button", { name: "Applause" })).toBeNull());
    vi.spyOn(Date, "now").mockReturnValue(Date.now() + 5_001);
    await act(async () => bridge.emit({ type: "speaking", participants: [INES.id] }));
    expect(names().some((name) => name?.includes("reaction"))).toBe(false);
  });

  it("of three become a number in the title bar", async () => {
    const { emit } = await openCall();
    for (const { id } of [INES, TOMAS, LENA]) await emit({ type: "reaction", participant: id, reaction: "heart" });
    expect(screen.getByRole("img", { name: "Heart from 3 people" })).toBeDefined();
  });
});

describe("the quality of a connection", () => {
  it("is told on the tile with what it costs, and only while it lasts", async () => {
    const { emit } = await openCall();
    await emit({ type: "quality", people: [{ participant: INES.id, quality: "weak" }, { participant: TOMAS.id, quality: "bad" }] });
    expect(within(tile(/Ines Okafor, Weak connection, reduced picture, sound is fine/)).getByText("Weak connection")).toBeDefined();
    expect(within(tile(/Tomas/)).getByText("Bad connection")).toBeDefined();
    await emit({ type: "quality", people: [] });
    expect(screen.queryByText("Weak connection")).toBeNull();
  });

  it("of my own is told after ten seconds, not before", async () => {
    const { emit } = await openCall();
    vi.useFakeTimers();
    try {
      await emit({ type: "quality", people: [{ participant: LENA.id, quality: "weak" }] });
      act(() => { vi.advanceTimersByTime(9_900); });
      expect(screen.queryByText("Your connection is weak.")).toBeNull();
      act(() => { vi.advanceTimersByTime(200); });
      expect(screen.getByText("Your connection is weak.")).toBeDefined();
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("statistics", () => {
  it("are measured while they are shown, read as tables, and copied as text", async () => {
    const { user, emit, bridge } = await openCall();
    await user.keyboard("{Control>}{Shift>}i{/Shift}{/Control}");
    const panel = screen.getByRole("region", { name: "Statistics" });
    expect(bridge.inputs("stats_watch")).toEqual([{ on: true }]);
    await emit({ type: "stats", stats: fixtureStats(INES.id) });
    const received = within(panel).getByRole("table", { name: "Receiving" });
    expect(within(received).getByRole("rowheader", { name: "Ines Okafor" })).toBeDefined();
    expect(within(received).getByRole("cell", { name: "512 kbit/s" })).toBeDefined();
    await user.click(within(panel).getByRole("button", { name: "Copy" }));
    expect(bridge.copied[0]).toContain("Round trip: 24 ms");
    await user.click(within(panel).getByRole("button", { name: "Close" }));
    expect(bridge.inputs("stats_watch")).toEqual([{ on: true }, { on: false }]);
  });
});

describe("the mini window", () => {
  it("shows who speaks, my picture and my microphone, and goes back", async () => {
    const { user, emit, bridge } = await openCall();
    await emit({ type: "window_mode", mode: "mini" });
    expect(screen.getByRole("img", { name: "Ines Okafor" })).toBeDefined();
    expect(document.querySelector(`.mini-self [data-tile="${LENA.id}/camera"]`)).not.toBeNull();
    await user.click(screen.getByRole("button", { name: "Microphone, on" }));
    expect(bridge.inputs("set_microphone_on")).toEqual([{ on: false }]);
    await user.click(screen.getByRole("button", { name: "Back to the whole window" }));
    expect(bridge.inputs("window_mode_set")).toEqual([{ mode: "normal" }]);
    expect(tiles()).toHaveLength(3);
  });

  it("shows a share without me over it, and becomes whole when the call ends", async () => {
    const { emit, user, bridge } = await openCall();
    await emit({ type: "roster", participants: [fixturePerson(1, "Ines Okafor", { adds: ["screen"] }), TOMAS, LENA] });
    await emit({ type: "window_mode", mode: "mini" });
    expect(screen.getByRole("img", { name: "Screen of Ines Okafor" })).toBeDefined();
    expect(document.querySelector(".mini-self")).toBeNull();
    await user.click(screen.getByRole("button", { name: "Leave" }));
    expect(bridge.inputs("window_mode_set")).toEqual([{ mode: "normal" }]);
  });
});

describe("seats", () => {
  it("are the same after the mini window", async () => {
    const { emit } = await openCall(crowd(60));
    await emit({ type: "speaking", participants: [fixturePerson(78, "Guest 59").id] });
    await emit({ type: "speaking", participants: [] });
    const before = names();
    expect(before.some((name) => name?.startsWith("Guest 59"))).toBe(true);
    await emit({ type: "window_mode", mode: "mini" });
    await emit({ type: "window_mode", mode: "normal" });
    expect(names()).toEqual(before);
  });
});

describe("the band below somebody who is alone", () => {
  it("takes as much room as its words need, and never more than half", async () => {
    const heights = new Map([["alone-band", 140]]);
    const opened = openCall([LENA]);
    vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockImplementation(function height(this: HTMLElement) { return heights.get(this.className) ?? 596; });
    await opened;
    const bottom = (): number => Number.parseFloat(tile(/\(you\)/).style.insetBlockStart) + Number.parseFloat(tile(/\(you\)/).style.blockSize);
    expect(bottom()).toBeLessThanOrEqual(596 - 12 - 140 - 16);
    expect(bottom()).toBeGreaterThan(596 - 12 - 140 - 40);
  });
});

describe("the way back", () => {
  it("is tried at once when one asks for it", async () => {
    const { emit, user, bridge } = await openCall();
    await emit({ type: "call_phase", phase: { phase: "reconnecting", since: Date.now() - 7_000, next_try_at: Date.now() + 9_000, message: "" } });
    await user.click(await screen.findByRole("button", { name: "Try now" }));
    expect(bridge.inputs("retry_now")).toHaveLength(1);
  });

  it("says what is not there yet while sound and picture are connecting", async () => {
    const { emit } = await openCall();
    await emit({ type: "call_phase", phase: { phase: "connecting" } });
    expect(screen.getByText(/The others cannot hear or see you yet/)).toBeDefined();
  });
});
