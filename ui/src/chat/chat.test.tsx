import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { fixtureCall, fixtureMessage } from "../bridge/fixture";
import { INES, LENA, openCall, TOMAS } from "../test_app";

const log = (): HTMLElement => screen.getByRole("list", { name: "Messages" });

describe("the chat panel", () => {
  it("shows what was said before I came", async () => {
    const { user } = await openCall([INES, LENA], (bridge) => {
      bridge.joined = fixtureCall([INES, LENA], { chat: [fixtureMessage(1, INES, "Hello"), fixtureMessage(2, LENA, "Hi")] });
    });
    await user.click(screen.getByRole("button", { name: "Chat" }));
    expect(within(log()).getByText("Hello")).toBeDefined();
    expect(within(log()).getByText("You")).toBeDefined();
  });

  it("says what will be there while nothing was said", async () => {
    const { user } = await openCall();
    await user.click(screen.getByRole("button", { name: "Chat" }));
    expect(screen.getByText("Nothing said here yet")).toBeDefined();
  });

  it("counts new messages on its button until it is opened", async () => {
    const { user, emit } = await openCall();
    await emit({ type: "chat", message: fixtureMessage(1, INES, "One") });
    await emit({ type: "chat", message: fixtureMessage(2, INES, "Two") });
    await user.click(screen.getByRole("button", { name: "Chat, 2 new messages" }));
    expect(screen.getByRole("button", { name: "Chat" }).getAttribute("aria-pressed")).toBe("true");
    expect(within(log()).getByText("Two")).toBeDefined();
  });

  it("sends by Enter, begins a line by Shift and Enter, and shows the message once", async () => {
    const { user, bridge } = await openCall();
    await user.keyboard("{Control>}{Shift>}c{/Shift}{/Control}");
    await user.type(screen.getByRole("textbox", { name: "Message everyone" }), "Hello{Shift>}{Enter}{/Shift}there{Enter}");
    expect(bridge.inputs("chat_send")).toEqual([{ content: "Hello\nthere" }]);
    expect(within(log()).getAllByRole("listitem")).toHaveLength(1);
    expect(screen.queryByText("Sending")).toBeNull();
  });

  it("does not send nothing", async () => {
    const { user, bridge } = await openCall();
    await user.click(screen.getByRole("button", { name: "Chat" }));
    await user.type(screen.getByRole("textbox", { name: "Message everyone" }), "   {Enter}");
    expect(bridge.inputs("chat_send")).toEqual([]);
  });

  it("promises to send by itself what waits for the network", async () => {
    const { user, bridge, emit } = await openCall();
    await user.click(screen.getByRole("button", { name: "Chat" }));
    await emit({ type: "call_phase", phase: { phase: "reconnecting", since: Date.now(), next_try_at: null, message: "" } });
    bridge.call = () => new Promise(() => undefined);
    await user.type(screen.getByRole("textbox", { name: "Message everyone" }), "Later{Enter}");
    expect(screen.getByText("Waiting for the network. It is sent by itself.")).toBeDefined();
    await emit({ type: "chat", message: fixtureMessage(9, LENA, "Later") });
    expect(screen.queryByText(/Waiting for the network/)).toBeNull();
  });

  it("says why a message was not sent, and sends it again", async () => {
    const { user, bridge } = await openCall(undefined, (world) => world.refusals.set("chat_send", { code: "rate_limited", message: "That was too fast.", field: null }));
    await user.click(screen.getByRole("button", { name: "Chat" }));
    await user.type(screen.getByRole("textbox", { name: "Message everyone" }), "Hello{Enter}");
    expect(await screen.findByText(/That was too fast\./)).toBeDefined();
    bridge.refusals.clear();
    await user.click(screen.getByRole("button", { name: "Send again" }));
    expect(screen.queryByText(/That was too fast/)).toBeNull();
    expect(within(log()).getAllByRole("listitem")).toHaveLength(1);
  });

  it("fetches older messages above", async () => {
    const page = Array.from({ length: 30 }, (_, index) => fixtureMessage(100 + index, TOMAS, `Message ${index}`));
    const { user, bridge } = await openCall([INES, LENA], (world) => { world.joined = fixtureCall([INES, LENA], { chat: page }); });
    await user.click(screen.getByRole("button", { name: "Chat" }));
    await user.click(screen.getByRole("button", { name: "Show older messages" }));
    expect(bridge.inputs("chat_older")).toEqual([{ before: page[0]?.id }]);
    expect(await screen.findByText("Stays with this meeting after the call")).toBeDefined();
  });

  it("shows markup as the text it is", async () => {
    const { user, emit } = await openCall();
    await user.click(screen.getByRole("button", { name: "Chat" }));
    await emit({ type: "chat", message: fixtureMessage(1, INES, "<img src=x onerror=alert(1)>") });
    expect(within(log()).getByText("<img src=x onerror=alert(1)>")).toBeDefined();
    expect(log().querySelector("img")).toBeNull();
  });

  it("takes no text from who may only read", async () => {
    const { user } = await openCall([INES, LENA], (world) => {
      const joined = fixtureCall([INES, LENA]);
      world.joined = { ...joined, grants: { ...joined.grants, chat: false } };
    });
    await user.click(screen.getByRole("button", { name: "Chat" }));
    expect(screen.getByText("You may read here, but not write.")).toBeDefined();
    expect(screen.queryByRole("textbox")).toBeNull();
  });
});
