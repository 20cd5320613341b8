/** Whether keys a person pressed may become the keys of an action, and the settings that follow. Pure. */
import type { Settings } from "../../bridge/commands";
import { DEFAULT_SHORTCUTS, effectiveShortcuts, keysText, SHORTCUT_NAMES, type ShortcutName } from "../../call/shortcuts";
import { words } from "../../words";

type Kept = Pick<Settings, "shortcuts">;

/** Every field of text has these. */
const OF_TEXTS = ["Ctrl+A", "Ctrl+C", "Ctrl+V", "Ctrl+X", "Ctrl+Z", "Ctrl+Y", "Ctrl+Shift+Z"];
/** Goes between the regions. */
const OF_THE_WINDOW = ["F6", "Shift+F6"];
/** Keys nobody types or edits a text with. */
const PLAIN = /^(Shift\+)?(F\d{1,2}|PageUp|PageDown)$/;

/** Why these keys cannot be the keys of `name`, as a sentence; `null` when they can. */
export function refusal(settings: Kept, name: ShortcutName, keys: string): string | null {
  const shown = keysText(keys);
  if (OF_TEXTS.includes(keys)) return words.settings.keys.reserved(shown);
  if (OF_THE_WINDOW.includes(keys)) return words.settings.keys.taken(shown, words.shortcuts.regions);
  if (!PLAIN.test(keys) && !keys.startsWith("Ctrl+")) return words.settings.keys.needsCtrl(shown);
  const shortcuts = effectiveShortcuts(settings);
  const owner = SHORTCUT_NAMES.find((other) => other !== name && shortcuts[other] === keys);
  return owner === undefined ? null : words.settings.keys.taken(shown, words.settings.keys.actions[owner]);
}

/** The changed shortcuts with these keys for `name`. The usual keys need not be kept. */
export function withKeys(settings: Kept, name: ShortcutName, keys: string): Settings["shortcuts"] {
  const { [name]: _before, ...others } = settings.shortcuts;
  return keys === DEFAULT_SHORTCUTS[name] ? others : { ...others, [name]: keys };
}
