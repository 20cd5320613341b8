/** Which reactions are shown at a time, and which became a count. Pure; times are milliseconds. */
import type { ParticipantId, Reaction } from "../bridge/protocol.generated";
import { REACTION_MS, type ShownReaction } from "../state/call_state";

/** So many alike become a count in the title bar. */
export const COUNT_FROM = 3;

export function shownReactions(reactions: readonly ShownReaction[], now: number): readonly ShownReaction[] {
  return reactions.every(({ at }) => now - at < REACTION_MS) ? reactions : reactions.filter(({ at }) => now - at < REACTION_MS);
}

export function reactionOf(shown: readonly ShownReaction[], participant: ParticipantId): Reaction | null {
  return shown.findLast((reaction) => reaction.participant === participant)?.reaction ?? null;
}

/** Reactions of three people and more, the most frequent first. */
export function reactionCounts(shown: readonly ShownReaction[]): { reaction: Reaction; count: number }[] {
  const counts = new Map<Reaction, number>();
  for (const { reaction } of shown) counts.set(reaction, (counts.get(reaction) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count >= COUNT_FROM)
    .map(([reaction, count]) => ({ reaction, count }))
    .sort((one, other) => other.count - one.count);
}

/** When the next of them goes, or `null`. */
export function nextExpiry(shown: readonly ShownReaction[]): number | null {
  return shown.length === 0 ? null : Math.min(...shown.map(({ at }) => at)) + REACTION_MS;
}
