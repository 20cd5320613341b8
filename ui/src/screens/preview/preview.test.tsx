import { act, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { FixtureBridge } from "../../bridge/fixture";
import { openWindow, type TestWindow } from "../../test_app";

async function openPreview(prepare?: (bridge: FixtureBridge) => void): Promise<TestWindow> {
  const opened = await openWindow(prepare);
  await act(async () => opened.session.openPreview({
    kind: "join", link: { code: "kestrel-lane-2741", server: null, join_text: "kestrel-lane-2741" }, title: "",
  }));
  return opened;
}

describe("the preview", () => {
  it("opens camera and microphone, and closes them when one goes back", async () => {
    const { user, bridge } = await openPreview();
    expect(bridge.inputs("preview_start")).toMatchObject([{ camera_on: true, microphone_on: true, devices: { camera: { kind: "default" } } }]);
    await user.click(screen.getByRole("button", { name: "Back" }));
    expect(bridge.inputs("preview_stop")).toHaveLength(1);
    expect(screen.getByRole("heading", { name: "Start a meeting" })).toBeDefined();
  });

  it("asks for a name before joining", async () => {
    const { user, bridge } = await openPreview((world) => { world.settings.name = ""; });
    await user.click(screen.getByRole("button", { name: "Join now" }));
    expect(screen.getByText("The others need a name to see. Enter yours.")).toBeDefined();
    expect(bridge.inputs("meeting_join")).toHaveLength(0);
    await user.type(screen.getByLabelText("Your name"), "Lena{Enter}");
    expect(bridge.inputs("meeting_join")).toMatchObject([{ options: { name: "Lena" } }]);
  });

  it("joins with camera and microphone as they were left", async () => {
    const { user, bridge } = await openPreview();
    await user.click(screen.getByRole("button", { name: "Microphone, on" }));
    await user.click(screen.getByRole("button", { name: "Camera, starting" }));
    expect(screen.getByText("Your camera is off")).toBeDefined();
    await user.click(screen.getByRole("button", { name: "Join now" }));
    expect(bridge.inputs("meeting_join")).toMatchObject([{ options: { microphone_on: false, camera_on: false } }]);
  });

  it("changes a device and opens it at once", async () => {
    const { user, bridge } = await openPreview();
    await user.click(screen.getByRole("button", { name: "System default · Built-in microphone Microphone" }));
    await user.click(await screen.findByRole("option", { name: /Shure MV7/ }));
    expect(bridge.settings.devices.microphone).toEqual({ kind: "device", id: "mic-2" });
    expect(bridge.inputs("preview_start").at(-1)).toMatchObject({ devices: { microphone: { kind: "device", id: "mic-2" } } });
  });

  it("says that it hears, and what to do while it does not", async () => {
    const { emit } = await openPreview();
    expect(screen.getByText("Say something")).toBeDefined();
    await emit({ type: "levels", microphone: 0.6 });
    expect(screen.getByText("We hear you")).toBeDefined();
    expect(document.querySelectorAll(".meter .on").length).toBeGreaterThan(10);
  });

  it("names the reason when the camera cannot be used, and tries again", async () => {
    const { user, bridge, emit } = await openPreview();
    await emit({ type: "device_problem", kind: "camera", problem: { kind: "camera", reason: "busy", message: "OBS Studio holds it.", device: null } });
    expect(screen.getByRole("heading", { name: "The camera is in use by another program" })).toBeDefined();
    expect(screen.getByText(/OBS Studio holds it\./)).toBeDefined();
    const before = bridge.inputs("preview_start").length;
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(bridge.inputs("preview_start")).toHaveLength(before + 1);
  });

  it("offers the test picture when there is no camera, and joins without any device", async () => {
    const { user, bridge } = await openPreview((world) => { world.devices = { cameras: [], microphones: [], speakers: [] }; });
    expect(screen.getByRole("heading", { name: "No camera found" })).toBeDefined();
    expect(screen.getByText("No microphone", { selector: ".mrow span" })).toBeDefined();
    await user.click(screen.getByRole("button", { name: "Use the test picture" }));
    expect(bridge.settings.devices.camera).toEqual({ kind: "test" });
    await user.click(screen.getByRole("button", { name: "Join now" }));
    expect(await screen.findByRole("toolbar", { name: "Call controls" })).toBeDefined();
  });

  it("stays with the reason when the meeting does not exist, and leads back to the code", async () => {
    const { user } = await openPreview((world) => world.refusals.set("meeting_join", { code: "room_not_found", message: "no room", field: null }));
    await user.click(screen.getByRole("button", { name: "Join now" }));
    expect(await screen.findByText("No meeting has the code kestrel-lane-2741.")).toBeDefined();
    await user.click(screen.getByRole("button", { name: "Check the code" }));
    expect(screen.getByLabelText("Join with a link or code")).toBeDefined();
  });

  it("tries again when the server does not answer", async () => {
    const { user, bridge } = await openPreview((world) => world.refusals.set("meeting_join", { code: "server_unreachable", message: "Nothing listens at 127.0.0.1:8003.", field: null }));
    await user.click(screen.getByRole("button", { name: "Join now" }));
    expect(await screen.findByText("Nothing listens at 127.0.0.1:8003.")).toBeDefined();
    bridge.refusals.clear();
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("toolbar", { name: "Call controls" })).toBeDefined();
  });

  it("takes a second press on Join as the first", async () => {
    const { bridge, session } = await openPreview();
    await act(async () => { await Promise.all([session.enter(), session.enter()]); });
    expect(bridge.inputs("meeting_join")).toHaveLength(1);
  });

  it("plays a sound on the chosen speaker", async () => {
    const { user, bridge } = await openPreview();
    await user.click(screen.getByRole("button", { name: "Test the speaker" }));
    expect(bridge.inputs("speaker_test")).toEqual([{ speaker: { kind: "default" } }]);
  });

  it("takes noise out or leaves it in", async () => {
    const { user, bridge } = await openPreview();
    await user.click(screen.getByRole("switch", { name: "Remove background noise" }));
    expect(bridge.settings.noise_removal).toBe(false);
    expect(bridge.inputs("noise_removal_set")).toEqual([{ on: false }]);
  });

  it("leads to the settings and back, without a second opening of the devices", async () => {
    const { user, bridge } = await openPreview();
    await user.click(screen.getByRole("button", { name: "Camera choices" }));
    await user.click(await screen.findByRole("menuitem", { name: "Sound and camera" }));
    expect(await screen.findByRole("dialog", { name: "Settings" })).toBeDefined();
    await user.keyboard("{Escape}");
    expect(screen.getByRole("heading", { name: "Ready to join?" })).toBeDefined();
    expect(bridge.inputs("preview_start")).toHaveLength(1);
    expect(bridge.inputs("preview_stop")).toHaveLength(0);
  });
});
