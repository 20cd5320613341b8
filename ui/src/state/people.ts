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

/** The order on the stage: pinned, the others in the order of joining, me last. */
export function stageOrder(participants: readonly ParticipantInfo[], me: ParticipantId, pinned: ParticipantId | null): ParticipantInfo[] {
  const rank = ({ id }: ParticipantInfo): number => (id === pinned ? 0 : id === me ? 2 : 1);
  return participants
    .map((participant, index) => ({ participant, index }))
    .sort((left, right) => rank(left.participant) - rank(right.participant) || left.index - right.index)
    .map(({ participant }) => participant);
}

/** The order beside a share: who speaks first, then pinned, the others, me last. */
export function stripOrder(ordered: readonly ParticipantInfo[], speaking: readonly ParticipantId[], me: ParticipantId): ParticipantInfo[] {
  const loud = ordered.filter(({ id }) => id !== me && speaking.includes(id));
  return [...loud, ...ordered.filter((participant) => !loud.includes(participant))];
}

/** Those beside a share when there is room for `room`: always me too. */
export function stripOf(ordered: readonly ParticipantInfo[], speaking: readonly ParticipantId[], me: ParticipantId, room: number): ParticipantInfo[] {
  const strip = stripOrder(ordered, speaking, me);
  const shown = strip.slice(0, room);
  const own = strip.find(({ id }) => id === me);
  if (own !== undefined && room > 1 && !shown.includes(own)) shown[room - 1] = own;
  return shown;
}

/** Of the others, whose screen is shown large: the newest share first. */
export function sharers(participants: readonly ParticipantInfo[], me: ParticipantId): ParticipantInfo[] {
  return participants.filter((participant) => participant.id !== me && sends(participant, "screen"));
}

/**
 * Pages of the stage. I am last on page one. Who speaks but stands on a later page changes places with the last person
 * of page one who is neither pinned, nor me, nor speaking.
 */
export function pageOf(
  ordered: readonly ParticipantInfo[],
  size: number,
  page: number,
  me: ParticipantId,
  keep: (id: ParticipantId) => boolean,
  heard: readonly ParticipantId[],
): ParticipantInfo[] {
  if (ordered.length <= size) return [...ordered];
  const own = ordered.filter(({ id }) => id === me);
  const others = ordered.filter(({ id }) => id !== me);
  const firstSize = size - own.length;
  const arranged = [...others];
  for (const id of heard) {
    const from = arranged.findIndex((participant) => participant.id === id);
    if (from < firstSize) continue;
    const to = lastIndexWhere(arranged.slice(0, firstSize), (participant) => !keep(participant.id) && !heard.includes(participant.id));
    const speaker = arranged[from];
    const silent = arranged[to];
    if (speaker === undefined || silent === undefined) break;
    arranged[to] = speaker;
    arranged[from] = silent;
  }
  if (page === 0) return [...arranged.slice(0, firstSize), ...own];
  const start = firstSize + (page - 1) * size;
  return arranged.slice(start, start + size);
}

/** How many pages there are. */
export function pageCount(total: number, size: number): number {
  return Math.max(1, Math.ceil(total / size));
}

function lastIndexWhere<Entry>(entries: readonly Entry[], matches: (entry: Entry) => boolean): number {
  for (let index = entries.length - 1; index >= 0; index -= 1) {
    const entry = entries[index];
    if (entry !== undefined && matches(entry)) return index;
  }
  return -1;
}
