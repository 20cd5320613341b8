/** A whole meeting by keys alone: no step needs a pointer, and whatever closes gives the focus back. */
import { act, screen, waitFor } from "@testing-library/react";
import type { UserEvent } from "@testing-library/user-event";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fixtureCall } from "./bridge/fixture";
import { INES, LENA, openCall, openWindow, TOMAS } from "./test_app";

const focused = (): HTMLElement => document.activeElement as HTMLElement;
const name = (element: Element): string => element.getAttribute("aria-label") ?? element.textContent ?? "";
const control = (key: string): string => `{Control>}${key}{/Control}`;
const controlShift = (key: string): string => `{Control>}{Shift>}${key}{/Shift}{/Control}`;

/** Presses a key until what has the focus is called so. */
async function pressUntil(user: UserEvent, key: string, wanted: RegExp): Promise<void> {
  for (let presses = 0; presses < 40; presses += 1) {
    if (wanted.test(name(focused()))) return;
    await user.keyboard(key);
  }
  throw new Error(`${key} does not lead to ${wanted}, but to ${name(focused())}`);
}

/** F6 until the focus is in this region. */
async function toRegion(user: UserEvent, region: string): Promise<void> {
  for (let presses = 0; presses < 6; presses += 1) {
    await user.keyboard("{F6}");
    if (focused().closest(`[data-region="${region}"]`) !== null) return;
  }
  throw new Error(`F6 does not lead to ${region}`);
}

const settled = (): Promise<void> => act(async () => new Promise((done) => setTimeout(done, 60)));

describe("by keys alone one", () => {
  it("comes from home over the preview into the call, and a heading has the focus each time", async () => {
    const { user, bridge } = await openWindow();
    await user.keyboard(control("n"));
    expect(focused()).toBe(await screen.findByRole("heading", { name: "Ready to start?" }));
    await user.keyboard(control("d"));
    expect(bridge.settings.microphone_on).toBe(false);
    await user.keyboard(control("d"));
    await user.tab();
    expect(focused()).toBe(screen.getByLabelText("Your name"));
    await user.keyboard("{Enter}");
    await screen.findByRole("toolbar", { name: "Call controls" });
    expect(focused()).toBe(screen.getByRole("heading", { level: 1 }));
    expect(bridge.inputs("meeting_start")).toMatchObject([{ options: { microphone_on: true, camera_on: true } }]);
  });

  it("turns on the devices of a preview that a link opened", async () => {
    const { user, emit, bridge } = await openWindow();
    await emit({ type: "link_opened", text: "kestrel-lane-2741" });
    expect(focused()).toBe(await screen.findByRole("heading", { name: "Camera and microphone are off" }));
    await user.tab();
    expect(name(focused())).toBe("Turn on camera and microphone");
    await user.keyboard("{Enter}");
    expect(bridge.inputs("preview_start").at(-1)).toMatchObject({ camera_on: true, microphone_on: true });
  });

  it("mutes, raises a hand and writes, and the focus is back when the chat closes", async () => {
    const { user, bridge } = await openCall();
    await user.keyboard(control("d") + control("e") + controlShift("h"));
    expect(bridge.inputs("set_microphone_on")).toEqual([{ on: false }]);
    expect(bridge.inputs("set_camera_on")).toEqual([{ on: false }]);
    expect(bridge.inputs("hand_set")).toEqual([{ raised: true }]);
    await toRegion(user, "dock");
    const before = focused();
    await user.keyboard(controlShift("c"));
    expect(focused()).toBe(screen.getByRole("textbox", { name: "Message everyone" }));
    await user.keyboard("By keys{Enter}");
    expect(bridge.inputs("chat_send")).toEqual([{ content: "By keys" }]);
    await user.keyboard("{Escape}");
    expect(screen.queryByRole("complementary", { name: "Chat" })).toBeNull();
    expect(focused()).toBe(before);
  });

  it("has the panel's own button in focus after a panel that a shortcut opened from nowhere", async () => {
    const { user } = await openCall();
    act(() => focused().blur());
    await user.keyboard(controlShift("p"));
    expect(focused()).toBe(screen.getByRole("heading", { name: "People" }));
    await user.keyboard(controlShift("p"));
    expect(focused()).toBe(screen.getByRole("button", { name: "People, 3 in the call" }));
  });

  it("goes from one panel to the other and back to where one was", async () => {
    const { user } = await openCall();
    await toRegion(user, "dock");
    const before = focused();
    await user.keyboard(controlShift("c"));
    await user.keyboard(controlShift("p"));
    expect(focused()).toBe(screen.getByRole("heading", { name: "People" }));
    await pressUntil(user, "{Tab}", /^Close$/);
    await user.keyboard("{Enter}");
    expect(focused()).toBe(before);
  });

  it("goes along the dock by arrows, and reacts", async () => {
    const { user, bridge } = await openCall();
    await toRegion(user, "dock");
    await user.keyboard("{End}");
    expect(name(focused())).toBe("People, 3 in the call");
    await user.keyboard("{ArrowRight}");
    expect(name(focused())).toBe("Copy the link, kestrel-lane-2741");
    await pressUntil(user, "{ArrowRight}", /^React$/);
    const opener = focused();
    await user.keyboard("{Enter}");
    await waitFor(() => expect(name(focused())).toBe("Thumbs up"));
    await pressUntil(user, "{ArrowRight}", /^Applause$/);
    await user.keyboard("{Enter}");
    expect(bridge.inputs("react")).toEqual([{ reaction: "clap" }]);
    await waitFor(() => expect(focused()).toBe(opener));
  });

  it("closes the reactions by Escape without sending one", async () => {
    const { user, bridge } = await openCall();
    await toRegion(user, "dock");
    await pressUntil(user, "{ArrowRight}", /^React$/);
    const opener = focused();
    await user.keyboard("{Enter}");
    await waitFor(() => expect(name(focused())).toBe("Thumbs up"));
    await user.keyboard("{Escape}");
    await waitFor(() => expect(focused()).toBe(opener));
    expect(bridge.inputs("react")).toEqual([]);
  });

  it("changes the layout in the View menu, which gives the focus back", async () => {
    const { user, bridge } = await openCall();
    await toRegion(user, "titlebar");
    expect(name(focused())).toBe("View");
    const opener = focused();
    await user.keyboard("{Enter}");
    await waitFor(() => expect(focused().getAttribute("role")).toBe("menuitemradio"));
    await pressUntil(user, "{ArrowDown}", /^Speaker$/);
    await user.keyboard("{Enter}");
    expect(bridge.settings.layout).toBe("speaker");
    await waitFor(() => expect(focused()).toBe(opener));
  });

  it("shares by the picker, and cancels it", async () => {
    const { user, bridge } = await openCall();
    await toRegion(user, "dock");
    const before = focused();
    await user.keyboard(controlShift("s"));
    await screen.findByRole("option", { name: /Reliability review/ });
    await user.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    await settled();
    expect(focused()).toBe(before);
    await user.keyboard(controlShift("s"));
    await screen.findByRole("option", { name: /Reliability review/ });
    await user.tab();
    expect(focused().getAttribute("role")).toBe("option");
    await pressUntil(user, "{ArrowDown}", /^Reliability review/);
    await user.keyboard("{Enter}");
    await pressUntil(user, "{Tab}", /^Share$/);
    await user.keyboard("{Enter}");
    expect(bridge.inputs("share_start")).toEqual([{ source_id: "window-7" }]);
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    await user.keyboard(controlShift("s"));
    expect(bridge.inputs("share_stop")).toHaveLength(1);
  });

  it("pins a tile and unpins it, and the tile has the focus again", async () => {
    const { user, session } = await openCall();
    await toRegion(user, "stage");
    await user.keyboard("{ArrowRight}");
    const tile = focused();
    expect(name(tile)).toBe("Tomas Lindqvist, microphone off");
    await user.keyboard("{Enter}");
    await waitFor(() => expect(name(focused())).toBe("Pin Tomas Lindqvist"));
    await user.keyboard("{Enter}");
    expect(session.state.call?.pinned).toBe(TOMAS.id);
    await waitFor(() => expect(focused().dataset["participant"]).toBe(TOMAS.id));
    await user.keyboard("{Enter}");
    await waitFor(() => expect(name(focused())).toBe("Unpin Tomas Lindqvist"));
    await user.keyboard("{Escape}");
    expect(session.state.call?.pinned).toBe(TOMAS.id);
    await waitFor(() => expect(focused().dataset["participant"]).toBe(TOMAS.id));
  });

  it("opens the settings and closes them, and is where one was", async () => {
    const { user } = await openCall();
    await toRegion(user, "dock");
    const before = focused();
    await user.keyboard(control(","));
    await waitFor(() => expect(focused()).toBe(screen.getByRole("tab", { name: "Sound and camera" })));
    await user.keyboard("{F6}");
    expect(focused().closest('[role="dialog"]')).not.toBeNull();
    await user.keyboard("{Escape}");
    await settled();
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(focused()).toBe(before);
  });

  it("reads the statistics and closes them by Escape", async () => {
    const { user } = await openCall();
    await toRegion(user, "dock");
    const before = focused();
    await user.keyboard(controlShift("i"));
    expect(focused()).toBe(screen.getByRole("heading", { name: "Statistics" }));
    await user.keyboard("{Escape}");
    expect(screen.queryByRole("region", { name: "Statistics" })).toBeNull();
    expect(focused()).toBe(before);
  });

  it("goes backwards from nowhere to the last region", async () => {
    const { user } = await openCall();
    act(() => focused().blur());
    await user.keyboard("{Shift>}{F6}{/Shift}");
    expect(focused().closest("[data-region]")?.getAttribute("data-region")).toBe("titlebar");
    await user.keyboard("{Shift>}{F6}{/Shift}");
    expect(focused().closest("[data-region]")?.getAttribute("data-region")).toBe("dock");
  });

  it("leaves, reads that one left, and joins again or goes home", async () => {
    const { user, bridge } = await openCall();
    await user.keyboard(controlShift("l"));
    expect(bridge.inputs("call_leave")).toHaveLength(1);
    expect(focused()).toBe(await screen.findByRole("heading", { name: "You left the call" }));
    await user.tab();
    expect(name(focused())).toBe("Join again");
    await user.tab();
    expect(name(focused())).toBe("Home");
    await user.keyboard("{Enter}");
    expect(focused()).toBe(screen.getByRole("heading", { level: 1 }));
    expect(screen.getByRole("heading", { name: "Start a meeting" })).toBeDefined();
  });

  it("is at a heading again after the mini window", async () => {
    const { user, emit } = await openCall();
    await emit({ type: "window_mode", mode: "mini" });
    await pressUntil(user, "{Tab}", /^Back to the whole window$/);
    await user.keyboard("{Enter}");
    expect(focused()).toBe(screen.getByRole("heading", { level: 1 }));
  });

  it("begins at the heading in a window that a link opened", async () => {
    await openWindow((world) => {
      const call = world.call.bind(world);
      world.call = (async (asked, input) => {
        const answer = await call(asked, input);
        return asked === "app_info" ? { ...(answer as object), opened_link: "kestrel-lane-2741" } : answer;
      }) as typeof world.call;
    });
    await waitFor(() => expect(focused()).toBe(screen.getByRole("heading", { name: "Camera and microphone are off" })));
  });

  it("stays in the full screen when Escape closes a panel", async () => {
    const { user, bridge } = await openCall();
    await user.keyboard("{F11}");
    await user.keyboard(controlShift("c"));
    await user.keyboard("{Escape}");
    expect(bridge.inputs("window_mode_set")).toEqual([{ mode: "full_screen" }]);
    await user.keyboard("{Escape}");
    expect(bridge.inputs("window_mode_set").at(-1)).toEqual({ mode: "normal" });
  });

  it("scrolls the lists of both panels", async () => {
    const { user } = await openCall(undefined, (world) => { world.joined = fixtureCall([INES, TOMAS, LENA]); });
    for (const [key, list] of [["c", "Messages"], ["p", "In the call"]] as const) {
      await user.keyboard(controlShift(key));
      expect(screen.getByRole("group", { name: list }).tabIndex).toBe(0);
    }
  });
});

describe("the focus", () => {
  it("is seen on everything that can be pressed or written in", () => {
    const source = import.meta.dirname;
    const sheets = (readdirSync(source, { recursive: true }) as string[]).filter((file) => file.endsWith(".css"));
    const hidden = sheets.flatMap((file) => [...readFileSync(join(source, file), "utf8").matchAll(/([^{}]*)\{[^{}]*outline:\s*(?:none|0)\b/g)].map(([, selector = ""]) => selector.replace(/\/\*.*?\*\//gs, "").trim()));
    // What only holds others, headings, and the text of a message, whose field has the ring.
    const allowed = [":focus", "h1:focus-visible, h2:focus-visible", ".menu", ".dialog", ".dialog h2", ".compf textarea", ".reactions", ".settings-tabs[data-focus-visible]"];
    expect(hidden.filter((selector) => !allowed.includes(selector))).toEqual([]);
    expect(readFileSync(join(source, "chat/chat.css"), "utf8")).toMatch(/\.compf:focus-within[^{]*\{[^}]*(outline|box-shadow)/);
  });
});
