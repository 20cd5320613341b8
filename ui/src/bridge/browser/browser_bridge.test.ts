import { afterEach, describe, expect, it } from "vitest";
import { DEFAULT_SETTINGS } from "../../state/app_state";
import { speak, words } from "../../words";
import { refusalWords } from "../../words/errors";
import type { BridgeError, CommandName } from "../commands";
import { BrowserBridge } from "./browser_bridge";

/** What a command is refused with. */
async function refused(name: CommandName): Promise<BridgeError> {
  const input = { on: true, mode: "mini", source_id: "screen-1" };
  return new BrowserBridge().call(name, input as never).then(() => { throw new Error(`${name} was done`); }, (error: BridgeError) => error);
}

afterEach(() => {
  localStorage.clear();
  speak("en");
});

describe("the bridge of a page", () => {
  it("says what it is", async () => {
    expect(await new BrowserBridge().call("app_info", {})).toMatchObject({ platform: "browser", window_controls: false, opened_link: null, version: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
    expect(await new BrowserBridge().call("window_state", {})).toEqual({ call: null, media: null, mode: "normal" });
  });

  it("keeps settings from one visit to the next", async () => {
    const settings = { ...DEFAULT_SETTINGS, name: "Lena", theme: "dark" as const };
    await new BrowserBridge().call("settings_set", { settings });
    expect(await new BrowserBridge().call("settings_get", {})).toEqual(settings);
  });

  it("reads links as the native side does", async () => {
    const bridge = new BrowserBridge();
    expect(await bridge.call("parse_link", { text: " Kestrel-Lane-27 " })).toEqual({ code: "kestrel-lane-27", server: null, join_text: "kestrel-lane-27" });
    await expect(bridge.call("parse_link", { text: "" })).rejects.toMatchObject({ code: "link_invalid", message: words.browser.link.empty });
  });

  it.each([
    ["list_share_sources", "share"], ["share_start", "share"], ["share_stop", "share"], ["stats_watch", "statistics"],
    ["host_status", "host"], ["host_start", "host"], ["host_stop", "host"], ["window_mode_set", "mini"], ["always_on_top_set", "onTop"], ["frame_socket", "frames"],
  ] as const)("refuses what a browser cannot do, and says so: %s", async (name, what) => {
    expect(await refused(name)).toEqual({ code: "not_in_browser", message: words.browser.cannot[what], field: null });
  });

  it("says so in the language of the window", async () => {
    speak("de");
    const { message, detail } = refusalWords(await refused("share_start"));
    expect([message, detail]).toEqual([words.errors.not_in_browser.title, words.browser.cannot.share]);
    expect(detail).toMatch(/Bildschirm/);
  });

  it.each(["set_microphone_on", "set_camera_on", "hand_set", "react", "chat_send", "chat_older", "view_set", "retry_now"] as const)(
    "has nothing to do outside a call: %s", async (name) => expect(await refused(name)).toMatchObject({ code: "not_in_call" }),
  );

  it("leaves a call that there is none of without a word", async () => {
    expect(await new BrowserBridge().call("call_leave", {})).toBeNull();
    expect(await new BrowserBridge().call("preview_stop", {})).toBeNull();
  });
});
