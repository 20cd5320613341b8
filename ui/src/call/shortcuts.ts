/**
 * Keyboard shortcuts: which keys do what, and how they are written. Keys are text such as `Ctrl+Shift+K`; Ctrl means
 * Command on a Mac. What a person changed in the settings wins over the usual keys.
 */
import type { Settings } from "../bridge/commands";
import { words } from "../words";

/** Every action with its usual keys. The names are what `Settings.shortcuts` keeps, so none may be renamed. */
export const DEFAULT_SHORTCUTS = {
  microphone: "Ctrl+D",
  camera: "Ctrl+E",
  share: "Ctrl+Shift+S",
  hand: "Ctrl+Shift+H",
  chat: "Ctrl+Shift+C",
  people: "Ctrl+Shift+P",
  leave: "Ctrl+Shift+L",
  copyLink: "Ctrl+Shift+K",
  layout: "Ctrl+Shift+G",
  hideSelf: "Ctrl+Shift+Y",
  nextPage: "PageDown",
  previousPage: "PageUp",
  fullScreen: "F11",
  mini: "Ctrl+Shift+M",
  statistics: "Ctrl+Shift+I",
  help: "Ctrl+/",
  newMeeting: "Ctrl+N",
  settings: "Ctrl+,",
} as const satisfies Record<string, string>;

export type ShortcutName = keyof typeof DEFAULT_SHORTCUTS;
/** The keys of every action; empty for none. */
export type Shortcuts = Readonly<Record<ShortcutName, string>>;

export const SHORTCUT_NAMES = Object.keys(DEFAULT_SHORTCUTS) as ShortcutName[];

/**
 * The keys that hold: those a person chose, else the usual ones. Keys a person gave to one action are taken from the
 * action that usually has them, so no keys ever do two things.
 */
export function effectiveShortcuts(settings: Pick<Settings, "shortcuts">): Shortcuts {
  const chosen = new Map<ShortcutName, string>();
  const taken = new Set<string>();
  for (const name of SHORTCUT_NAMES) {
    const keys = settings.shortcuts[name];
    if (keys === undefined) continue;
    const normal = normalKeys(keys);
    chosen.set(name, taken.has(normal) ? "" : normal);
    if (normal !== "") taken.add(normal);
  }
  return Object.fromEntries(
    SHORTCUT_NAMES.map((name) => {
      const usual = DEFAULT_SHORTCUTS[name];
      return [name, chosen.get(name) ?? (taken.has(usual) ? "" : usual)];
    }),
  ) as Shortcuts;
}

/** The same keys always written the same way: `shift+ctrl+k` is `Ctrl+Shift+K`. Empty when no key is named. */
export function normalKeys(keys: string): string {
  const parts = keys.split("+").map((part) => part.trim()).filter((part) => part !== "");
  const held = (name: string): boolean => parts.some((part) => part.toLowerCase() === name);
  const key = parts.find((part) => !["ctrl", "shift", "alt"].includes(part.toLowerCase()));
  if (key === undefined) return "";
  const written = key.length === 1 ? key.toUpperCase() : key;
  return [...(held("ctrl") ? ["Ctrl"] : []), ...(held("alt") ? ["Alt"] : []), ...(held("shift") ? ["Shift"] : []), written].join("+");
}

export const ON_A_MAC = /Mac|iPhone|iPad/.test(navigator.platform);

type PressedKeys = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">;

/** The keys of an event as they are kept in the settings, or `null` while only Ctrl, Shift or Alt are down. */
export function keysOf(event: PressedKeys, mac = ON_A_MAC): string | null {
  if (["Control", "Shift", "Alt", "Meta", "AltGraph", "Dead", "Unidentified"].includes(event.key)) return null;
  if (mac ? event.ctrlKey : event.metaKey) return null;
  const key = event.key === " " ? "Space" : event.key === "+" ? "Plus" : event.key;
  const shown = key.length === 1 ? key.toUpperCase() : key;
  // Signs such as a slash need Shift on some keyboards and not on others, so Shift says nothing about them.
  const shift = event.shiftKey && (shown.length > 1 || shown !== shown.toLowerCase());
  const command = mac ? event.metaKey : event.ctrlKey;
  return [...(command ? ["Ctrl"] : []), ...(event.altKey ? ["Alt"] : []), ...(shift ? ["Shift"] : []), shown].join("+");
}

/** "Ctrl D", "Ctrl Shift H"; empty for none. */
export function keysText(keys: string, mac = ON_A_MAC): string {
  const signs: Record<string, string> = { ...words.keys, ...(mac ? { Ctrl: "⌘", Shift: "⇧", Alt: "⌥" } : {}), Plus: "+" };
  return keys.split("+").filter((part) => part !== "").map((part) => signs[part] ?? part).join(" ");
}

/** How the keys of an action are shown. */
export function shortcutText(name: ShortcutName, mac = ON_A_MAC, shortcuts: Shortcuts = DEFAULT_SHORTCUTS): string {
  return keysText(shortcuts[name], mac);
}

/** The action these keys do, or `null`. */
export function matchShortcut(event: PressedKeys, mac = ON_A_MAC, shortcuts: Shortcuts = DEFAULT_SHORTCUTS): ShortcutName | null {
  const keys = keysOf(event, mac);
  return keys === null ? null : SHORTCUT_NAMES.find((name) => shortcuts[name] === keys) ?? null;
}

/** Whether Space belongs to this element (typing, pressing) rather than to holding to talk. */
export function takesSpace(target: EventTarget | null): boolean {
  return target instanceof Element
    && target.closest('input, textarea, select, button, a, [role="menu"], [role="dialog"], [role="listbox"], [contenteditable="true"]') !== null;
}

/** Whether keys without Ctrl belong to this element: it is typed in, chosen from or scrolled. */
export function takesPlainKeys(target: EventTarget | null): boolean {
  return target instanceof Element
    && target.closest('input, textarea, select, [role="menu"], [role="dialog"], [role="listbox"], [contenteditable="true"], [data-region="panel"], [data-scrolls]') !== null;
}
