import { act, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { FixtureBridge } from "../../bridge/fixture";
import type { SettingsSection } from "../../state/app_state";
import { openCall, openWindow, type TestWindow } from "../../test_app";

async function openSettings(section: SettingsSection, prepare?: (bridge: FixtureBridge) => void): Promise<TestWindow> {
  const opened = await openWindow(prepare);
  await act(async () => opened.session.openSettings(section));
  return opened;
}

describe("the settings", () => {
  it("open from home with the sections as tabs, and arrows go between them", async () => {
    const { user } = await openWindow();
    await user.click(screen.getByRole("button", { name: "Settings" }));
    await waitFor(() => expect(document.activeElement).toBe(screen.getByRole("tab", { name: "Sound and camera", selected: true })));
    await user.keyboard("{ArrowDown}");
    expect(screen.getByRole("tab", { name: "Video", selected: true })).toBeDefined();
    await user.keyboard("{End}");
    expect(screen.getByRole("tab", { name: "About", selected: true })).toBeDefined();
    expect(screen.getByText("0.1.0")).toBeDefined();
  });

  it("go back by Escape, and the focus is where it was", async () => {
    const { user } = await openWindow();
    await user.click(screen.getByRole("button", { name: "Change" }));
    expect(screen.getByRole("tab", { name: "Servers", selected: true })).toBeDefined();
    await user.keyboard("{Escape}");
    expect(screen.getByRole("heading", { name: "Start a meeting" })).toBeDefined();
    expect(document.activeElement).toBe(screen.getByRole("button", { name: "Change" }));
  });

  it("change colours at once, and keep language, size of text and motion", async () => {
    const { user, bridge } = await openSettings("appearance");
    await user.click(screen.getByRole("radio", { name: "Light" }));
    expect(document.documentElement.dataset["theme"]).toBe("light");
    await user.click(screen.getByRole("radio", { name: "150 %" }));
    await user.click(screen.getByRole("radio", { name: "Reduced" }));
    await user.click(screen.getByRole("radio", { name: "Deutsch" }));
    expect(bridge.settings).toMatchObject({ theme: "light", language: "de", text_size: 150, motion: "reduced" });
  });

  it("keep the name that was typed when one leaves the field", async () => {
    const { user, bridge } = await openSettings("privacy");
    await user.clear(screen.getByLabelText("Your name"));
    await user.type(screen.getByLabelText("Your name"), " Lena F ");
    await user.tab();
    expect(bridge.settings.name).toBe("Lena F");
  });

  it("take another server by its address, and this computer again", async () => {
    const { user, bridge } = await openSettings("servers");
    await user.click(screen.getByRole("radio", { name: "Another server" }));
    await user.type(screen.getByLabelText("Address of the server"), "meet{Enter}");
    expect(screen.getByText(/not an address with a port/)).toBeDefined();
    expect(bridge.settings.server).toBe("");
    await user.type(screen.getByLabelText("Address of the server"), ".example.org:8003{Enter}");
    expect(bridge.settings.server).toBe("meet.example.org:8003");
    await user.click(screen.getByRole("radio", { name: "This computer" }));
    expect(bridge.settings.server).toBe("");
  });

  it("take a server's whole address with its fingerprint, and no damaged one", async () => {
    const { user, bridge } = await openSettings("servers");
    const whole = `https://192.0.2.2:8003#fp=${"ab".repeat(32)}`;
    await user.click(screen.getByRole("radio", { name: "Another server" }));
    const field = screen.getByLabelText("Address of the server");
    await user.type(field, `${whole.slice(0, -1)}{Enter}`);
    expect(screen.getByText(/not a whole address/)).toBeDefined();
    await user.type(field, "b{Enter}");
    expect(screen.queryByText(/not a whole address/)).toBeNull();
    expect(bridge.settings.server).toBe(whole);
    await user.clear(field);
    await user.type(field, `192.0.2.2:8003#fp=${"ab".repeat(32)}{Enter}`);
    expect(bridge.settings.server).toBe(`192.0.2.2:8003#fp=${"ab".repeat(32)}`);
  });

  it("keep a host key for the one server it was entered for", async () => {
    const { user, bridge } = await openSettings("servers");
    await user.click(screen.getByRole("radio", { name: "Another server" }));
    await user.type(screen.getByLabelText("Address of the server"), "meet.example.org:8003{Enter}");
    const key = screen.getByLabelText("Host key");
    expect(key.getAttribute("type")).toBe("password");
    await user.type(key, " abcd-efgh-jkmn-pqrs {Enter}");
    expect(bridge.settings.host_key).toBe("abcd-efgh-jkmn-pqrs");
    await user.type(screen.getByLabelText("Address of the server"), "4{Enter}");
    expect(bridge.settings).toMatchObject({ server: "meet.example.org:80034", host_key: "" });
  });

  it("remove one kept meeting at once, and all after a question", async () => {
    const { user, bridge } = await openSettings("privacy", (world) => {
      world.settings.recent = ["amber", "birch", "cedar"].map((word) => ({ code: `${word}-field-9032`, title: word, link: "", joined_at: Date.now() }));
    });
    await user.click(screen.getByRole("button", { name: "Remove birch from the list" }));
    expect(bridge.settings.recent.map(({ title }) => title)).toEqual(["amber", "cedar"]);
    await user.click(screen.getByRole("button", { name: "Remove all" }));
    await user.click(screen.getByRole("button", { name: "Keep them" }));
    expect(bridge.settings.recent).toHaveLength(2);
    await user.click(screen.getByRole("button", { name: "Remove all" }));
    await user.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Remove all" }));
    expect(bridge.settings.recent).toEqual([]);
    expect(screen.getByText("No meeting is kept")).toBeDefined();
  });
});

describe("sound and camera", () => {
  it("open the devices for a trial, even when one joins with them off, and close them at the end", async () => {
    const { bridge, session } = await openSettings("sound", (world) => { world.settings.camera_on = false; });
    expect(bridge.inputs("preview_start")).toMatchObject([{ camera_on: true, microphone_on: true }]);
    await act(async () => session.closeSettings());
    expect(bridge.inputs("preview_stop")).toHaveLength(1);
    expect(bridge.settings.camera_on).toBe(false);
  });

  it("play a sound on the chosen speaker, and say so while it plays", async () => {
    const { user, bridge } = await openSettings("sound");
    let played = (): void => undefined;
    const call = bridge.call.bind(bridge);
    bridge.call = (async (name, input) => {
      if (name === "speaker_test") await new Promise<void>((done) => { played = done; });
      return call(name, input);
    }) as typeof bridge.call;
    await user.click(screen.getByRole("button", { name: "Test the speaker" }));
    await user.click(screen.getByRole("button", { name: "Playing" }));
    await act(async () => played());
    expect(bridge.inputs("speaker_test")).toEqual([{ speaker: { kind: "default" } }]);
    expect(screen.getByRole("button", { name: "Test the speaker" })).toBeDefined();
  });

  it("say why the sound did not play", async () => {
    const { user } = await openSettings("sound", (world) => world.refusals.set("speaker_test", { code: "device_failed", message: "The headphones are gone.", field: null }));
    await user.click(screen.getByRole("button", { name: "Test the speaker" }));
    expect(await screen.findByText("The sound did not play.")).toBeDefined();
    expect(screen.getByText("The headphones are gone.")).toBeDefined();
  });

  it("change noise removal and the mirror", async () => {
    const { user, bridge } = await openSettings("sound");
    await user.click(screen.getByRole("switch", { name: "Remove background noise" }));
    await user.click(screen.getByRole("switch", { name: "Mirror my own picture" }));
    expect(bridge.inputs("noise_removal_set")).toEqual([{ on: false }]);
    expect(bridge.settings).toMatchObject({ noise_removal: false, mirror: false });
  });

  it("say why a camera does not work, and try again", async () => {
    const { user, bridge, emit } = await openSettings("sound");
    await emit({ type: "device_problem", kind: "camera", problem: { kind: "camera", reason: "busy", message: "OBS Studio holds it.", device: null } });
    expect(screen.getByText("The camera is in use by another program.")).toBeDefined();
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(bridge.inputs("preview_start")).toHaveLength(2);
  });
});

describe("shortcuts in the settings", () => {
  const line = (name: RegExp): HTMLElement => screen.getByRole("button", { name });

  it("change by pressing the new keys", async () => {
    const { user, bridge } = await openSettings("shortcuts");
    await user.click(line(/Change the keys of Raise hand, Ctrl Shift H/));
    await user.keyboard("{Control>}{Shift>}j{/Shift}{/Control}");
    expect(bridge.settings.shortcuts).toEqual({ hand: "Ctrl+Shift+J" });
    expect(line(/Raise hand, Ctrl Shift J/)).toBeDefined();
    expect(screen.getByText("Raise hand: Ctrl Shift J")).toBeDefined();
  });

  it("name the action that has the keys already, and wait for others", async () => {
    const { user, bridge } = await openSettings("shortcuts");
    await user.click(line(/Change the keys of Raise hand/));
    await user.keyboard("{Control>}d{/Control}");
    expect(screen.getByText("Ctrl D is taken: Microphone on or off. Press other keys.")).toBeDefined();
    expect(bridge.settings.shortcuts).toEqual({});
    await user.keyboard("j");
    expect(screen.getByText(/J alone would be hit while typing/)).toBeDefined();
    await user.keyboard("{Control>}c{/Control}");
    expect(screen.getByText(/Ctrl C belongs to texts/)).toBeDefined();
    await user.keyboard("{Control>}j{/Control}");
    expect(bridge.settings.shortcuts).toEqual({ hand: "Ctrl+J" });
  });

  it("keep the old keys on Escape, and the settings stay open", async () => {
    const { user, bridge } = await openSettings("shortcuts");
    await user.click(line(/Change the keys of Chat/));
    await user.keyboard("{Escape}");
    expect(line(/Change the keys of Chat, Ctrl Shift C/)).toBeDefined();
    expect(bridge.settings.shortcuts).toEqual({});
  });

  it("are given back one by one, and all together", async () => {
    const { user, bridge } = await openSettings("shortcuts", (world) => { world.settings.shortcuts = { hand: "Ctrl+J", chat: "Ctrl+K" }; });
    await user.click(screen.getByRole("button", { name: "Give Raise hand its usual keys" }));
    expect(bridge.settings.shortcuts).toEqual({ chat: "Ctrl+K" });
    await user.click(screen.getByRole("button", { name: "Reset all shortcuts" }));
    expect(bridge.settings.shortcuts).toEqual({});
  });

  it("are not given back while another action has them", async () => {
    const { user, bridge } = await openSettings("shortcuts", (world) => { world.settings.shortcuts = { hand: "Ctrl+J", chat: "Ctrl+Shift+H" }; });
    await user.click(screen.getByRole("button", { name: "Give Raise hand its usual keys" }));
    expect(screen.getByText("Ctrl Shift H is taken: Chat. Press other keys.")).toBeDefined();
    expect(bridge.settings.shortcuts).toEqual({ hand: "Ctrl+J", chat: "Ctrl+Shift+H" });
  });
});

describe("the settings in a call", () => {
  it("keep its window above others, until it ends", async () => {
    const { user, bridge, session, emit } = await openCall();
    await act(async () => session.openSettings("appearance"));
    await user.click(screen.getByRole("switch", { name: "Keep the window of a call above others" }));
    expect(bridge.settings.always_on_top).toBe(true);
    expect(bridge.inputs("always_on_top_set")).toEqual([{ on: true }]);
    await emit({ type: "call_phase", phase: { phase: "ended", reason: "left", message: "" } });
    expect(bridge.inputs("always_on_top_set")).toEqual([{ on: true }, { on: false }]);
  });

  it("open over it once, whoever asks, and the call goes on", async () => {
    const { user, bridge } = await openCall();
    await user.keyboard("{Control>},{/Control}");
    await user.keyboard("{Control>},{/Control}");
    expect(screen.getAllByRole("dialog")).toHaveLength(1);
    expect(bridge.inputs("preview_start").length).toBe(bridge.inputs("preview_stop").length);
    await user.keyboard("{Escape}");
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(screen.getByRole("toolbar", { name: "Call controls" })).toBeDefined();
    expect(bridge.inputs("call_leave")).toHaveLength(0);
  });

  it("open at sound and camera from the device menu, which gets the focus back", async () => {
    const { user } = await openCall();
    const chevron = screen.getByRole("button", { name: "Microphone and speaker choices" });
    await user.click(chevron);
    await user.click(await screen.findByRole("menuitem", { name: "Sound and camera" }));
    expect(await screen.findByRole("tab", { name: "Sound and camera", selected: true })).toBeDefined();
    await user.keyboard("{Escape}");
    await act(async () => new Promise((done) => setTimeout(done, 50)));
    expect(document.activeElement).toBe(chevron);
  });

  it("switch noise removal in the device menu, which stays open", async () => {
    const { user, bridge } = await openCall();
    await user.click(screen.getByRole("button", { name: "Microphone and speaker choices" }));
    const noise = await screen.findByRole("menuitemcheckbox", { name: "Remove background noise" });
    expect(noise.getAttribute("aria-checked")).toBe("true");
    await user.click(noise);
    expect(bridge.inputs("noise_removal_set")).toEqual([{ on: false }]);
    expect(screen.getByRole("menuitemcheckbox", { name: "Remove background noise" }).getAttribute("aria-checked")).toBe("false");
  });
});
