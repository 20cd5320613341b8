import { describe, expect, it } from "vitest";
import { fixtureCall, fixturePerson, FIXTURE_DEVICES, FIXTURE_SETTINGS } from "../bridge/fixture";
import type { AppInfo, BridgeError } from "../bridge/commands";
import { initialState, reduce, switchedOn, withoutRecent, withRecent, type AppState } from "./app_state";

const INFO: AppInfo = { version: "0.1.0", platform: "linux", window_controls: false, draws_pictures: false, opened_link: null };
const FULL: BridgeError = { code: "room_full", message: "", field: null };
const start = (): AppState => initialState(INFO, FIXTURE_SETTINGS, FIXTURE_DEVICES);
const LENA = fixturePerson(5, "Lena Fischer");
const inCall = (): AppState => reduce(start(), { type: "call_joined", call: fixtureCall([LENA]) });

describe("the window", () => {
  it("goes from home over the preview into the call", () => {
    let state = start();
    expect(state.screen.name).toBe("home");
    state = reduce(state, { type: "preview_opened", intent: { kind: "start", title: "Review" } });
    expect(state.screen).toMatchObject({ name: "preview", busy: false });
    state = reduce(state, { type: "join_began", attempt: 1 });
    expect(state.screen).toMatchObject({ busy: true });
    state = reduce(state, { type: "call_joined", call: fixtureCall([LENA]) });
    expect(state.screen.name).toBe("call");
  });

  it("stays on the preview with the reason when joining is refused", () => {
    let state = reduce(start(), { type: "preview_opened", intent: { kind: "start", title: "" } });
    state = reduce(reduce(state, { type: "join_began", attempt: 1 }), { type: "join_refused", attempt: 1, error: FULL });
    expect(state.screen).toMatchObject({ name: "preview", busy: false, error: { code: "room_full" } });
  });

  it("takes no notice of the refusal of an earlier try", () => {
    const opened = reduce(start(), { type: "preview_opened", intent: { kind: "start", title: "" } });
    const second = reduce(reduce(opened, { type: "join_began", attempt: 1 }), { type: "preview_opened", intent: { kind: "start", title: "Other" } });
    expect(reduce(second, { type: "join_refused", attempt: 1, error: FULL })).toBe(second);
    const trying = reduce(second, { type: "join_began", attempt: 2 });
    expect(reduce(trying, { type: "join_refused", attempt: 1, error: FULL })).toBe(trying);
    expect(reduce(trying, { type: "join_refused", attempt: 2, error: FULL }).screen).toMatchObject({ busy: false, error: FULL });
  });

  it("has camera and microphone off on a preview that a link opened, until each is woken", () => {
    const on = (state: AppState): boolean[] => [switchedOn(state, "camera"), switchedOn(state, "microphone")];
    const intent = { kind: "start", title: "" } as const;
    expect(on(reduce(start(), { type: "preview_opened", intent }))).toEqual([true, true]);
    let state = reduce(start(), { type: "preview_opened", intent, by: "link" });
    expect(on(state)).toEqual([false, false]);
    state = reduce(state, { type: "devices_woken", devices: ["camera"] });
    expect(on(state)).toEqual([true, false]);
    expect(on(reduce(state, { type: "preview_opened", intent, by: "link" }))).toEqual([false, false]);
  });

  it("shows why a call ended, and can join it again by its link", () => {
    const state = reduce(inCall(), { type: "call_phase", phase: { phase: "ended", reason: "timed_out", message: "" } });
    expect(state.screen).toMatchObject({ name: "ended", reason: "timed_out", again: { join_text: "http://192.168.1.7:8003/m/kestrel-lane-2741" } });
    expect(state.call).toBeNull();
  });

  it("takes no notice of call events when there is no call", () => {
    const state = start();
    expect(reduce(state, { type: "speaking", participants: ["x"] })).toBe(state);
    expect(reduce(state, { type: "call_phase", phase: { phase: "ended", reason: "failed", message: "" } })).toBe(state);
  });

  it("ends once: a second end changes nothing", () => {
    const ended = reduce(inCall(), { type: "call_phase", phase: { phase: "ended", reason: "left", message: "" } });
    expect(reduce(ended, { type: "call_phase", phase: { phase: "ended", reason: "failed", message: "x" } })).toBe(ended);
  });

  it("knows a device problem until it is over", () => {
    const problem = { kind: "camera", reason: "busy", message: "", device: null } as const;
    let state = reduce(start(), { type: "device_problem", kind: "camera", problem });
    expect(state.problems.camera).toEqual(problem);
    state = reduce(state, { type: "device_problem", kind: "camera", problem: null });
    expect(state.problems.camera).toBeUndefined();
  });

  it("takes a camera that came on as working again", () => {
    const problem = { kind: "camera", reason: "lost", message: "", device: null } as const;
    const media = { microphone_on: false, camera_on: false, share: null, hand_raised: false };
    let state = reduce(reduce(inCall(), { type: "device_problem", kind: "camera", problem }), { type: "own_media", media });
    expect(state.problems.camera).toEqual(problem);
    state = reduce(state, { type: "own_media", media: { ...media, camera_on: true } });
    expect(state.problems.camera).toBeUndefined();
  });
});

describe("the settings", () => {
  const opened = (state: AppState): AppState => reduce(state, { type: "settings_opened", section: "servers", opener: "server" });

  it("are a screen from home, which says what led there when one goes back", () => {
    let state = opened(start());
    expect(state.screen).toEqual({ name: "settings", section: "servers", opener: "server" });
    state = reduce(state, { type: "settings_opened", section: "about", opener: "settings" });
    state = reduce(state, { type: "settings_closed" });
    expect(state.screen).toEqual({ name: "home", focus: "server" });
  });

  it("lie over a call, and go with it", () => {
    const state = opened(inCall());
    expect(state).toMatchObject({ screen: { name: "call" }, settingsOver: "servers" });
    expect(reduce(state, { type: "settings_closed" })).toMatchObject({ screen: { name: "call" }, settingsOver: null });
    expect(reduce(state, { type: "call_phase", phase: { phase: "ended", reason: "removed", message: "" } }).settingsOver).toBeNull();
  });
});

describe("toasts", () => {
  it("are two at most, the newest stay", () => {
    let state = start();
    for (const message of ["one", "two", "three"]) state = reduce(state, { type: "toast_shown", toast: { tone: "info", message } });
    expect(state.toasts.map(({ message }) => message)).toEqual(["two", "three"]);
  });

  it("say the same thing once", () => {
    let state = reduce(start(), { type: "notice", tone: "warn", message: "same" });
    state = reduce(state, { type: "notice", tone: "warn", message: "same" });
    expect(state.toasts).toHaveLength(1);
  });

  it("go when closed", () => {
    let state = reduce(start(), { type: "notice", tone: "warn", message: "a" });
    state = reduce(state, { type: "toast_closed", id: state.toasts[0]?.id ?? 0 });
    expect(state.toasts).toEqual([]);
  });
});

describe("recent meetings", () => {
  it("have the newest first, each meeting once, eight at most", () => {
    let settings = FIXTURE_SETTINGS;
    for (let number = 0; number < 12; number += 1) {
      settings = withRecent(settings, { code: `lane-field-${10 + (number % 10)}`, title: String(number), link: "", joined_at: number });
    }
    expect(settings.recent).toHaveLength(8);
    expect(settings.recent[0]).toMatchObject({ code: "lane-field-11", title: "11" });
    expect(new Set(settings.recent.map(({ code }) => code)).size).toBe(8);
  });

  it("go one by one, or all", () => {
    const settings = { ...FIXTURE_SETTINGS, recent: ["a", "b"].map((code) => ({ code, title: "", link: "", joined_at: 0 })) };
    expect(withoutRecent(settings, "a").recent.map(({ code }) => code)).toEqual(["b"]);
    expect(withoutRecent(settings, null).recent).toEqual([]);
  });
});
