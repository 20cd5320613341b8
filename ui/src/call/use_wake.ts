import { useEffect, useState } from "react";
import { useCall } from "../state/context";
import type { ShownReaction } from "../state/call_state";
import { nextExpiry, shownReactions } from "./reactions";

/** Draws the component again at this time (milliseconds since 1970 UTC), when what it shows changes by itself. */
export function useWake(at: number | null): void {
  const [, wake] = useState(0);
  useEffect(() => {
    if (at === null) return undefined;
    const timer = setTimeout(() => wake((count) => count + 1), Math.max(0, at - Date.now()) + 1);
    return () => clearTimeout(timer);
  });
}

/** The reactions of the last five seconds. */
export function useReactions(): readonly ShownReaction[] {
  const { reactions } = useCall();
  const shown = shownReactions(reactions, Date.now());
  useWake(nextExpiry(shown));
  return shown;
}
