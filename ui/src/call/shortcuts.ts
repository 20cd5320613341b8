/** Keyboard shortcuts: which keys do what, and how they are written. */

export type ShortcutName = "microphone" | "camera" | "share" | "hand" | "chat" | "people" | "leave" | "help" | "newMeeting" | "settings";

interface Shortcut {
  key: string;
  shift: boolean;
}

/** All with Ctrl, or Command on a Mac. */
export const SHORTCUTS: Record<ShortcutName, Shortcut> = {
  microphone: { key: "d", shift: false },
  camera: { key: "e", shift: false },
  share: { key: "s", shift: true },
  hand: { key: "h", shift: true },
  chat: { key: "c", shift: true },
  people: { key: "p", shift: true },
  leave: { key: "l", shift: true },
  help: { key: "/", shift: false },
  newMeeting: { key: "n", shift: false },
  settings: { key: ",", shift: false },
};

export const ON_A_MAC = /Mac|iPhone|iPad/.test(navigator.platform);

/** "Ctrl D", "Ctrl Shift H". */
export function shortcutText(name: ShortcutName, mac = ON_A_MAC): string {
  const { key, shift } = SHORTCUTS[name];
  return [mac ? "⌘" : "Ctrl", ...(shift ? [mac ? "⇧" : "Shift"] : []), key.toUpperCase()].join(" ");
}

/** The shortcut these keys are, or `null`. */
export function matchShortcut(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">, mac = ON_A_MAC): ShortcutName | null {
  const held = mac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
  if (!held || event.altKey) return null;
  const key = event.key.toLowerCase();
  for (const [name, shortcut] of Object.entries(SHORTCUTS)) {
    // A slash needs Shift on some keyboards.
    if (shortcut.key === key && (shortcut.shift === event.shiftKey || key === "/")) return name as ShortcutName;
  }
  return null;
}

/** Whether Space belongs to this element (typing, pressing) rather than to holding to talk. */
export function takesSpace(target: EventTarget | null): boolean {
  return target instanceof Element
    && target.closest('input, textarea, select, button, a, [role="menu"], [role="dialog"], [role="listbox"], [contenteditable="true"]') !== null;
}
