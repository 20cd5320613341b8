import { useEffect, useRef } from "react";
import { keysOf } from "../../call/shortcuts";

/**
 * While `active`, the keys pressed in the window are only told here: nothing else acts on them. Escape and Tab end it,
 * so that whoever came here by keys gets away by keys.
 */
export function useKeyPress(active: boolean, onKeys: (keys: string) => void, onEnd: () => void): void {
  const latest = useRef({ onKeys, onEnd });
  latest.current = { onKeys, onEnd };
  useEffect(() => {
    if (!active) return undefined;
    const pressed = (event: KeyboardEvent): void => {
      if (event.key === "Tab") {
        latest.current.onEnd();
        return;
      }
      event.preventDefault();
      event.stopImmediatePropagation();
      if (event.key === "Escape") latest.current.onEnd();
      else if (!event.repeat) {
        const keys = keysOf(event);
        if (keys !== null) latest.current.onKeys(keys);
      }
    };
    window.addEventListener("keydown", pressed, true);
    return () => window.removeEventListener("keydown", pressed, true);
  }, [active]);
}
