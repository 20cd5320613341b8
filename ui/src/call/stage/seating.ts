/**
 * Who sits where. Tiles keep their place: the order is the order of joining, and only two things change it. Who was
 * heard within 20 s and stands beyond page one changes places with the longest silent of page one, at most once in 5 s.
 * Who leaves leaves a gap that closes after 400 ms, so that a short absence makes no jump. Pure; times are milliseconds.
 */
import type { ParticipantId, ParticipantInfo } from "../../bridge/protocol.generated";

export interface Seating {
  /** Everybody but me; also who has just left, while the gap is open. */
  readonly order: readonly ParticipantId[];
  /** Who left, and when. */
  readonly left: ReadonlyMap<ParticipantId, number>;
  /** Who speaks now. */
  readonly speaking: readonly ParticipantId[];
  /** When somebody who has a seat was last heard. */
  readonly heardAt: ReadonlyMap<ParticipantId, number>;
  readonly exchangedAt: number;
}

export const HEARD_MS = 20_000;
export const EXCHANGE_MS = 5_000;
export const GAP_MS = 400;

export const NO_SEATING: Seating = { order: [], left: new Map(), speaking: [], heardAt: new Map(), exchangedAt: Number.NEGATIVE_INFINITY };

/** The seats after what is known now. The same object when nothing changed. */
export function follow(
  seating: Seating,
  participants: readonly ParticipantInfo[],
  speaking: readonly ParticipantId[],
  me: ParticipantId,
  now: number,
): Seating {
  let { order, left, heardAt } = seating;
  const present = new Set(participants.map(({ id }) => id));
  present.delete(me);
  const gone = order.filter((id) => !present.has(id) && !left.has(id));
  const back = [...left.keys()].filter((id) => present.has(id));
  const closed = [...left].filter(([id, at]) => !present.has(id) && (now - at >= GAP_MS || id === me)).map(([id]) => id);
  if (gone.length + back.length + closed.length > 0) {
    const next = new Map(left);
    for (const id of gone) next.set(id, now);
    for (const id of [...back, ...closed]) next.delete(id);
    left = next;
    order = order.filter((id) => !closed.includes(id));
  }
  const seated = new Set(order);
  const fresh = participants.filter(({ id }) => id !== me && !seated.has(id)).map(({ id }) => id);
  if (fresh.length > 0) order = [...order, ...fresh];
  if (speaking !== seating.speaking || closed.length > 0) {
    const sitting = new Set(order);
    const heard = new Map(heardAt);
    if (speaking !== seating.speaking) for (const id of [...seating.speaking, ...speaking]) heard.set(id, now);
    // Of those without a seat nothing is kept: a long call has many who come and go.
    heardAt = new Map([...heard].filter(([id]) => sitting.has(id)));
  }
  if (order === seating.order && left === seating.left && speaking === seating.speaking) return seating;
  return { ...seating, order, left, speaking, heardAt };
}

/** The order as it is shown: the pinned one first. */
export function pinnedFirst(order: readonly ParticipantId[], pinned: ParticipantId | null): readonly ParticipantId[] {
  return pinned === null || !order.includes(pinned) ? order : [pinned, ...order.filter((id) => id !== pinned)];
}

/** Who would change places now, if the last exchange is long enough ago: who comes, and who goes. */
function exchangeDue(seating: Seating, room: number, pinned: ParticipantId | null, now: number): [ParticipantId, ParticipantId] | null {
  const shown = pinnedFirst(seating.order, pinned);
  const heard = (id: ParticipantId): number => (seating.speaking.includes(id) ? now : seating.heardAt.get(id) ?? Number.NEGATIVE_INFINITY);
  const [comes] = shown.slice(room)
    .filter((id) => now - heard(id) < HEARD_MS && !seating.left.has(id))
    .sort((one, other) => heard(other) - heard(one));
  if (comes === undefined) return null;
  // Of equally long silent ones the last goes, so that the first rows stand still.
  const [goes] = shown.slice(0, room)
    .filter((id) => id !== pinned && !seating.speaking.includes(id) && heard(id) < heard(comes))
    .reverse()
    .sort((one, other) => (heard(one) === heard(other) ? 0 : heard(one) - heard(other)));
  return goes === undefined ? null : [comes, goes];
}

/** Brings who was heard on to page one, which has `room` seats for others than me. At most one exchange. */
export function exchange(seating: Seating, room: number, pinned: ParticipantId | null, now: number): Seating {
  if (now - seating.exchangedAt < EXCHANGE_MS) return seating;
  const due = exchangeDue(seating, room, pinned, now);
  if (due === null) return seating;
  const [comes, goes] = due;
  return { ...seating, order: seating.order.map((id) => (id === comes ? goes : id === goes ? comes : id)), exchangedAt: now };
}

/** When the seats change next by themselves, or `null`. */
export function nextChange(seating: Seating, room: number, pinned: ParticipantId | null, now: number): number | null {
  const times = [...seating.left.values()].map((at) => at + GAP_MS);
  if (exchangeDue(seating, room, pinned, now) !== null) times.push(seating.exchangedAt + EXCHANGE_MS);
  return times.length === 0 ? null : Math.max(now, Math.min(...times));
}
