/** What a page remembers between visits, within the bounds the native side keeps (`src-tauri/src/contract/settings.rs`). */
import { DEFAULT_SETTINGS } from "../../state/app_state";
import { words } from "../../words";
import type { BridgeError, DeviceChoice, DeviceChoices, RecentMeeting, Settings } from "../commands";
import { isRoomCode } from "./link";

/** The name under which the browser keeps them. */
const KEY = "confab.settings";

/** What a person can have typed, and somewhat more, in characters: beyond that it is no setting of ours. */
const LONGEST_TEXT = 256;
const MOST_RECENT = 50;
const MOST_SHORTCUTS = 100;

/** As much of the browser's storage as is needed. */
export type Storage = Pick<globalThis.Storage, "getItem" | "setItem">;

/** The settings, kept in a browser's storage. Without one, or when it is full, they hold until the page is closed. */
export class SettingsStore {
  private current: Settings;

  constructor(private readonly storage: Storage | null) {
    this.current = readSettings(readText(storage));
  }

  get(): Settings {
    return this.current;
  }

  /** Throws a `BridgeError` when they are not kept. */
  set(settings: Settings): void {
    this.current = readSettings(JSON.stringify(settings));
    try {
      if (this.storage === null) throw new Error("no storage");
      this.storage.setItem(KEY, JSON.stringify(this.current));
    } catch {
      const refusal: BridgeError = { code: "storage_failed", message: words.browser.notKept, field: null };
      throw refusal;
    }
  }
}

function readText(storage: Storage | null): string | null {
  try {
    return storage?.getItem(KEY) ?? null;
  } catch {
    return null;
  }
}

/** The settings in a text that anybody may have written: what is wrong in it is the default, what is right stays. */
export function readSettings(text: string | null): Settings {
  const kept = asObject(parse(text));
  const usual = DEFAULT_SETTINGS;
  return {
    name: textOf(kept["name"], usual.name),
    theme: oneOf(kept["theme"], ["system", "light", "dark", "hc"], usual.theme),
    language: oneOf(kept["language"], ["system", "en", "de"], usual.language),
    text_size: sizeOf(kept["text_size"], usual.text_size),
    motion: oneOf(kept["motion"], ["system", "reduced"], usual.motion),
    announcements: oneOf(kept["announcements"], ["all", "few"], usual.announcements),
    mirror: switchOf(kept["mirror"], usual.mirror),
    hide_self: switchOf(kept["hide_self"], usual.hide_self),
    layout: oneOf(kept["layout"], ["grid", "speaker", "sidebar"], usual.layout),
    // A page cannot do this, whatever stands in its storage.
    always_on_top: false,
    noise_removal: switchOf(kept["noise_removal"], usual.noise_removal),
    shortcuts: shortcutsOf(kept["shortcuts"]),
    devices: devicesOf(kept["devices"]),
    server: textOf(kept["server"], usual.server),
    // A browser's storage is no place for a secret.
    host_key: "",
    microphone_on: switchOf(kept["microphone_on"], usual.microphone_on),
    camera_on: switchOf(kept["camera_on"], usual.camera_on),
    recent: recentOf(kept["recent"]),
  };
}

function parse(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

function asObject(value: unknown): Partial<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function shorten(text: string): string {
  return [...text.slice(0, 2 * LONGEST_TEXT)].slice(0, LONGEST_TEXT).join("");
}

function textOf(value: unknown, usual: string): string {
  return typeof value === "string" ? shorten(value) : usual;
}

function switchOf(value: unknown, usual: boolean): boolean {
  return typeof value === "boolean" ? value : usual;
}

function oneOf<Value extends string>(value: unknown, known: readonly Value[], usual: Value): Value {
  return known.find((candidate) => candidate === value) ?? usual;
}

function sizeOf(value: unknown, usual: number): number {
  return typeof value === "number" && Number.isFinite(value) ? Math.min(200, Math.max(100, Math.round(value))) : usual;
}

function shortcutsOf(value: unknown): Record<string, string> {
  const entries = Object.entries(asObject(value)).filter((entry): entry is [string, string] => {
    const [action, keys] = entry;
    return typeof keys === "string" && Math.max(action.length, keys.length) <= LONGEST_TEXT;
  });
  return Object.fromEntries(entries.slice(0, MOST_SHORTCUTS));
}

function devicesOf(value: unknown): DeviceChoices {
  const kept = asObject(value);
  return { camera: choiceOf(kept["camera"]), microphone: choiceOf(kept["microphone"]), speaker: choiceOf(kept["speaker"]) };
}

/** Files and test devices are the native side's: here the default takes their place. */
function choiceOf(value: unknown): DeviceChoice {
  const { kind, id } = asObject(value);
  if (kind === "none") return { kind };
  return kind === "device" && typeof id === "string" && id !== "" && id.length <= LONGEST_TEXT ? { kind, id } : { kind: "default" };
}

function recentOf(value: unknown): RecentMeeting[] {
  if (!Array.isArray(value)) return [];
  const meetings = value.slice(0, MOST_RECENT).map((meeting): RecentMeeting | null => {
    const { code, title, link, joined_at: at } = asObject(meeting);
    const whole = typeof code === "string" && isRoomCode(code)
      && typeof title === "string" && typeof link === "string" && link.length <= 4 * LONGEST_TEXT && typeof at === "number" && Number.isFinite(at);
    return whole ? { code, title: shorten(title), link, joined_at: at } : null;
  });
  return meetings.filter((meeting) => meeting !== null);
}
