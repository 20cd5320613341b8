/** Tells the native side which pictures of others are shown, and how large. */
import { useEffect } from "react";
import type { VisibleTile } from "../../bridge/bridge";
import type { SourceKind, TileRequest } from "../../bridge/protocol.generated";
import { useSession } from "../../state/context";
import { useVideoEngine } from "../video/VideoSurface";

/** A picture that shrinks keeps its layer so long, so that a passing change costs nothing. */
const SHRINK_DELAY_MS = 500;

/** The view for what is visible: shared screens before people, never my own picture. */
export function viewOf(visible: readonly VisibleTile[], me: string, pinned: string | null): TileRequest[] {
  const tiles: TileRequest[] = [];
  for (const { key, width, height } of visible) {
    const slash = key.lastIndexOf("/");
    const participant = key.slice(0, slash);
    const source = key.slice(slash + 1) as SourceKind;
    if (participant === me || participant === "preview") continue;
    tiles.push({ participant, source, width, height, priority: source === "screen" ? 2 : 1, pinned: participant === pinned });
  }
  return tiles;
}

/** Whether nothing of `next` is new or larger than in `before`. */
export function onlyShrinks(before: readonly TileRequest[], next: readonly TileRequest[]): boolean {
  return next.every((tile) => before.some(
    (known) => known.participant === tile.participant && known.source === tile.source
      && known.height >= tile.height && known.width >= tile.width && known.pinned === tile.pinned,
  ));
}

export function useView(me: string, pinned: string | null): void {
  const session = useSession();
  const engine = useVideoEngine();
  useEffect(() => {
    let sent: TileRequest[] = [];
    let waiting: ReturnType<typeof setTimeout> | null = null;
    const stop = engine.onVisible((visible) => {
      const next = viewOf(visible, me, pinned);
      if (waiting !== null) clearTimeout(waiting);
      const send = (): void => {
        sent = next;
        void session.bridge.call("view_set", { tiles: next }).catch(() => undefined);
      };
      if (onlyShrinks(sent, next)) waiting = setTimeout(send, SHRINK_DELAY_MS);
      else send();
    });
    return () => {
      stop();
      if (waiting !== null) clearTimeout(waiting);
    };
  }, [session, engine, me, pinned]);
}
