/** Which tile an arrow key goes to. Pure. */
import type { Rect } from "../grid";

export type Direction = "left" | "right" | "up" | "down";

export const ARROWS: Readonly<Record<string, Direction>> = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };

/** Sideways distance counts more, so that up and down go straight. */
const SIDEWAYS = 3;

/** The nearest tile in this direction as one sees it, or `null` at the edge. */
export function neighbour(rects: readonly Rect[], from: number, direction: Direction): number | null {
  const start = rects[from];
  if (start === undefined) return null;
  const horizontal = direction === "left" || direction === "right";
  const sign = direction === "left" || direction === "up" ? -1 : 1;
  let best: { index: number; distance: number } | null = null;
  rects.forEach((rect, index) => {
    const x = rect.x + rect.width / 2 - (start.x + start.width / 2);
    const y = rect.y + rect.height / 2 - (start.y + start.height / 2);
    const forward = (horizontal ? x : y) * sign;
    const aside = gap(horizontal ? [rect.y, rect.height, start.y, start.height] : [rect.x, rect.width, start.x, start.width]);
    if (index === from || forward <= 1 || (horizontal && aside > 0)) return;
    const distance = forward + SIDEWAYS * aside + Math.abs(horizontal ? y : x) * 0.1;
    if (best === null || distance < best.distance) best = { index, distance };
  });
  return (best as { index: number } | null)?.index ?? null;
}

/** How far two spans are apart; 0 when they share a part. */
function gap([one, oneLength, other, otherLength]: readonly [number, number, number, number]): number {
  return Math.max(0, Math.max(one, other) - Math.min(one + oneLength, other + otherLength));
}
