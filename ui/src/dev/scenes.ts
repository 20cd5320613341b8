/**
 * The states the developer page can show: `dev.html?scene=NAME&theme=THEME`. One entry is all that a new state needs:
 * `cargo xtask screenshots` then makes its pictures, and `--check` looks at it.
 */
import { FixtureBridge, fixtureCall, fixtureMessage } from "../bridge/fixture";
import type { BridgeError, CallLayout, DeviceProblem, Settings } from "../bridge/commands";
import { fixtureStats } from "../call/statistics/fixture_stats";
import type { ParticipantInfo } from "../bridge/protocol.generated";
import type { SettingsSection } from "../state/app_state";
import type { Session } from "../state/session";
import { words } from "../words";
import { CHAT, FIVE, INES, KOFI, LENA, LONG, RAJ, SHARING, TOMAS, ZOE, crowd } from "./people";

export interface Scene {
  /** Before the window opens: what the native side knows. */
  prepare?: (bridge: FixtureBridge) => void;
  /** After it opened: what happens. */
  play?: (bridge: FixtureBridge, session: Session) => void | Promise<void>;
  /** Names of the controls a person presses then, in this order. */
  press?: () => string[];
  /** Of the window, when not all of `SIZES` make sense. */
  sizes?: readonly string[];
  /** The pictures to keep in `docs/screens`, as `SIZE-THEME`; the others go to `target/screens` only. */
  keep?: readonly string[];
}

/** The sizes a scene is shown in. */
export const SIZES = ["1440x900", "1280x720", "480x800"];

const WIDE = ["1440x900", "1280x720"];
const DARK = ["1440x900-dark"];
const MINI = ["320x240"];

type Play = NonNullable<Scene["play"]>;

/** A call with these people, joined by the person who looks at it. */
function inCall(people: ParticipantInfo[], more: Scene = {}): Scene {
  return {
    keep: DARK,
    ...more,
    prepare: (bridge) => {
      bridge.joined = fixtureCall(people, { chat: CHAT });
      more.prepare?.(bridge);
    },
    play: async (bridge, session) => {
      session.openPreview({ kind: "start", title: "Design review" });
      await session.enter();
      bridge.emit({ type: "speaking", participants: [INES.id] });
      bridge.emit({ type: "levels", microphone: 0.62 });
      await more.play?.(bridge, session);
    },
  };
}

const toPreview: Play = (_bridge, session) =>
  session.openPreview({ kind: "join", link: { code: "kestrel-lane-2741", server: null, join_text: "kestrel-lane-2741" }, title: "Design review" });

/** The preview of a meeting; `more.play` goes on when it has opened its devices. */
function inPreview(more: Scene = {}): Scene {
  return {
    ...more,
    play: async (bridge, session) => {
      await toPreview(bridge, session);
      while (bridge.inputs("preview_start").length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      await more.play?.(bridge, session);
    },
  };
}

function withoutCamera(reason: DeviceProblem["reason"], message: string): Scene {
  return inPreview({
    keep: reason === "blocked" ? DARK : [],
    play: (bridge) => bridge.emit({ type: "device_problem", kind: "camera", problem: { kind: "camera", reason, message, device: "Built-in camera" } }),
  });
}

/** Pressing "Join" leads to this. */
function refused(error: BridgeError, keep: readonly string[] = []): Scene {
  return inPreview({
    keep,
    prepare: (bridge) => { bridge.refusals.set("meeting_join", error); },
    play: (_bridge, session) => session.enter(),
  });
}

function ended(phase: Extract<Parameters<FixtureBridge["emit"]>[0], { type: "call_phase" }>["phase"], keep: readonly string[] = []): Scene {
  return inCall(FIVE, { keep, play: (bridge) => bridge.emit({ type: "call_phase", phase }) });
}

/** A section of the settings, from home. */
function inSettings(section: SettingsSection, keep: readonly string[] = []): Scene {
  return { keep, prepare: (bridge) => withRecent(bridge.settings), press: () => [words.home.settings, words.settings.sections[section]] };
}

/** The five in another layout. */
function laidOut(layout: CallLayout): Scene {
  return inCall(FIVE, { prepare: (bridge) => { bridge.settings.layout = layout; } });
}

/** The mini window, with these people in the call. */
function inMini(people: ParticipantInfo[]): Scene {
  return inCall(people, { sizes: MINI, keep: ["320x240-dark"], play: (bridge) => bridge.emit({ type: "window_mode", mode: "mini" }) });
}

const withRecent = (settings: Settings): void => {
  settings.recent = [
    { code: "kestrel-lane-2741", title: "Design review", link: "", joined_at: Date.now() - 86_400_000 },
    { code: "amber-field-9032", title: "", link: "", joined_at: Date.now() - 3 * 86_400_000 },
  ];
};

export const scenes: Record<string, Scene> = {
  "home": {
    prepare: (bridge) => withRecent(bridge.settings),
    keep: ["1440x900-dark", "1440x900-light", "1440x900-hc", "480x800-dark"],
  },
  "home-empty": { prepare: (bridge) => { bridge.settings.name = ""; bridge.settings.server = "meet.example.org:8003"; }, keep: DARK },
  "home-no-code": { prepare: (bridge) => withRecent(bridge.settings), press: () => [words.home.join] },
  "home-bad-link": {
    prepare: (bridge) => withRecent(bridge.settings),
    play: (bridge) => bridge.emit({ type: "link_opened", text: "https://example.org/not-a-meeting" }),
  },
  "home-hosting": {
    prepare: (bridge) => {
      withRecent(bridge.settings);
      bridge.host = { running: true, address: "192.168.1.7:8003", port_taken: null, people: 3 };
    },
    keep: DARK,
  },
  "settings": { prepare: (bridge) => withRecent(bridge.settings), press: () => [words.home.settings], keep: DARK },
  "settings-sound": inSettings("sound"),
  "settings-shortcuts": inSettings("shortcuts", DARK),
  "settings-appearance": inSettings("appearance", DARK),
  "settings-servers": inSettings("servers"),

  "preview": inPreview({
    keep: ["1440x900-dark", "1440x900-light", "480x800-dark"],
    play: (bridge) => void setInterval(() => bridge.emit({ type: "levels", microphone: 0.62 }), 50),
  }),
  "preview-start": { play: (_bridge, session) => session.openPreview({ kind: "start", title: "Design review" }) },
  "preview-off": inPreview({ prepare: (bridge) => { bridge.settings.camera_on = false; bridge.settings.microphone_on = false; } }),
  "preview-blocked": withoutCamera("blocked", "The privacy settings of this computer keep Confab from it."),
  "preview-busy": withoutCamera("busy", "Another program holds Built-in camera."),
  "preview-missing": inPreview({ keep: DARK, prepare: (bridge) => { bridge.devices = { cameras: [], microphones: [], speakers: [] }; } }),
  "preview-by-link": {
    keep: [],
    play: (bridge) => bridge.emit({ type: "link_opened", text: "http://127.0.0.1:8003/m/kestrel-lane-2741" }),
  },
  "preview-joining": inPreview({
    play: (bridge, session) => {
      bridge.call = () => new Promise(() => undefined);
      void session.enter();
    },
  }),
  "preview-refused": refused({ code: "room_not_found", message: "", field: null }, DARK),
  "preview-no-server": refused({ code: "server_unreachable", message: "Nothing listens at meet.example.org:8003.", field: null }),

  "preview-own-server": inPreview({
    keep: [],
    prepare: (bridge) => { bridge.refusals.set("meeting_join", { code: "server_unreachable", message: "", field: null }); },
    play: async (_bridge, session) => {
      session.openPreview({ kind: "join", link: await session.parseLink("http://127.0.0.1:8003/m/kestrel-lane-2741"), title: "Design review" });
      await session.enter();
    },
  }),

  "call-1": inCall([LENA]),
  "call-1-here": inCall([LENA], {
    keep: [],
    prepare: (bridge) => { bridge.joined = { ...bridge.joined, link: "http://127.0.0.1:8003/m/kestrel-lane-2741" }; },
    play: (_bridge, session) => session.copyLink(),
  }),
  "call-2": inCall([INES, LENA], { keep: [] }),
  "call-5": inCall(FIVE, {
    keep: ["1440x900-dark", "1440x900-light", "1440x900-hc", "1280x720-dark", "480x800-dark"],
    play: (bridge) => {
      bridge.emit({ type: "chat", message: fixtureMessage(20, RAJ, "On it.") });
      bridge.emit({ type: "chat", message: fixtureMessage(21, INES, "Thank you.") });
    },
  }),
  "call-states": inCall([INES, KOFI, ZOE, TOMAS, LONG, LENA], {
    play: (bridge, session) => {
      session.dispatch({ type: "pin_toggled", participant: KOFI.id });
      void bridge.call("set_microphone_on", { on: false });
      void bridge.call("hand_set", { raised: true });
      const message = "Built-in camera was unplugged.";
      bridge.emit({ type: "device_problem", kind: "camera", problem: { kind: "camera", reason: "lost", message, device: "Built-in camera" } });
      void bridge.call("set_camera_on", { on: false });
    },
  }),
  "call-16": inCall(crowd(16), { keep: ["1440x900-dark", "1440x900-light"] }),
  "call-49": inCall(crowd(49)),
  "call-60": inCall(crowd(60), { keep: ["480x800-dark"] }),
  "layout-speaker": laidOut("speaker"),
  "layout-sidebar": laidOut("sidebar"),
  "view-menu": inCall(FIVE, { press: () => [words.view.button] }),
  "reactions": inCall(FIVE, { keep: [], sizes: WIDE, press: () => [words.dock.react] }),
  "statistics": inCall(FIVE, {
    play: (bridge) => void setInterval(() => bridge.emit({ type: "stats", stats: fixtureStats(INES.id) }), 250),
    press: () => [words.view.button, words.more.statistics],
  }),
  "weak-connection": inCall(FIVE, {
    play: (bridge) => bridge.emit({ type: "quality", people: [{ participant: TOMAS.id, quality: "weak" }, { participant: RAJ.id, quality: "bad" }] }),
  }),
  "mini": inMini(FIVE),
  "mini-share": inMini(SHARING),
  "people": inCall([...FIVE, ZOE, LONG], { keep: ["1440x900-dark", "1440x900-light", "480x800-dark"], press: () => [words.dock.people(7)] }),
  "chat": inCall(FIVE, { keep: ["1440x900-dark", "1440x900-light", "480x800-dark"], press: () => [words.dock.chat] }),
  "chat-preview": inCall(FIVE, {
    keep: [],
    prepare: (bridge) => { bridge.joined = { ...bridge.joined, link: `https://192.168.1.7:8003/m/kestrel-lane-2741#fp=${"3f9a".repeat(16)}` }; },
    play: async (bridge, session) => {
      await session.copyLink();
      bridge.emit({ type: "chat", message: fixtureMessage(20, RAJ, "I put the table at https://example.org/rejoin-by-router/third-quarter and will go through it line by line once Tomas is back with us. Does that suit everybody?") });
    },
  }),
  "chat-empty": inCall(FIVE, { keep: [], prepare: (bridge) => { bridge.joined = fixtureCall(FIVE); }, press: () => [words.dock.chat] }),
  "device-menu": inCall(FIVE, { sizes: WIDE, press: () => [words.dock.microphoneMenu] }),
  "camera-menu": inCall(FIVE, { keep: [], sizes: WIDE, press: () => [words.dock.cameraMenu] }),
  "more-menu": inCall(FIVE, { press: () => [words.dock.more] }),
  "shortcuts": inCall(FIVE, { press: () => [words.dock.more, words.more.shortcuts] }),
  "call-settings": inCall(FIVE, { keep: [], press: () => [words.dock.more, words.more.settings] }),
  "share": inCall(SHARING, { keep: ["1440x900-dark", "1440x900-light", "480x800-dark"] }),
  "share-dialog": inCall(FIVE, { press: () => [words.dock.share] }),
  "share-own": inCall(FIVE, { play: (bridge) => void bridge.call("share_start", { source_id: "window-7" }) }),
  "reconnecting": inCall(FIVE, {
    play: (bridge, session) => {
      bridge.call = () => new Promise(() => undefined);
      void session.sendMessage("I will write it up after the call.");
      bridge.emit({ type: "call_phase", phase: { phase: "reconnecting", since: Date.now() - 7_000, next_try_at: Date.now() + 2_000, message: "" } });
    },
  }),
  "left": inCall(FIVE, { play: (_bridge, session) => session.leave() }),
  "removed": ended({ phase: "ended", reason: "removed", message: "" }),
  "timed-out": ended({ phase: "ended", reason: "timed_out", message: "" }),
  "gone": ended({ phase: "ended", reason: "server_gone", message: "" }, DARK),
};
