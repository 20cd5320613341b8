import { readFileSync } from "node:fs";
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

/** A link that another program opened leads to the preview. */
async function openByLink(prepare?: (bridge: FixtureBridge) => void): Promise<TestWindow> {
  const opened = await openWindow(prepare);
  await opened.emit({ type: "link_opened", text: "http://127.0.0.1:8003/m/kestrel-lane-2741" });
  expect(await screen.findByRole("heading", { name: "Ready to join?" })).toBeDefined();
  return opened;
}

describe("a preview that a link opened", () => {
  it("opens neither camera nor microphone, and says so", async () => {
    const { bridge } = await openByLink();
    expect(bridge.inputs("preview_start")).toHaveLength(0);
    expect(screen.getByRole("heading", { name: "Camera and microphone are off" })).toBeDefined();
    expect(screen.getByRole("button", { name: "Camera, off" })).toBeDefined();
    expect(screen.getByRole("button", { name: "Microphone, off" })).toBeDefined();
    expect(screen.getByText("Microphone is off")).toBeDefined();
  });

  it("turns both on when the person says so, by keys alone", async () => {
    const { user, bridge } = await openByLink();
    const wake = screen.getByRole("button", { name: "Turn on camera and microphone" });
    for (let presses = 0; document.activeElement !== wake && presses < 10; presses += 1) await user.tab();
    expect(document.activeElement).toBe(wake);
    await user.keyboard("{Enter}");
    expect(bridge.inputs("preview_start").at(-1)).toMatchObject({ camera_on: true, microphone_on: true });
    expect(screen.getByText("Your camera is starting")).toBeDefined();
    expect(screen.queryByRole("button", { name: "Turn on camera and microphone" })).toBeNull();
    await user.click(screen.getByRole("button", { name: "Join now" }));
    expect(bridge.inputs("meeting_join")).toMatchObject([{ options: { microphone_on: true, camera_on: true } }]);
  });

  it("turns on only what the person presses", async () => {
    const { user, bridge } = await openByLink();
    await user.click(screen.getByRole("button", { name: "Microphone, off" }));
    expect(bridge.inputs("preview_start")).toMatchObject([{ camera_on: false, microphone_on: true }]);
    expect(screen.getByText("Your camera is off")).toBeDefined();
    await user.keyboard("{Control>}e{/Control}");
    expect(bridge.inputs("preview_start").at(-1)).toMatchObject({ camera_on: true, microphone_on: true });
  });

  it("joins with both off when nothing was turned on, and changes no setting by it", async () => {
    const { user, bridge } = await openByLink();
    await user.click(screen.getByRole("button", { name: "Join now" }));
    expect(bridge.inputs("meeting_join")).toMatchObject([{ options: { microphone_on: false, camera_on: false } }]);
    expect(bridge.settings).toMatchObject({ microphone_on: true, camera_on: true });
  });

  it("says it in German too", async () => {
    const { emit } = await openWindow((bridge) => { bridge.settings.language = "de"; });
    await emit({ type: "link_opened", text: "kestrel-lane-2741" });
    expect(await screen.findByRole("button", { name: "Kamera und Mikrofon einschalten" })).toBeDefined();
  });
});

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
    const field = screen.getByLabelText("Your name");
    expect(document.activeElement).toBe(field);
    expect(document.getElementById(field.getAttribute("aria-describedby") ?? "")?.getAttribute("role")).toBe("alert");
    await user.keyboard("Lena{Enter}");
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

  it("names only what it offers when the system has no camera at all", async () => {
    const { user, bridge, emit } = await openPreview((world) => { world.devices = { cameras: [], microphones: [], speakers: [] }; });
    const message = "No camera was found. Connect one, or choose a video file or the test picture.";
    await emit({ type: "device_problem", kind: "camera", problem: { kind: "camera", reason: "missing", message, device: null } });
    expect(screen.getByText(/^Connect one, or choose the test picture\./)).toBeDefined();
    expect(screen.queryByText(/video file/)).toBeNull();
    const before = bridge.inputs("preview_start").length;
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(bridge.inputs("preview_start")).toHaveLength(before + 1);
    await user.click(screen.getByRole("button", { name: "Use the test picture" }));
    expect(bridge.settings.devices.camera).toEqual({ kind: "test" });
  });

  it("says that one can listen only where there is something to hear with", async () => {
    const { emit, bridge } = await openPreview((world) => { world.devices = { ...world.devices, microphones: [] }; });
    expect(screen.getByText(/You can listen, and write in the chat/)).toBeDefined();
    await emit({ type: "devices", devices: { ...bridge.devices, speakers: [] } });
    expect(screen.queryByText(/You can listen/)).toBeNull();
    expect(screen.getByText("You cannot hear the others, and they cannot hear you. You can write in the chat.")).toBeDefined();
  });

  it("points back on its way back, along the line of writing", async () => {
    await openPreview();
    const drawing = screen.getByRole("button", { name: "Back" }).querySelector("svg");
    expect(drawing?.classList.contains("directed")).toBe(true);
    // The drawing's path, which the file has too.
    expect(readFileSync("src/design/icons/chevron-left.svg", "utf8")).toContain(`d="${drawing?.querySelector("path")?.getAttribute("d") ?? ""}"`);
  });

  it("stays with the reason when the meeting does not exist, and leads back to the code", async () => {
    const { user } = await openPreview((world) => world.refusals.set("meeting_join", { code: "room_not_found", message: "no room", field: null }));
    await user.click(screen.getByRole("button", { name: "Join now" }));
    expect(await screen.findByText("No meeting has the code kestrel-lane-2741.")).toBeDefined();
    await user.click(screen.getByRole("button", { name: "Check the code" }));
    expect(screen.getByLabelText("Join with a link or code")).toBeDefined();
  });

  it("leads back to the code as it was typed, to be mended in its place", async () => {
    const { user } = await openWindow((world) => world.refusals.set("meeting_join", { code: "room_not_found", message: "", field: null }));
    await user.type(screen.getByLabelText("Join with a link or code"), " Kestrel-Lane-274{Enter}");
    await user.click(await screen.findByRole("button", { name: "Join now" }));
    await user.click(await screen.findByRole("button", { name: "Check the code" }));
    const field = screen.getByLabelText<HTMLInputElement>("Join with a link or code");
    expect(document.activeElement).toBe(field);
    expect(field.value).toBe(" Kestrel-Lane-274");
    await user.keyboard("1{Enter}");
    expect(await screen.findByText("kestrel-lane-2741")).toBeDefined();
  });

  it("leads to an empty field for another link", async () => {
    const { user } = await openPreview((world) => world.refusals.set("meeting_join", { code: "token_invalid", message: "", field: null }));
    await user.click(screen.getByRole("button", { name: "Join now" }));
    await user.click(await screen.findByRole("button", { name: "Enter another link" }));
    const field = screen.getByLabelText<HTMLInputElement>("Join with a link or code");
    expect(document.activeElement).toBe(field);
    expect(field.value).toBe("");
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

  it("gives a join up when one goes back, and does not enter the call that comes of it", async () => {
    let refuse = (_error: unknown): void => undefined;
    const { user, bridge, session, emit } = await openPreview((world) => {
      const call = world.call.bind(world);
      world.call = (async (name, input) => {
        const done = call(name === "meeting_join" ? "host_status" : name, input as never);
        if (name === "meeting_join") await new Promise((_resolve, reject) => { refuse = reject; });
        return done;
      }) as typeof world.call;
    });
    await user.click(screen.getByRole("button", { name: "Join now" }));
    await user.click(screen.getByRole("button", { name: "Back" }));
    expect(bridge.inputs("call_leave")).toHaveLength(1);
    await emit({ type: "call_joined", call: bridge.joined });
    expect(screen.getByRole("heading", { name: "Start a meeting" })).toBeDefined();
    expect(bridge.inputs("call_leave")).toHaveLength(2);
    // What became of that join is nothing to the next preview.
    await act(async () => session.openPreview({ kind: "start", title: "" }));
    await act(async () => refuse({ code: "room_full", message: "Full.", field: null }));
    expect(screen.getByRole("heading", { name: "Ready to start?" })).toBeDefined();
    expect(screen.queryByText("The meeting is full.")).toBeNull();
  });

  it("turns devices on and off by the keys their buttons show", async () => {
    const { user, bridge } = await openPreview();
    await user.keyboard("{Control>}d{/Control}");
    await user.keyboard("{Control>}e{/Control}");
    expect(bridge.settings).toMatchObject({ microphone_on: false, camera_on: false });
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
