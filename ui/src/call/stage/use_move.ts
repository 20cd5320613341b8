/** Tiles that change place slide there once, by transform only; with reduced motion they jump. */
import { useLayoutEffect, useRef, type RefObject } from "react";
import { movesLess } from "../../design/motion";
import { useVideoEngine } from "../video/VideoSurface";

const LAYOUT_MS = 280;
const EASE_MOVE = "cubic-bezier(.32, .72, 0, 1)";

/** Watches the children with `data-participant`; `layout` changes whenever their places may have. */
export function useMove(stage: RefObject<HTMLElement | null>, layout: string): void {
  const engine = useVideoEngine();
  const places = useRef(new Map<string, { x: number; y: number }>());
  useLayoutEffect(() => {
    const node = stage.current;
    if (node === null) return;
    const still = document.hidden || movesLess();
    const now = new Map<string, { x: number; y: number }>();
    let moved = false;
    for (const tile of node.querySelectorAll<HTMLElement>("[data-participant]")) {
      const id = tile.dataset["participant"] ?? "";
      const place = { x: tile.offsetLeft, y: tile.offsetTop };
      const before = places.current.get(id);
      now.set(id, place);
      if (still || before === undefined || (before.x === place.x && before.y === place.y)) continue;
      const from = `translate(${before.x - place.x}px, ${before.y - place.y}px)`;
      tile.animate?.([{ transform: from }, { transform: "none" }], { duration: LAYOUT_MS, easing: EASE_MOVE });
      moved = true;
    }
    places.current = now;
    if (moved) engine.moving(LAYOUT_MS + 50);
    else engine.touch();
  }, [engine, stage, layout]);
}
