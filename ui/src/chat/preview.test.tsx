import { act, fireEvent, screen } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { fixtureMessage } from "../bridge/fixture";
import { INES, LENA, openCall, TOMAS } from "../test_app";

const shown = (): string | null => document.querySelector(".chat-preview .grow")?.textContent ?? null;

describe("a message while the chat is closed", () => {
  it("is shown with who wrote it, as the text it is, and opens the chat", async () => {
    const { user, emit } = await openCall();
    await emit({ type: "chat", message: fixtureMessage(1, INES, "<b>Hello</b> all") });
    expect(shown()).toBe("Ines Okafor: <b>Hello</b> all");
    await user.click(screen.getByRole("button", { name: "Open the chat. Ines Okafor: <b>Hello</b> all" }));
    expect(screen.getByRole("complementary", { name: "Chat" })).toBeDefined();
    expect(shown()).toBeNull();
  });

  it("gives way to a newer one, and goes by itself unless the pointer rests on it", async () => {
    const { emit } = await openCall();
    vi.useFakeTimers();
    try {
      await emit({ type: "chat", message: fixtureMessage(1, INES, "One") });
      act(() => { vi.advanceTimersByTime(4_000); });
      await emit({ type: "chat", message: fixtureMessage(2, TOMAS, "Two") });
      expect(shown()).toBe("Tomas Lindqvist: Two");
      act(() => { vi.advanceTimersByTime(4_900); });
      const box = document.querySelector(".chat-preview");
      if (box === null) throw new Error("a message expected");
      fireEvent.pointerEnter(box);
      act(() => { vi.advanceTimersByTime(10_000); });
      expect(shown()).not.toBeNull();
      fireEvent.pointerLeave(box);
      act(() => { vi.advanceTimersByTime(200); });
      expect(shown()).toBeNull();
    } finally {
      vi.useRealTimers();
    }
  });

  it("is not shown any more after it was switched off, until one has looked into the chat", async () => {
    const { user, emit } = await openCall();
    await emit({ type: "chat", message: fixtureMessage(1, INES, "One") });
    await user.click(screen.getByRole("button", { name: "Show no more messages here" }));
    await emit({ type: "chat", message: fixtureMessage(2, INES, "Two") });
    expect(shown()).toBeNull();
    await user.click(screen.getByRole("button", { name: "Chat, 2 new messages" }));
    await user.click(screen.getByRole("button", { name: "Chat" }));
    await emit({ type: "chat", message: fixtureMessage(3, INES, "Three") });
    expect(shown()).toBe("Ines Okafor: Three");
  });

  it("is shown neither of oneself nor beside the open chat", async () => {
    const { user, emit } = await openCall();
    await emit({ type: "chat", message: fixtureMessage(1, LENA, "Mine") });
    expect(shown()).toBeNull();
    await user.click(screen.getByRole("button", { name: "Chat" }));
    await emit({ type: "chat", message: fixtureMessage(2, INES, "Seen") });
    expect(shown()).toBeNull();
  });

  it("pushes no question away, and is told to a screen reader once", async () => {
    const { emit, session } = await openCall();
    await act(async () => {
      for (const message of ["First?", "Second?"]) session.dispatch({ type: "toast_shown", toast: { tone: "warn", message, sticky: true } });
    });
    await emit({ type: "chat", message: fixtureMessage(1, INES, "Hello") });
    expect(screen.getByText("First?")).toBeDefined();
    expect(document.querySelector(".chat-preview")?.closest("[aria-live]")).toBeNull();
    expect(screen.getByText("Ines Okafor writes: Hello").getAttribute("aria-live")).toBe("polite");
  });
});
