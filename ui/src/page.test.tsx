import { act, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Language, Settings } from "./bridge/commands";
import { fixtureMessage, fixturePerson } from "./bridge/fixture";
import { movesLess } from "./design/motion";
import type { Session } from "./state/session";
import { INES, LENA, openCall, openWindow, TOMAS } from "./test_app";
import { PSEUDO, teachPseudo } from "./words/test_catalogue";

const change = (session: Session, settings: Partial<Settings>): Promise<void> =>
  act(() => session.saveSettings({ ...session.state.settings, ...settings }));

const page = document.documentElement;

describe("a change of language in a running call", () => {
  it("says everything anew, and keeps what was written and opened", async () => {
    const { user, session, emit } = await openCall();
    await emit({ type: "chat", message: fixtureMessage(1, INES, "Hello") });
    await user.click(screen.getByRole("button", { name: "Chat, 1 new message" }));
    const area = screen.getByRole("textbox", { name: "Message everyone" });
    await user.type(area, "Half a sentence");
    await change(session, { language: "de" });
    expect(page.lang).toMatch(/^de/);
    expect(page.dir).toBe("ltr");
    expect(screen.getByRole("toolbar", { name: "Bedienung des Gesprächs" })).toBeDefined();
    expect(screen.getByRole("button", { name: "Verlassen" })).toBeDefined();
    const after = screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Nachricht an alle" });
    expect(after.value).toBe("Half a sentence");
    expect(after).toBe(area);
    expect(document.activeElement).toBe(area);
    expect(screen.getByText("Hello")).toBeDefined();
    await change(session, { language: "en" });
    expect(screen.getByRole("button", { name: "Leave" })).toBeDefined();
  });

  it("keeps an open dialog open, in the new language", async () => {
    const { user, session } = await openCall();
    await user.click(screen.getByRole("button", { name: "Share" }));
    await screen.findByRole("option", { name: /Test picture/ });
    await change(session, { language: "de" });
    expect(screen.getByRole("dialog", { name: "Was willst du teilen?" })).toBeDefined();
    expect(screen.getByRole("option", { name: /Reliability review/ })).toBeDefined();
  });

  it("tells nobody that anybody joined", async () => {
    const { session } = await openCall();
    await change(session, { language: "de" });
    expect(document.querySelector('[role="status"][aria-live="polite"]')?.textContent).toBe("");
  });
});

describe("what is written in the chat and not sent", () => {
  it("is there again when the panel is opened again, and gone once sent", async () => {
    const { user } = await openCall();
    await user.click(screen.getByRole("button", { name: "Chat" }));
    await user.type(screen.getByRole("textbox", { name: "Message everyone" }), "Half a sentence");
    await user.click(screen.getByRole("button", { name: /^People/ }));
    await user.click(screen.getByRole("button", { name: "Chat" }));
    const area = screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Message everyone" });
    expect(area.value).toBe("Half a sentence");
    await user.type(area, "{Enter}");
    await user.click(screen.getByRole("button", { name: /^People/ }));
    await user.click(screen.getByRole("button", { name: "Chat" }));
    expect(screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Message everyone" }).value).toBe("");
  });
});

describe("the page", () => {
  it("follows the computer's language while nothing is chosen, also when that changes", async () => {
    const languages = vi.spyOn(navigator, "languages", "get").mockReturnValue(["de-AT", "en"]);
    await openWindow();
    expect(page.lang).toBe("de-AT");
    expect(screen.getByRole("heading", { name: "Meeting beginnen" })).toBeDefined();
    languages.mockReturnValue(["en-US"]);
    act(() => { window.dispatchEvent(new Event("languagechange")); });
    expect(page.lang).toBe("en-US");
    expect(screen.getByRole("heading", { name: "Start a meeting" })).toBeDefined();
  });

  it("has the size of text that was chosen, as a share of the system's", async () => {
    const { session } = await openCall();
    await change(session, { text_size: 150 });
    expect(page.style.fontSize).toBe("150%");
    await change(session, { text_size: 100 });
    expect(page.style.fontSize).toBe("");
  });

  it("counts a window as narrow sooner when its text is large", async () => {
    const { session } = await openCall();
    await change(session, { text_size: 150 });
    expect(document.querySelector("main.narrow")).toBeNull();
    await change(session, { text_size: 200 });
    expect(document.querySelector("main.narrow")).not.toBeNull();
    expect(screen.getByRole("button", { name: "Leave" })).toBeDefined();
    await change(session, { text_size: 100 });
  });

  it("has other colours at once, in a call too", async () => {
    const { session } = await openCall();
    await change(session, { theme: "hc" });
    expect(page.dataset["theme"]).toBe("hc");
    expect(screen.getByRole("toolbar", { name: "Call controls" })).toBeDefined();
    await change(session, { theme: "system" });
    expect(page.dataset["theme"]).toBeUndefined();
  });

  it("moves nothing for who wants that, whatever the system says", async () => {
    const { session } = await openWindow();
    expect(movesLess()).toBe(false);
    await change(session, { motion: "reduced" });
    expect(page.dataset["motion"]).toBe("reduced");
    expect(movesLess()).toBe(true);
    await change(session, { motion: "system" });
    expect(page.dataset["motion"]).toBeUndefined();
  });

  it("says in the new language what was wrong with a link", async () => {
    const { user, session } = await openWindow();
    await user.type(screen.getByLabelText("Join with a link or code"), "nonsense{Enter}");
    expect(await screen.findByText(/“nonsense” is not a meeting code/)).toBeDefined();
    await change(session, { language: "de" });
    expect(screen.getByText(/weder ein Link zu einem Meeting noch ein Code/)).toBeDefined();
    expect(screen.getByLabelText<HTMLInputElement>("Mit Link oder Code beitreten").value).toBe("nonsense");
    await change(session, { language: "en" });
  });
});

/** What people made, computers named, React Aria says itself, or every language shares; all else comes from the catalogue. */
const CONTENT = /Ines|Okafor|Tomas|Lindqvist|Lena|Fischer|Hello|Design review|kestrel-lane-2741|Built-in|Shure|Headphones|USB|720p|^\p{Script=Arabic}+$|^(?:Ctrl|Shift|Alt|⌘|⇧|Enter|Space|F\d+)\b|^[A-Z]{1,2}$/u;

/** Texts and names on the screen that are not from the catalogue. */
function strangers(): string[] {
  const found: string[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    if (node.parentElement?.closest("time, .clock, .home-head p") === null) found.push(node.textContent ?? "");
  }
  for (const element of document.body.querySelectorAll("[aria-label], [placeholder], [title]")) {
    for (const name of ["aria-label", "placeholder", "title"]) found.push(element.getAttribute(name) ?? "");
  }
  return found.filter((text) => /\p{L}{2}/u.test(text) && !text.includes("⟦") && !CONTENT.test(text));
}

describe("a language that is written from right to left", () => {
  beforeEach(teachPseudo);
  afterEach(() => page.removeAttribute("dir"));
  const speaking = { language: PSEUDO as Language };

  it("turns the home screen, all of whose words come from the catalogue", async () => {
    const { user } = await openWindow((bridge) => { Object.assign(bridge.settings, speaking); });
    expect(page.dir).toBe("rtl");
    expect(page.lang).toBe(PSEUDO);
    expect(screen.getByRole("heading", { name: "⟦Start a meeting⟧" })).toBeDefined();
    expect(strangers()).toEqual([]);
    await user.click(screen.getByRole("button", { name: "⟦Settings⟧" }));
    expect(strangers()).toEqual([]);
  });

  it("turns the call with its panels, and tiles stay where the layout puts them", async () => {
    vi.spyOn(navigator, "languages", "get").mockReturnValue([PSEUDO]);
    const people = [INES, TOMAS, LENA, fixturePerson(1, "Ines Okafor", { adds: ["screen"], hand_raised_at: Date.now() })];
    const { session, emit, user } = await openCall([INES, TOMAS, LENA], (bridge) => { bridge.settings.language = "en"; });
    const left = (): string[] => [...document.querySelectorAll<HTMLElement>("[data-participant]")].map((tile) => tile.style.left);
    const before = left();
    await change(session, { language: "system" });
    expect(page.dir).toBe("rtl");
    expect(left()).toEqual(before);
    const dock = screen.getByRole("toolbar", { name: "⟦Call controls⟧" });
    expect(dock.querySelector(".leave .directed")).not.toBeNull();
    expect(within(dock).getByRole("button", { name: "⟦Microphone, on⟧" }).querySelector(".directed")).toBeNull();
    await emit({ type: "chat", message: fixtureMessage(1, INES, "Hello") });
    await emit({ type: "roster", participants: people.slice(1).reverse() });
    await user.click(screen.getByRole("button", { name: "⟦Chat, 1 new message⟧" }));
    expect(document.querySelector(".composer .directed")).not.toBeNull();
    expect(strangers()).toEqual([]);
    await user.click(screen.getByRole("button", { name: /⟦People/ }));
    expect(strangers()).toEqual([]);
    await emit({ type: "call_phase", phase: { phase: "ended", reason: "timed_out", message: "" } });
    expect(strangers()).toEqual([]);
  });
});
