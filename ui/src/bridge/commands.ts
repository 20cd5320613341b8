/**
 * The contract between the window and the native side: every command with its arguments and answer, every event.
 *
 * A command is one Tauri command of the same name. Its arguments are the fields of `arguments`, in snake_case
 * (`#[tauri::command(rename_all = "snake_case")]`). A refused command rejects with a `BridgeError`.
 * All events come on the one channel `confab://event`, as the tagged union `BridgeEvent` (serde `tag = "type"`,
 * `rename_all = "snake_case"`). Times are milliseconds since 1970 UTC; levels are linear in dB, from 0 (-60 dB of full
 * scale and less) to 1 (full scale), so that a meter can show them as they are.
 */
import type { CallStats, Trouble } from "./call.generated";
import type {
  ChatMessage,
  ChatMessageId,
  ErrorCode,
  Grants,
  ParticipantId,
  ParticipantInfo,
  PersonQuality,
  Reaction,
  Role,
  RoomCode,
  TileRequest,
} from "./protocol.generated";

/** The channel of all events. */
export const EVENT_CHANNEL = "confab://event";

/** Tile key of the camera picture before joining. */
export const PREVIEW_TILE = "preview/camera";

/** Why a command was refused. `message` is a sentence for the person; `code` is for the program. */
export interface BridgeError {
  code: ErrorCode | NativeErrorCode;
  message: string;
  field: string | null;
  /** `host:port` of the server that was asked, where that is not plain to the person. */
  server?: string | null;
}

/** What can go wrong before a server is reached, or without one. */
export type NativeErrorCode =
  | "link_invalid"
  | "server_unreachable"
  /** A code alone, and nothing says on which server. */
  | "server_unnamed"
  /** Nobody this computer trusts vouches for its certificate. */
  | "server_untrusted"
  /** Its certificate is not the one the link or address names. */
  | "certificate_mismatch"
  | "media_failed"
  | "device_failed"
  | "share_failed"
  | "not_in_call"
  | "storage_failed"
  | "window_failed"
  | "outbox_full"
  /** The page in a browser has no way to do it. */
  | "not_in_browser";

/** What a notice is about: a refusal of the server, or something of ours. */
export type NoticeCode = ErrorCode | "talking_while_muted" | "device_restored";

/** Why a message was not taken. `outbox_full`: too many wait for the network already. */
export type ChatRefusalCode = ErrorCode | "outbox_full";

/** What the program is and where it runs. */
export interface AppInfo {
  version: string;
  platform: "linux" | "macos" | "windows" | "browser";
  /** The window has no frame of the system's, so the title bar draws the buttons. */
  window_controls: boolean;
  /** The native side draws pictures into the page itself. */
  draws_pictures: boolean;
  /** A link the program was opened with, not yet acted on. */
  opened_link: string | null;
}

/** A meeting a person entered as text. */
export interface ParsedLink {
  code: RoomCode;
  /** `host:port`; `null` for a bare code, which means the server of the settings. */
  server: string | null;
  /** The text to join with: the whole link, or the bare code. */
  join_text: string;
}

export type DeviceKind = "camera" | "microphone" | "speaker";

export interface Device {
  /** Stable over restarts as far as the system allows. Empty while a browser does not tell which devices there are. */
  id: string;
  name: string;
  is_default: boolean;
  /** For people, beside the name: "720p", "USB". May be empty. */
  detail: string;
}

export interface DeviceList {
  cameras: Device[];
  microphones: Device[];
  speakers: Device[];
}

/** Which device to use. `test` is a made picture (camera) or made speech (microphone); a speaker has none. */
export type DeviceChoice =
  | { kind: "default" }
  | { kind: "device"; id: string }
  | { kind: "file"; path: string }
  | { kind: "test" }
  | { kind: "none" };

export interface DeviceChoices {
  camera: DeviceChoice;
  microphone: DeviceChoice;
  speaker: DeviceChoice;
}

/** What is wrong with a device. `message` says what happened and why, for people. */
export interface DeviceProblem {
  kind: DeviceKind | "screen";
  reason: "blocked" | "missing" | "busy" | "lost" | "failed";
  message: string;
  /** Name of the device, when one was chosen. */
  device: string | null;
}

/** A meeting the person was in, newest first in the settings. */
export interface RecentMeeting {
  code: RoomCode;
  title: string;
  /** What to join with. */
  link: string;
  joined_at: number;
}

/** The languages the window speaks; `system` follows the computer's. */
export type Language = "system" | "en" | "de";

/** How the people of a call are laid out when nobody shares. */
export type CallLayout = "grid" | "speaker" | "sidebar";

/** How much of the screen the window takes. */
export type WindowMode = "normal" | "full_screen" | "mini";

/** What the program remembers between runs. */
export interface Settings {
  name: string;
  theme: "system" | "light" | "dark" | "hc";
  language: Language;
  /** Size of text, percent: 100, 125, 150 or 200. */
  text_size: number;
  /** `reduced` moves nothing, whatever the system says. */
  motion: "system" | "reduced";
  /** `few` leaves out who joined, left and raised a hand. */
  announcements: "all" | "few";
  /** My own picture is a mirror, for me only. */
  mirror: boolean;
  /** My own tile is not shown to me. */
  hide_self: boolean;
  layout: CallLayout;
  /** The mini window and the window of a call stay above others. */
  always_on_top: boolean;
  /** Noise is taken out of what the microphone hears. */
  noise_removal: boolean;
  /** Shortcuts a person changed: action to keys, as `Ctrl+Shift+K`. */
  shortcuts: Record<string, string>;
  devices: DeviceChoices;
  /** The server for new meetings and bare codes: `host:port`, or a whole address, with `#fp=` if need be. Empty: the one on this computer. */
  server: string;
  /** With which meetings may be started on that server from anywhere. A secret; a page in a browser keeps none. */
  host_key: string;
  microphone_on: boolean;
  camera_on: boolean;
  recent: RecentMeeting[];
}

/** With what a person enters a call. */
export interface JoinOptions {
  name: string;
  devices: DeviceChoices;
  microphone_on: boolean;
  camera_on: boolean;
}

/** A call as it is at the moment of joining. Also sent again when a lost call was taken up or joined anew. */
export interface JoinedCall {
  me: ParticipantId;
  role: Role;
  grants: Grants;
  code: RoomCode;
  link: string;
  /** May be empty. */
  title: string;
  /** Everybody, me too, in the order of joining. */
  participants: ParticipantInfo[];
  /** The newest page, oldest first. */
  chat: ChatMessage[];
}

/** What this person sends, as it truly is. */
export interface OwnMedia {
  microphone_on: boolean;
  camera_on: boolean;
  share: ShareInfo | null;
  hand_raised: boolean;
}

export interface ShareInfo {
  source_id: string;
  title: string;
}

export interface ShareSource {
  id: string;
  kind: "screen" | "window" | "test";
  title: string;
  width: number;
  height: number;
}

export interface ChatPage {
  /** Oldest first. */
  messages: ChatMessage[];
  /** There are older ones. */
  more: boolean;
}

/** The server in this program. */
export interface HostStatus {
  running: boolean;
  /** What others on this network put into Confab: `192.168.1.7:8003`. `null` when this computer has no network. */
  address: string | null;
  /** It had to take another port, because this one is in use. */
  port_taken: number | null;
  /** People in its meetings now. */
  people: number;
}

/** What the window has to know after it was loaded anew while the native side went on. */
export interface WindowState {
  call: JoinedCall | null;
  media: OwnMedia | null;
  mode: WindowMode;
  /** How the call stands. Absent where a call ends with its page. */
  phase?: CallPhase | null;
  /** Whose packets do not come through well. */
  quality?: PersonQuality[];
}

/** Why a call is over. */
export type EndReason = "left" | "removed" | "replaced" | "timed_out" | "server_gone" | "failed";

/** How the call stands. The `code`s are for the window's own words; a `message` is said when there are none for it. */
export type CallPhase =
  | { phase: "connecting" }
  | { phase: "joined" }
  | { phase: "reconnecting"; since: number; next_try_at: number | null; message: string; code?: Trouble }
  /** `code` is there when the server refused to let the call go on. */
  | { phase: "ended"; reason: EndReason; message: string; code?: ErrorCode | null };

export type BridgeEvent =
  | { type: "call_joined"; call: JoinedCall }
  | { type: "call_phase"; phase: CallPhase }
  | { type: "roster"; participants: ParticipantInfo[] }
  | { type: "speaking"; participants: ParticipantId[] }
  | { type: "own_media"; media: OwnMedia }
  | { type: "chat"; message: ChatMessage }
  /** A message of mine with these words was not taken, and why. */
  | { type: "chat_refused"; content: string; reason: string; code?: ChatRefusalCode }
  /** At most 30 a second. `microphone` is what the microphone hears, also while it is switched off. */
  | { type: "levels"; microphone: number }
  | { type: "devices"; devices: DeviceList }
  /** `problem` is `null` when the device works (again). */
  | { type: "device_problem"; kind: DeviceProblem["kind"]; problem: DeviceProblem | null }
  /** A `confab://` link was opened while the program runs. */
  | { type: "link_opened"; text: string }
  /**
   * A sentence for a toast, such as "You are muted. Hold Space to talk." The window has its own words for a `code`;
   * `subject` is what they name: of `device_restored` the device.
   */
  | { type: "notice"; tone: "info" | "warn"; message: string; code?: NoticeCode; subject?: string }
  /** Somebody reacted; I too, once the server has passed it on. */
  | { type: "reaction"; participant: ParticipantId; reaction: Reaction }
  /** Whose packets do not come through well; who is not named is well. */
  | { type: "quality"; people: PersonQuality[] }
  /** Once a second while `stats_watch` is on. */
  | { type: "stats"; stats: CallStats }
  /** The server in this program began, ended, or has more or fewer people. */
  | { type: "host"; host: HostStatus }
  /** The window's mode changed, by a command or by the system. */
  | { type: "window_mode"; mode: WindowMode };

type Nothing = Record<string, never>;

/** Every command: its arguments and its answer. */
export interface Commands {
  app_info: { arguments: Nothing; answer: AppInfo };
  settings_get: { arguments: Nothing; answer: Settings };
  settings_set: { arguments: { settings: Settings }; answer: null };
  list_devices: { arguments: Nothing; answer: DeviceList };
  parse_link: { arguments: { text: string }; answer: ParsedLink };
  /** Opens camera and microphone before joining; again with other choices to change. Pictures come as `preview/camera`. */
  preview_start: { arguments: { devices: DeviceChoices; camera_on: boolean; microphone_on: boolean }; answer: null };
  preview_stop: { arguments: Nothing; answer: null };
  /** Makes a meeting on `server` (empty: on this computer) and joins it as host. Answers after `call_joined` was sent. */
  meeting_start: { arguments: { title: string; server: string; options: JoinOptions }; answer: null };
  /** Joins by link or bare code. Answers after `call_joined` was sent. */
  meeting_join: { arguments: { text: string; options: JoinOptions }; answer: null };
  call_leave: { arguments: Nothing; answer: null };
  set_microphone_on: { arguments: { on: boolean }; answer: null };
  set_camera_on: { arguments: { on: boolean }; answer: null };
  /** Changes devices in a running call. */
  choose_devices: { arguments: { devices: DeviceChoices }; answer: null };
  list_share_sources: { arguments: Nothing; answer: ShareSource[] };
  share_start: { arguments: { source_id: string }; answer: null };
  share_stop: { arguments: Nothing; answer: null };
  hand_set: { arguments: { raised: boolean }; answer: null };
  /** Answers when the message is on its way; it is there for all once it comes back as `chat`. */
  chat_send: { arguments: { content: string }; answer: null };
  chat_older: { arguments: { before: ChatMessageId | null }; answer: ChatPage };
  /** What is shown of other people, in device pixels; replaces the view before it. */
  view_set: { arguments: { tiles: TileRequest[] }; answer: null };
  /** Shows a reaction to everybody, on one's own tile. */
  react: { arguments: { reaction: Reaction }; answer: null };
  /** Switches the events `stats` on or off. */
  stats_watch: { arguments: { on: boolean }; answer: null };
  /** Changes what is done to the microphone's sound, in a running call too. */
  noise_removal_set: { arguments: { on: boolean }; answer: null };
  /** Plays a sound of a second on the chosen speaker; answers when it was played. */
  speaker_test: { arguments: { speaker: DeviceChoice }; answer: null };
  /** Looks for the server again now, instead of when the next try is due. */
  retry_now: { arguments: Nothing; answer: null };
  host_status: { arguments: Nothing; answer: HostStatus };
  host_start: { arguments: Nothing; answer: HostStatus };
  /** Ends the server in this program, and with it its meetings. */
  host_stop: { arguments: Nothing; answer: HostStatus };
  window_mode_set: { arguments: { mode: WindowMode }; answer: null };
  /** Whether the window stays above others. */
  always_on_top_set: { arguments: { on: boolean }; answer: null };
  /** What is going on, for a window that was loaded anew. */
  window_state: { arguments: Nothing; answer: WindowState };
  /** Where pictures come from: a loopback WebSocket with its token in the address. See call/frame_format.ts. */
  frame_socket: { arguments: Nothing; answer: { url: string } };
}

export type CommandName = keyof Commands;
export type CommandArguments<Name extends CommandName> = Commands[Name]["arguments"];
export type CommandAnswer<Name extends CommandName> = Commands[Name]["answer"];
