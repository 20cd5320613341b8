import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { HostStatus } from "../../bridge/commands";
import { openWindow, type TestWindow } from "../../test_app";

const RUNNING: HostStatus = { running: true, address: "192.168.1.7:8003", port_taken: null, people: 0 };
const STOPPED: HostStatus = { running: false, address: null, port_taken: null, people: 0 };

/** A recent meeting at this address, whose server does not answer. `statuses`: how hosting was and is. */
async function failToJoin(server: string, statuses: readonly HostStatus[], platform: "linux" | "browser" = "linux"): Promise<TestWindow> {
  const opened = await openWindow((world) => {
    world.platform = platform;
    world.settings.recent = [{ code: "onyx-pier-5143", title: "Team weekly", link: `http://${server}/m/onyx-pier-5143`, joined_at: 0 }];
    world.refusals.set("meeting_join", { code: "server_unreachable", message: `No Confab server answers at ${server}.`, field: null });
  });
  for (const host of statuses) await opened.emit({ type: "host", host });
  await opened.user.click(screen.getByRole("button", { name: "Join Team weekly again" }));
  await opened.user.click(await screen.findByRole("button", { name: "Join now" }));
  await screen.findByText("The server does not answer.");
  return opened;
}

describe("a meeting that was hosted on this computer", () => {
  it("says that hosting must run, starts it, and joins at the port it has now", async () => {
    const { user, bridge } = await failToJoin("192.168.1.7:34569", [RUNNING, STOPPED]);
    expect(screen.getByText("The server of this meeting is this computer, and hosting does not run.")).toBeDefined();
    bridge.refusals.clear();
    await user.click(screen.getByRole("button", { name: "Start hosting" }));
    expect(await screen.findByRole("toolbar", { name: "Call controls" })).toBeDefined();
    expect(bridge.inputs("host_start")).toHaveLength(1);
    expect(bridge.inputs("meeting_join").at(-1)).toMatchObject({ text: "http://192.168.1.7:8003/m/onyx-pier-5143" });
  });

  it("is known by a link that leads to this computer only, and joined there: elsewhere the server asks for encryption", async () => {
    const { user, bridge } = await failToJoin("127.0.0.1:34569", [STOPPED]);
    bridge.refusals.clear();
    await user.click(screen.getByRole("button", { name: "Start hosting" }));
    expect(await screen.findByRole("toolbar", { name: "Call controls" })).toBeDefined();
    expect(bridge.inputs("meeting_join").at(-1)).toMatchObject({ text: "http://127.0.0.1:8003/m/onyx-pier-5143" });
  });

  it("is joined at the new port where hosting runs already", async () => {
    const { user, bridge } = await failToJoin("192.168.1.7:34569", [RUNNING]);
    bridge.refusals.clear();
    await user.click(screen.getByRole("button", { name: "Join there" }));
    expect(await screen.findByRole("toolbar", { name: "Call controls" })).toBeDefined();
    expect(bridge.inputs("host_start")).toHaveLength(0);
    expect(bridge.inputs("meeting_join").at(-1)).toMatchObject({ text: "http://192.168.1.7:8003/m/onyx-pier-5143" });
  });

  it("stays as it was, with the reason, when hosting does not start", async () => {
    const { user, bridge } = await failToJoin("127.0.0.1:8003", [STOPPED]);
    bridge.refusals.set("host_start", { code: "server_unreachable", message: "All ports are in use.", field: null });
    await user.click(screen.getByRole("button", { name: "Start hosting" }));
    expect(await screen.findByText("All ports are in use.")).toBeDefined();
    expect(bridge.inputs("meeting_join")).toHaveLength(1);
  });

  it.each<[string, string, readonly HostStatus[], "linux" | "browser"]>([
    ["about another computer's server", "192.168.1.20:8003", [RUNNING, STOPPED], "linux"],
    ["where hosting runs at that very port", "192.168.1.7:8003", [RUNNING], "linux"],
    ["to a page in a browser", "127.0.0.1:8003", [STOPPED], "browser"],
  ])("gives no such advice %s", async (_case, server, statuses, platform) => {
    await failToJoin(server, statuses, platform);
    expect(screen.getByRole("button", { name: "Try again" })).toBeDefined();
    expect(screen.queryByRole("button", { name: /Start hosting|Join there/ })).toBeNull();
  });
});
