/** The states the developer page can show: `dev.html?scene=NAME&theme=THEME`. */
import { FixtureBridge, fixtureCall, fixtureMessage, fixturePerson } from "../bridge/fixture";
import type { ParticipantInfo } from "../bridge/protocol.generated";
import type { Session } from "../state/session";

export interface Scene {
  prepare?: (bridge: FixtureBridge) => void;
  play?: (bridge: FixtureBridge, session: Session) => void | Promise<void>;
}

const INES = fixturePerson(1, "Ines Okafor", { role: "co_host" });
const TOMAS = fixturePerson(2, "Tomas Lindqvist", { muted: ["microphone"], hand_raised_at: Date.now() - 72_000 });
const MEI = fixturePerson(3, "Mei Tanaka", { muted: ["microphone"] });
const RAJ = fixturePerson(4, "Raj Malhotra");
const LENA = fixturePerson(5, "Lena Fischer", { role: "host" });
const KOFI = fixturePerson(6, "Kofi Mensah", { muted: ["microphone", "camera"] });
const ZOE = fixturePerson(7, "Zoë Almeida", { connection: "rejoining" });
const FIVE = [INES, TOMAS, MEI, RAJ, LENA];

const CHAT = [
  fixtureMessage(1, MEI, "Numbers for the rejoin time are in. The slow cases are all one router family.", 9),
  fixtureMessage(2, MEI, "The table is at https://example.org/rejoin-by-router", 9),
  fixtureMessage(3, TOMAS, "That is the one in my flat. I can reproduce it right now if it helps.", 6),
  fixtureMessage(4, LENA, "Good. Raj, please take the pager for the first hour on Monday.", 2),
];

function inCall(people: ParticipantInfo[], play?: Scene["play"]): Scene {
  return {
    prepare: (bridge) => { bridge.joined = fixtureCall(people, { chat: CHAT }); },
    play: async (bridge, session) => {
      session.openPreview({ kind: "start", title: "Design review" });
      await session.enter();
      bridge.emit({ type: "speaking", participants: [INES.id] });
      bridge.emit({ type: "levels", microphone: 0.62 });
      await play?.(bridge, session);
    },
  };
}

const toPreview: Scene["play"] = (_bridge, session) => {
  session.openPreview({ kind: "join", link: { code: "kestrel-lane-2741", server: null, join_text: "kestrel-lane-2741" }, title: "Design review" });
};

export const scenes: Record<string, Scene> = {
  home: {
    prepare: (bridge) => {
      bridge.settings.recent = [
        { code: "kestrel-lane-2741", title: "Design review", link: "", joined_at: Date.now() - 86_400_000 },
        { code: "amber-field-9032", title: "", link: "", joined_at: Date.now() - 3 * 86_400_000 },
      ];
    },
  },
  "home-empty": { prepare: (bridge) => { bridge.settings.name = ""; bridge.settings.server = "meet.example.org:8003"; } },
  preview: {
    play: (bridge, session) => {
      void toPreview?.(bridge, session);
      setInterval(() => bridge.emit({ type: "levels", microphone: 0.5 + 0.2 * Math.sin(Date.now() / 300) }), 50);
    },
  },
  "preview-blocked": {
    play: (bridge, session) => {
      void toPreview?.(bridge, session);
      bridge.emit({
        type: "device_problem",
        kind: "camera",
        problem: { kind: "camera", reason: "busy", message: "Another program holds Built-in camera.", device: "Built-in camera" },
      });
    },
  },
  "preview-missing": {
    prepare: (bridge) => { bridge.devices = { cameras: [], microphones: [], speakers: [] }; },
    play: toPreview,
  },
  "preview-error": {
    prepare: (bridge) => { bridge.refusals.set("meeting_join", { code: "room_not_found", message: "", field: null }); },
    play: async (bridge, session) => { void toPreview?.(bridge, session); await session.enter(); },
  },
  "call-5": inCall(FIVE, (bridge) => {
    bridge.emit({ type: "chat", message: fixtureMessage(20, RAJ, "On it.") });
    bridge.emit({ type: "chat", message: fixtureMessage(21, INES, "Thank you.") });
  }),
  "call-1": inCall([LENA]),
  "call-states": inCall([INES, KOFI, ZOE, TOMAS, LENA], (bridge, session) => {
    session.dispatch({ type: "pin_toggled", participant: KOFI.id });
    void bridge.call("set_microphone_on", { on: false });
    void bridge.call("hand_set", { raised: true });
    bridge.emit({
      type: "device_problem",
      kind: "camera",
      problem: { kind: "camera", reason: "lost", message: "Built-in camera was unplugged.", device: "Built-in camera" },
    });
    void bridge.call("set_camera_on", { on: false });
  }),
  "call-16": inCall([...FIVE, ...Array.from({ length: 11 }, (_, index) => fixturePerson(20 + index, `Guest Number ${index + 1}`, { muted: ["microphone"] }))]),
  "call-60": inCall([...FIVE, ...Array.from({ length: 55 }, (_, index) => fixturePerson(20 + index, `Guest Number ${index + 1}`, { muted: ["microphone"] }))]),
  people: inCall([...FIVE, ZOE], (_bridge, session) => session.dispatch({ type: "panel_toggled", panel: "people" })),
  chat: inCall(FIVE, (bridge, session) => {
    session.dispatch({ type: "panel_toggled", panel: "chat" });
    bridge.emit({ type: "call_phase", phase: { phase: "joined" } });
  }),
  "chat-empty": inCall(FIVE, (_bridge, session) => session.dispatch({ type: "panel_toggled", panel: "chat" })),
  share: inCall([fixturePerson(1, "Ines Okafor", { adds: ["screen"] }), TOMAS, MEI, RAJ, LENA]),
  "share-own": inCall(FIVE, (bridge) => void bridge.call("share_start", { source_id: "window-7" })),
  "share-dialog": inCall(FIVE),
  reconnecting: inCall(FIVE, (bridge, session) => {
    bridge.call = () => new Promise(() => undefined);
    void session.sendMessage("I will write it up after the call.");
    bridge.emit({ type: "call_phase", phase: { phase: "reconnecting", since: Date.now() - 7_000, next_try_at: Date.now() + 2_000, message: "" } });
  }),
  left: inCall(FIVE, (_bridge, session) => session.leave()),
  gone: inCall(FIVE, (bridge) => bridge.emit({ type: "call_phase", phase: { phase: "ended", reason: "server_gone", message: "" } })),
};
scenes["chat-empty"] = { ...scenes["chat-empty"], prepare: (bridge) => { bridge.joined = fixtureCall(FIVE); } };
