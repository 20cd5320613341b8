/** Everything the window shows, and how events and the person's acts change it. Pure. */
import type {
  AppInfo,
  BridgeError,
  BridgeEvent,
  CallLayout,
  CallPhase,
  DeviceChoices,
  DeviceList,
  DeviceProblem,
  EndReason,
  HostStatus,
  OwnMedia,
  ParsedLink,
  RecentMeeting,
  Settings,
  WindowMode,
} from "../bridge/commands";
import type { ErrorCode } from "../bridge/protocol.generated";
import { withOwnHost } from "./hosted_here";
import { joinCall, reduceCall, type CallAction, type CallState } from "./call_state";

/** What the person is about to do on the preview screen. */
export type Intent =
  | { kind: "start"; title: string }
  /** `typed` is what the person wrote to name the meeting, when they did. */
  | { kind: "join"; link: ParsedLink; title: string; typed?: string };

/** The parts of the settings, in the order they are listed. */
export const SETTINGS_SECTIONS = ["sound", "video", "shortcuts", "appearance", "servers", "privacy", "about"] as const;
export type SettingsSection = (typeof SETTINGS_SECTIONS)[number];

/** In the order they are offered. */
export const LAYOUTS: readonly CallLayout[] = ["grid", "speaker", "sidebar"];

/** What of the home screen led to the settings, and gets the focus back. */
export type Opener = "settings" | "server" | "me";

/** What is sent of a person before they share anything. */
export type OwnDevice = "camera" | "microphone";

export type Screen =
  /** `entered` stands in the field for a link or code, which has the focus then. */
  | { name: "home"; focus: Opener | null; entered?: string }
  | { name: "settings"; section: SettingsSection; opener: Opener }
  | {
    name: "preview";
    intent: Intent;
    busy: boolean;
    error: BridgeError | null;
    /** The try to join that is under way, or the last one. What an earlier one leads to is nothing to this screen. */
    attempt: number;
    /** Off until the person turns them on, whatever the settings say: a link opened this preview, and no person. */
    resting: readonly OwnDevice[];
  }
  | { name: "call" }
  /** `others`: somebody else was there when it ended for me. */
  | { name: "ended"; reason: EndReason; message: string; code: ErrorCode | null; others: boolean; again: ParsedLink; title: string };

export interface Toast {
  id: number;
  tone: "info" | "ok" | "warn" | "danger";
  message: string;
  detail: string;
  /** Stays until answered. */
  sticky: boolean;
  /** The device whose problem it tells; it goes when the device works again. */
  problem: DeviceProblem["kind"] | null;
  action:
    | { label: string; does: "restart"; device: DeviceProblem["kind"] }
    | { label: string; does: "choose"; devices: Partial<DeviceChoices> }
    | { label: string; does: "open_link"; link: ParsedLink }
    | null;
}

export type Problems = Partial<Record<DeviceProblem["kind"], DeviceProblem>>;

export interface AppState {
  screen: Screen;
  info: AppInfo;
  settings: Settings;
  devices: DeviceList;
  /** Devices that do not work now. */
  problems: Problems;
  call: CallState | null;
  /** The server in this program; `null` until the native side said. */
  host: HostStatus | null;
  /** Hosts under which it was reached so far, as far as this window saw. */
  ownHosts: readonly string[];
  /** The settings as a dialog over the preview or a call, which goes on. */
  settingsOver: SettingsSection | null;
  toasts: readonly Toast[];
  nextToast: number;
  /** How much of the screen the window takes, as the native side says. */
  windowMode: WindowMode;
}

export type NewToast = Pick<Toast, "tone" | "message"> & Partial<Pick<Toast, "detail" | "sticky" | "problem" | "action">>;

export type AppAction =
  | CallAction
  | { type: "preview_opened"; intent: Intent; by?: "link" | "person" }
  | { type: "devices_woken"; devices: readonly OwnDevice[] }
  /** The meeting of the preview is at another address. */
  | { type: "link_moved"; link: ParsedLink }
  | { type: "home_opened"; entered?: string }
  | { type: "join_began"; attempt: number }
  | { type: "join_refused"; attempt: number; error: BridgeError }
  | { type: "settings_changed"; settings: Settings }
  | { type: "settings_opened"; section: SettingsSection; opener: Opener }
  | { type: "settings_closed" }
  | { type: "toast_shown"; toast: NewToast }
  | { type: "toast_closed"; id: number };

/** Two toasts at most: an older one makes room. */
const MOST_TOASTS = 2;
const MOST_RECENT = 8;

export const DEFAULT_SETTINGS: Settings = {
  name: "",
  theme: "system",
  language: "system",
  text_size: 100,
  motion: "system",
  announcements: "all",
  mirror: true,
  hide_self: false,
  layout: "grid",
  always_on_top: false,
  noise_removal: true,
  shortcuts: {},
  devices: { camera: { kind: "default" }, microphone: { kind: "default" }, speaker: { kind: "default" } },
  server: "",
  host_key: "",
  microphone_on: true,
  camera_on: true,
  recent: [],
};

export function initialState(info: AppInfo, settings: Settings, devices: DeviceList): AppState {
  return { screen: { name: "home", focus: null }, info, settings, devices, problems: {}, call: null, host: null, ownHosts: [], settingsOver: null, toasts: [], nextToast: 1, windowMode: "normal" };
}

/** `now` is when the event came, milliseconds since 1970 UTC. */
export function reduce(state: AppState, event: BridgeEvent | AppAction, now = Date.now()): AppState {
  switch (event.type) {
    case "home_opened":
      return { ...state, screen: { name: "home", focus: null, ...(event.entered !== undefined && { entered: event.entered }) }, call: null, settingsOver: null };
    case "preview_opened":
      return {
        ...state,
        screen: { name: "preview", intent: event.intent, busy: false, error: null, attempt: 0, resting: event.by === "link" ? ["camera", "microphone"] : [] },
        call: null,
        // What was wrong with devices is found out anew.
        problems: {},
        settingsOver: null,
      };
    case "devices_woken":
      return state.screen.name === "preview"
        ? { ...state, screen: { ...state.screen, resting: state.screen.resting.filter((device) => !event.devices.includes(device)) } }
        : state;
    case "link_moved":
      return state.screen.name === "preview" && state.screen.intent.kind === "join"
        ? { ...state, screen: { ...state.screen, intent: { ...state.screen.intent, link: event.link } } }
        : state;
    case "settings_opened":
      if (state.screen.name === "preview" || state.screen.name === "call") return { ...state, settingsOver: event.section };
      return { ...state, screen: { name: "settings", section: event.section, opener: state.screen.name === "settings" ? state.screen.opener : event.opener } };
    case "settings_closed":
      if (state.settingsOver !== null) return { ...state, settingsOver: null };
      return state.screen.name === "settings" ? { ...state, screen: { name: "home", focus: state.screen.opener } } : state;
    case "join_began":
      return state.screen.name === "preview" ? { ...state, screen: { ...state.screen, busy: true, error: null, attempt: event.attempt } } : state;
    case "join_refused":
      return state.screen.name === "preview" && state.screen.attempt === event.attempt
        ? { ...state, screen: { ...state.screen, busy: false, error: event.error } }
        : state;
    case "settings_changed":
      return { ...state, settings: event.settings };
    case "host":
      return { ...state, host: event.host, ownHosts: withOwnHost(state.ownHosts, event.host) };
    case "devices":
      return { ...state, devices: event.devices };
    case "device_problem":
      return withProblem(state, event.kind, event.problem);
    case "toast_shown":
      return withToast(state, event.toast);
    case "toast_closed":
      return { ...state, toasts: state.toasts.filter(({ id }) => id !== event.id) };
    case "notice":
      return withToast(state, { tone: event.tone, message: event.message });
    case "window_mode":
      return state.windowMode === event.mode ? state : { ...state, windowMode: event.mode };
    case "own_media":
      return withCall(withoutSolved(state, event.media), event, now);
    case "call_joined":
      return { ...state, screen: { name: "call" }, call: joinCall(event.call, state.call) };
    case "call_phase":
      if (event.phase.phase === "ended") return endCall(state, event.phase);
      return withCall(state, event, now);
    default:
      return withCall(state, event, now);
  }
}

function withCall(state: AppState, event: BridgeEvent | CallAction, now: number): AppState {
  if (state.call === null) return state;
  const call = reduceCall(state.call, event, now);
  return call === state.call ? state : { ...state, call };
}

/** Whether a device is on before joining: as the settings say, but not while it rests. */
export function switchedOn({ screen, settings }: AppState, device: OwnDevice): boolean {
  if (screen.name === "preview" && screen.resting.includes(device)) return false;
  return device === "camera" ? settings.camera_on : settings.microphone_on;
}

/** Whether a link may take the window: it interrupts no call, and no try to join one. */
export function canOpenLink({ call, screen }: AppState): boolean {
  return call === null && !(screen.name === "preview" && screen.busy);
}

/** A call that ends before it was joined is the refusal of the join, which has its own words. */
function endCall(state: AppState, { reason, message, code = null }: Extract<CallPhase, { phase: "ended" }>): AppState {
  if (state.call === null || state.screen.name !== "call") return state;
  const { code: meeting, link, title, me, participants } = state.call;
  const others = participants.some(({ id }) => id !== me);
  const again: ParsedLink = { code: meeting, server: null, join_text: link === "" ? meeting : link };
  return { ...state, screen: { name: "ended", reason, message, code, others, again, title }, call: null, settingsOver: null, toasts: [] };
}

/** A device that came on works again. */
function withoutSolved(state: AppState, media: OwnMedia): AppState {
  const before = state.call?.media;
  let solved = state;
  if (media.camera_on && before?.camera_on !== true) solved = withProblem(solved, "camera", null);
  if (media.microphone_on && before?.microphone_on !== true) solved = withProblem(solved, "microphone", null);
  return solved;
}

function withProblem(state: AppState, kind: DeviceProblem["kind"], problem: DeviceProblem | null): AppState {
  if (problem === null && state.problems[kind] === undefined) return state;
  const { [kind]: _known, ...others } = state.problems;
  if (problem !== null) return { ...state, problems: { ...others, [kind]: problem } };
  return { ...state, problems: others, toasts: state.toasts.filter((toast) => toast.problem !== kind) };
}

function withToast(state: AppState, toast: NewToast): AppState {
  const full: Toast = { id: state.nextToast, detail: "", sticky: false, problem: null, action: null, ...toast };
  const others = state.toasts.filter(({ message }) => message !== full.message);
  return { ...state, toasts: [...others, full].slice(-MOST_TOASTS), nextToast: state.nextToast + 1 };
}

/** The settings without a meeting, or without any. */
export function withoutRecent(settings: Settings, code: RecentMeeting["code"] | null): Settings {
  return { ...settings, recent: code === null ? [] : settings.recent.filter((meeting) => meeting.code !== code) };
}

/** The settings after joining: this meeting first among the recent ones. */
export function withRecent(settings: Settings, meeting: RecentMeeting): Settings {
  const others = settings.recent.filter(({ code }) => code !== meeting.code);
  return { ...settings, recent: [meeting, ...others].slice(0, MOST_RECENT) };
}
