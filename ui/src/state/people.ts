/** Questions about the people in a call, answered from what is known. Pure. */
import type { ParticipantId, ParticipantInfo, PublishedTrack, SourceKind } from "../bridge/protocol.generated";

export function trackOf(participant: ParticipantInfo, source: SourceKind): PublishedTrack | undefined {
  return participant.tracks.find((track) => track.source === source);
}

/** Whether this source is being sent at present. */
export function sends(participant: ParticipantInfo, source: SourceKind): boolean {
  const track = trackOf(participant, source);
  return track !== undefined && !track.muted;
}

/** Raised hands, the longest first. */
export function raisedHands(participants: readonly ParticipantInfo[]): ParticipantInfo[] {
  return participants
    .filter(({ hand_raised_at }) => hand_raised_at !== null)
    .sort((left, right) => (left.hand_raised_at ?? 0) - (right.hand_raised_at ?? 0));
}

/** Place in the queue of hands from 1, or `null` when the hand is down. */
export function handPlace(participants: readonly ParticipantInfo[], id: ParticipantId): number | null {
  const index = raisedHands(participants).findIndex((participant) => participant.id === id);
  return index < 0 ? null : index + 1;
}

/** Of the others, whose screens are shared, in the order of `shares` (the newest first). */
export function sharers(participants: readonly ParticipantInfo[], shares: readonly ParticipantId[]): ParticipantInfo[] {
  return shares.flatMap((id) => participants.find((participant) => participant.id === id && sends(participant, "screen")) ?? []);
}

/** How many pages there are. */
export function pageCount(total: number, size: number): number {
  return Math.max(1, Math.ceil(total / size));
}
