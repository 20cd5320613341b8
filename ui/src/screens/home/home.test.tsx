import { act, screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { openWindow } from "../../test_app";

describe("the home screen", () => {
  it("shows that there is no name in whole words", async () => {
    await openWindow((world) => { world.settings.name = ""; });
    expect(screen.getByText("No name yet").classList.contains("trunc")).toBe(false);
  });

  it("promises no link for others while the server is one that only this computer reaches", async () => {
    const { session } = await openWindow((world) => { world.settings.server = "127.0.0.1:8003"; });
    expect(screen.getByText(/your server can be reached from this computer only/)).toBeDefined();
    await act(async () => session.changeSettings({ server: "192.168.1.20:8003" }));
    expect(screen.getByText(/You get a link to give to the others/)).toBeDefined();
  });

  it("starts a meeting with the title that was typed", async () => {
    const { user, bridge } = await openWindow();
    await user.type(screen.getByLabelText("Title"), "Design review");
    await user.click(screen.getByRole("button", { name: /New meeting/ }));
    expect(await screen.findByRole("heading", { name: "Ready to start?" })).toBeDefined();
    await user.click(screen.getByRole("button", { name: "Start now" }));
    expect(bridge.inputs("meeting_start")).toMatchObject([{ title: "Design review", server: "", options: { name: "Lena Fischer", microphone_on: true } }]);
    expect(await screen.findByRole("toolbar", { name: "Call controls" })).toBeDefined();
  });

  it("starts a meeting by Ctrl N", async () => {
    const { user } = await openWindow();
    await user.keyboard("{Control>}n{/Control}");
    expect(await screen.findByRole("heading", { name: "Ready to start?" })).toBeDefined();
  });

  it("joins by a code, whatever its capitals and the spaces around it", async () => {
    const { user, bridge } = await openWindow();
    await user.type(screen.getByLabelText("Join with a link or code"), "  Kestrel-Lane-2741 {Enter}");
    expect(await screen.findByRole("heading", { name: "Ready to join?" })).toBeDefined();
    await user.click(screen.getByRole("button", { name: "Join now" }));
    expect(bridge.inputs("meeting_join")).toMatchObject([{ text: "kestrel-lane-2741" }]);
  });

  it("joins by a whole link", async () => {
    const { user, bridge } = await openWindow();
    await user.type(screen.getByLabelText("Join with a link or code"), "http://192.168.1.4:8003/m/kestrel-lane-2741{Enter}");
    await user.click(await screen.findByRole("button", { name: "Join now" }));
    expect(bridge.inputs("meeting_join")).toMatchObject([{ text: "http://192.168.1.4:8003/m/kestrel-lane-2741" }]);
  });

  it("says under the field what is wrong with a text, and forgets it when the text changes", async () => {
    const { user } = await openWindow();
    const field = screen.getByLabelText("Join with a link or code");
    await user.type(field, "nonsense{Enter}");
    expect(await screen.findByText(/“nonsense” is not a meeting code/)).toBeDefined();
    expect(field.getAttribute("aria-invalid")).toBe("true");
    await user.type(field, "x");
    expect(screen.queryByText(/is not a meeting code/)).toBeNull();
  });

  it("lists the meetings one was in, and joins one again", async () => {
    const { user } = await openWindow((bridge) => {
      bridge.settings.recent = [{ code: "amber-field-9032", title: "Platform weekly", link: "", joined_at: Date.now() }];
    });
    await user.click(screen.getByRole("button", { name: "Join Platform weekly again" }));
    expect(await screen.findByText("amber-field-9032")).toBeDefined();
  });

  it("says what will be there when there was no meeting yet", async () => {
    await openWindow();
    expect(screen.getByText("No meeting yet")).toBeDefined();
  });

  it("opens a link that was opened outside", async () => {
    const { emit } = await openWindow();
    await emit({ type: "link_opened", text: "confab://127.0.0.1:8003/m/kestrel-lane-2741" });
    expect(await screen.findByRole("heading", { name: "Ready to join?" })).toBeDefined();
  });

  it("takes a meeting from the list of recent ones", async () => {
    const { user, bridge } = await openWindow((world) => {
      world.settings.recent = [
        { code: "amber-field-9032", title: "Platform weekly", link: "", joined_at: Date.now() },
        { code: "kestrel-lane-2741", title: "", link: "", joined_at: Date.now() },
      ];
    });
    await user.click(screen.getByRole("button", { name: "Remove Platform weekly from the list" }));
    expect(screen.queryByText("Platform weekly")).toBeNull();
    expect(bridge.settings.recent.map(({ code }) => code)).toEqual(["kestrel-lane-2741"]);
  });
});

describe("hosting on this computer", () => {
  const card = (): HTMLElement => screen.getByRole("region", { name: "Host on this computer" });

  it("starts, tells the address to give away and copies it", async () => {
    const { user, bridge } = await openWindow();
    expect(within(card()).getByText("Not running")).toBeDefined();
    await user.click(screen.getByRole("button", { name: "Start hosting" }));
    expect(await within(card()).findByText("192.168.1.7:8003")).toBeDefined();
    expect(within(card()).getByText("Reachable in this network. Whether it is from outside depends on your router.")).toBeDefined();
    await user.click(screen.getByRole("button", { name: "Copy the address" }));
    expect(bridge.copied).toEqual(["192.168.1.7:8003"]);
  });

  it("says nothing of its state that is not known", async () => {
    const { emit } = await openWindow((world) => world.refusals.set("host_status", { code: "internal", message: "", field: null }));
    expect(within(card()).getByText("We do not know yet whether it runs.")).toBeDefined();
    await emit({ type: "host", host: { running: false, address: null, port_taken: null, people: 0 } });
    expect(within(card()).getByText("Not running")).toBeDefined();
  });

  it("stops without a question when nobody is there", async () => {
    const { user, bridge } = await openWindow((world) => { world.host = { running: true, address: "192.168.1.7:8003", port_taken: null, people: 0 }; });
    await user.click(screen.getByRole("button", { name: "Stop hosting" }));
    expect(bridge.inputs("host_stop")).toHaveLength(1);
    expect(await screen.findByRole("button", { name: "Start hosting" })).toBeDefined();
  });

  it("asks before it ends the meetings of people, and the harmless answer keeps them", async () => {
    const { user, bridge, emit } = await openWindow();
    await emit({ type: "host", host: { running: true, address: "192.168.1.7:8003", port_taken: null, people: 3 } });
    expect(within(card()).getByText("3 people are in meetings here")).toBeDefined();
    await user.click(screen.getByRole("button", { name: "Stop hosting" }));
    expect(screen.getByText("3 people are in meetings here. Stopping ends them.")).toBeDefined();
    await user.keyboard("{Escape}");
    expect(bridge.inputs("host_stop")).toHaveLength(0);
    await user.click(screen.getByRole("button", { name: "Stop hosting" }));
    await user.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Stop hosting" }));
    expect(bridge.inputs("host_stop")).toHaveLength(1);
  });

  it("says which port is in use, and when there is no network", async () => {
    const { emit } = await openWindow();
    await emit({ type: "host", host: { running: true, address: "192.168.1.7:8004", port_taken: 8003, people: 0 } });
    expect(screen.getByText(/Port 8003 is in use by another program/)).toBeDefined();
    await emit({ type: "host", host: { running: true, address: null, port_taken: null, people: 0 } });
    expect(screen.getByText(/no network now\. Only you can reach it/)).toBeDefined();
    expect(screen.queryByText(/Reachable in this network/)).toBeNull();
  });

  it("says why it did not start, and can be tried again", async () => {
    const { user, bridge } = await openWindow((world) => world.refusals.set("host_start", { code: "server_unreachable", message: "All ports are in use.", field: null }));
    await user.click(screen.getByRole("button", { name: "Start hosting" }));
    expect(await screen.findByText("All ports are in use.")).toBeDefined();
    bridge.refusals.clear();
    await user.click(screen.getByRole("button", { name: "Start hosting" }));
    expect(await screen.findByRole("button", { name: "Stop hosting" })).toBeDefined();
  });
});
