import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { openWindow } from "../../test_app";

describe("the home screen", () => {
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

  it("keeps name and server from the settings, and changes colours at once", async () => {
    const { user, bridge } = await openWindow();
    await user.click(screen.getByRole("button", { name: "Settings" }));
    await user.click(await screen.findByRole("radio", { name: "Light" }));
    expect(document.documentElement.dataset["theme"]).toBe("light");
    const server = screen.getByLabelText("Server");
    await user.type(server, "192.168.1.20:8003");
    await user.click(screen.getByRole("button", { name: "Save" }));
    expect(bridge.settings).toMatchObject({ theme: "light", server: "192.168.1.20:8003" });
    await user.click(screen.getByRole("button", { name: "Settings" }));
    await user.click(await screen.findByRole("radio", { name: "System" }));
    expect(document.documentElement.dataset["theme"]).toBeUndefined();
  });

  it("opens a link that was opened outside", async () => {
    const { emit } = await openWindow();
    await emit({ type: "link_opened", text: "confab://127.0.0.1:8003/m/kestrel-lane-2741" });
    expect(await screen.findByRole("heading", { name: "Ready to join?" })).toBeDefined();
  });
});
