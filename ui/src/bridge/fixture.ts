/**
 * A bridge without a native side, for tests and the developer page. It keeps a small world of made-up people and
 * answers every command as the native side would. Not part of the product's bundle.
 */
import type { Bridge, FrameChannel, VisibleTile } from "./bridge";
import type {
  AppInfo,
  BridgeError,
  BridgeEvent,
  CommandAnswer,
  CommandArguments,
  CommandName,
  Commands,
  DeviceList,
  HostStatus,
  JoinedCall,
  OwnMedia,
  Settings,
} from "./commands";
import { DEFAULT_SETTINGS } from "../state/app_state";
import type { ChatMessage, ParticipantInfo, SourceKind } from "./protocol.generated";

type Handlers = { [Name in CommandName]: (input: Commands[Name]["arguments"]) => CommandAnswer<Name> | Promise<CommandAnswer<Name>> };

/** Makes the picture of a tile at this size, or `null` when the tile has none. */
export type PictureMaker = (key: string, width: number, height: number, at: number) => ArrayBuffer | null;

export const FIXTURE_ME = "018f0000-0000-7000-8000-000000000005";

export const FIXTURE_DEVICES: DeviceList = {
  cameras: [{ id: "cam-1", name: "Built-in camera", is_default: true, detail: "720p" }],
  microphones: [
    { id: "mic-1", name: "Built-in microphone", is_default: true, detail: "" },
    { id: "mic-2", name: "Shure MV7", is_default: false, detail: "USB" },
  ],
  speakers: [{ id: "spk-1", name: "Headphones", is_default: true, detail: "USB" }],
};

export const FIXTURE_SETTINGS: Settings = {
  ...DEFAULT_SETTINGS,
  name: "Lena Fischer",
};

/** A person with microphone and camera on; `changes` says otherwise. */
export function fixturePerson(number: number, name: string, changes: Partial<ParticipantInfo> & { muted?: SourceKind[]; adds?: SourceKind[] } = {}): ParticipantInfo {
  const { muted = [], adds = [], ...rest } = changes;
  const sources: SourceKind[] = ["microphone", "camera", ...adds];
  return {
    id: `018f0000-0000-7000-8000-${String(number).padStart(12, "0")}`,
    name,
    role: "participant",
    tracks: sources.map((source) => ({
      source,
      muted: muted.includes(source),
      width: source === "camera" ? 1280 : source === "screen" ? 1920 : 0,
      height: source === "camera" ? 720 : source === "screen" ? 1080 : 0,
    })),
    hand_raised_at: null,
    connection: "connected",
    joined_at: Date.now() - 24 * 60_000 - 16_000,
    ...rest,
  };
}

export function fixtureMessage(number: number, from: ParticipantInfo, content: string, minutesAgo = 0): ChatMessage {
  return {
    id: `018f0000-0001-7000-8000-${String(number).padStart(12, "0")}`,
    conversation_id: "kestrel-lane-2741",
    user_id: from.id,
    username: from.name,
    content,
    content_type: "text",
    timestamp: Date.now() - minutesAgo * 60_000,
  };
}

export function fixtureCall(participants: ParticipantInfo[], changes: Partial<JoinedCall> = {}): JoinedCall {
  return {
    me: FIXTURE_ME,
    role: "host",
    grants: { publish: true, share_screen: true, subscribe: true, chat: true, hand: true, moderate: true },
    code: "kestrel-lane-2741",
    link: "http://192.168.1.7:8003/m/kestrel-lane-2741",
    title: "Design review",
    participants,
    chat: [],
    ...changes,
  };
}

export class FixtureBridge implements Bridge {
  /** Every command that was called, oldest first. */
  readonly calls: { name: CommandName; input: unknown }[] = [];
  readonly copied: string[] = [];
  settings: Settings = structuredClone(FIXTURE_SETTINGS);
  devices: DeviceList = structuredClone(FIXTURE_DEVICES);
  /** What joining leads to. */
  joined: JoinedCall = fixtureCall([fixturePerson(5, "Lena Fischer", { role: "host" })]);
  media: OwnMedia = { microphone_on: true, camera_on: true, share: null, hand_raised: false };
  host: HostStatus = { running: false, address: null, port_taken: null, people: 0 };
  platform: AppInfo["platform"] = "linux";
  /** Commands that are refused, with what. */
  readonly refusals = new Map<CommandName, BridgeError>();
  private readonly listeners = new Set<(event: BridgeEvent) => void>();
  private nextMessage = 1000;

  constructor(private readonly makePicture: PictureMaker | null = null) {}

  emit(event: BridgeEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  subscribe(listener: (event: BridgeEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async call<Name extends CommandName>(name: Name, input: CommandArguments<Name>): Promise<CommandAnswer<Name>> {
    this.calls.push({ name, input });
    const refusal = this.refusals.get(name);
    if (refusal !== undefined) throw refusal;
    return this.handlers[name](input);
  }

  /** The inputs of all calls of one command. */
  inputs<Name extends CommandName>(name: Name): CommandArguments<Name>[] {
    return this.calls.filter((call) => call.name === name).map(({ input }) => input as CommandArguments<Name>);
  }

  openFrames(onFrame: (message: ArrayBuffer) => void): FrameChannel {
    let visible: readonly VisibleTile[] = [];
    const timer = setInterval(() => {
      for (const { key, width, height } of visible) {
        const picture = this.makePicture?.(key, width, height, Date.now()) ?? null;
        if (picture !== null) onFrame(picture);
      }
    }, 250);
    return { show: (tiles) => { visible = tiles; }, close: () => clearInterval(timer) };
  }

  async copyText(text: string): Promise<void> {
    this.copied.push(text);
  }

  async windowAction(): Promise<void> {}

  private own(change: Partial<OwnMedia>): null {
    this.media = { ...this.media, ...change };
    this.emit({ type: "own_media", media: this.media });
    return null;
  }

  private hosting(host: HostStatus): HostStatus {
    this.host = host;
    this.emit({ type: "host", host });
    return host;
  }

  private enter(): null {
    this.emit({ type: "call_joined", call: this.joined });
    this.emit({ type: "own_media", media: this.media });
    return null;
  }

  private readonly handlers: Handlers = {
    app_info: () => ({ version: "0.1.0", platform: this.platform, window_controls: false, draws_pictures: false, opened_link: null }),
    settings_get: () => this.settings,
    settings_set: ({ settings }) => { this.settings = settings; return null; },
    list_devices: () => this.devices,
    parse_link: ({ text }) => parseLikeTheNativeSide(text),
    preview_start: () => null,
    preview_stop: () => null,
    meeting_start: ({ title }) => { this.joined = { ...this.joined, title }; return this.enter(); },
    meeting_join: () => this.enter(),
    call_leave: () => { this.emit({ type: "call_phase", phase: { phase: "ended", reason: "left", message: "" } }); return null; },
    set_microphone_on: ({ on }) => this.own({ microphone_on: on }),
    set_camera_on: ({ on }) => this.own({ camera_on: on }),
    choose_devices: () => null,
    list_share_sources: () => [
      { id: "screen-1", kind: "screen", title: "Whole screen", width: 1920, height: 1080 },
      { id: "window-7", kind: "window", title: "Reliability review", width: 1280, height: 800 },
      { id: "test", kind: "test", title: "Test picture", width: 1280, height: 720 },
    ],
    share_start: ({ source_id }) => this.own({ share: { source_id, title: "Reliability review" } }),
    share_stop: () => this.own({ share: null }),
    hand_set: ({ raised }) => this.own({ hand_raised: raised }),
    chat_send: ({ content }) => {
      const me = this.joined.participants.find(({ id }) => id === this.joined.me);
      this.nextMessage += 1;
      if (me !== undefined) this.emit({ type: "chat", message: fixtureMessage(this.nextMessage, me, content) });
      return null;
    },
    chat_older: () => ({ messages: [], more: false }),
    view_set: () => null,
    react: ({ reaction }) => { this.emit({ type: "reaction", participant: this.joined.me, reaction }); return null; },
    stats_watch: () => null,
    noise_removal_set: () => null,
    speaker_test: () => null,
    retry_now: () => null,
    host_status: () => this.host,
    host_start: () => this.hosting({ running: true, address: "192.168.1.7:8003", port_taken: null, people: 0 }),
    host_stop: () => this.hosting({ running: false, address: null, port_taken: null, people: 0 }),
    window_mode_set: ({ mode }) => { this.emit({ type: "window_mode", mode }); return null; },
    always_on_top_set: () => null,
    window_state: () => ({ call: null, media: null, mode: "normal" }),
    frame_socket: () => ({ url: "ws://127.0.0.1:1/" }),
  };
}

/** Near enough to `crates/protocol/src/link.rs` for the screens. */
function parseLikeTheNativeSide(text: string): Commands["parse_link"]["answer"] {
  const trimmed = text.trim();
  const code = /([a-z]{2,12}-[a-z]{2,12}-\d{2,6})(?:#.*)?$/i.exec(trimmed)?.[1]?.toLowerCase();
  const refuse = (message: string): BridgeError => ({ code: "link_invalid", message, field: "text" });
  if (trimmed === "") throw refuse("Nothing was entered. Paste a meeting link, or type a code such as kestrel-lane-27.");
  if (code === undefined) throw refuse(`“${trimmed.slice(0, 40)}” is not a meeting code. A code is two words and a number, such as kestrel-lane-27.`);
  const link = trimmed.includes("/m/");
  return { code, server: link ? trimmed.replace(/^.*:\/\//, "").split("/")[0] ?? null : null, join_text: link ? trimmed : code };
}
