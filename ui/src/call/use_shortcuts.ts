import { useEffect, useMemo, useRef } from "react";
import { useApp } from "../state/context";
import { effectiveShortcuts, keysText, matchShortcut, ON_A_MAC, takesPlainKeys, takesSpace, type ShortcutName, type Shortcuts } from "./shortcuts";

export type ShortcutActions = Partial<Record<ShortcutName, () => void>>;

/** The keys that hold now, those a person changed included. */
export function useEffectiveShortcuts(): Shortcuts {
  const settings = useApp((state) => state.settings);
  return useMemo(() => effectiveShortcuts(settings), [settings]);
}

/** How the keys of an action are shown beside it; nothing when it has none. */
export function useKeysText(): (name: ShortcutName) => string | undefined {
  const shortcuts = useEffectiveShortcuts();
  return (name) => keysText(shortcuts[name]) || undefined;
}

/** Keys that are nothing to anybody who types: with Ctrl or Alt, or the keys F1 to F12. */
const FOR_EVERYWHERE = /^(Ctrl|Alt)\+|^F\d+$/;

/** Acts on shortcuts anywhere in the window while mounted. */
export function useShortcuts(actions: ShortcutActions): void {
  const latest = useRef(actions);
  latest.current = actions;
  const shortcuts = useEffectiveShortcuts();
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.repeat || event.defaultPrevented) return;
      const name = matchShortcut(event, ON_A_MAC, shortcuts);
      const action = name === null ? undefined : latest.current[name];
      if (name === null || action === undefined) return;
      if (!FOR_EVERYWHERE.test(shortcuts[name]) && takesPlainKeys(event.target)) return;
      event.preventDefault();
      action();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [shortcuts]);
}

/** Space held down talks, while the microphone is off and nothing else takes Space. */
export function useHoldToTalk(microphoneOn: boolean, set: (on: boolean) => void): void {
  const state = useRef({ microphoneOn, set });
  state.current = { microphoneOn, set };
  useEffect(() => {
    let holding = false;
    const stop = (): void => {
      if (!holding) return;
      holding = false;
      state.current.set(false);
    };
    const down = (event: KeyboardEvent): void => {
      if (event.code !== "Space" || event.ctrlKey || event.metaKey || event.altKey || takesSpace(event.target)) return;
      event.preventDefault();
      if (event.repeat || holding || state.current.microphoneOn) return;
      holding = true;
      state.current.set(true);
    };
    const up = (event: KeyboardEvent): void => {
      if (event.code === "Space") stop();
    };
    window.addEventListener("keydown", down);
    window.addEventListener("keyup", up);
    window.addEventListener("blur", stop);
    return () => {
      stop();
      window.removeEventListener("keydown", down);
      window.removeEventListener("keyup", up);
      window.removeEventListener("blur", stop);
    };
  }, []);
}

/** Escape leaves the full screen, unless something open takes it. */
export function useEscape(fullScreen: boolean, leave: () => void): void {
  const latest = useRef(leave);
  latest.current = leave;
  useEffect(() => {
    if (!fullScreen) return undefined;
    const pressed = (event: KeyboardEvent): void => {
      if (event.key !== "Escape" || event.defaultPrevented || document.querySelector('[role="menu"], [role="dialog"]') !== null) return;
      event.preventDefault();
      latest.current();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [fullScreen]);
}

/** F6 goes from region to region: stage, statistics, dock, panel, title bar. What lies over all of them keeps the focus. */
export function useRegions(): void {
  useEffect(() => {
    const order = ["stage", "statistics", "dock", "panel", "titlebar"];
    const pressed = (event: KeyboardEvent): void => {
      if (event.key !== "F6") return;
      event.preventDefault();
      if (document.querySelector('[role="dialog"], [role="menu"]') !== null) return;
      const regions = order
        .map((name) => document.querySelector<HTMLElement>(`[data-region="${name}"]`))
        .filter((region): region is HTMLElement => region !== null && firstFocusable(region) !== null);
      const at = regions.findIndex((region) => region.contains(document.activeElement));
      // From nowhere backwards is the last.
      const next = event.shiftKey ? regions.at(at < 0 ? -1 : at - 1) : regions[(at + 1) % regions.length];
      if (next !== undefined) firstFocusable(next)?.focus();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, []);
}

function firstFocusable(region: HTMLElement): HTMLElement | null {
  return region.querySelector<HTMLElement>('button:not([disabled]):not([tabindex="-1"]), input, textarea, [tabindex="0"]');
}
