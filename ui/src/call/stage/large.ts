/** Whose picture is the large one: it follows speech, but slowly, and never to me. Pure; times are milliseconds. */
import type { ParticipantId } from "../../bridge/protocol.generated";

export interface LargePicture {
  readonly shown: ParticipantId | null;
  /** Who speaks and is not shown yet, and since when. */
  readonly next: { readonly id: ParticipantId; readonly since: number } | null;
}

/** So long one must speak to be shown large: a cough changes nothing. */
export const SPEECH_MS = 1_500;

export const NO_LARGE: LargePicture = { shown: null, next: null };

/** `others` are all but me, in the order of their seats; `speaking` has the loudest first. The same object when nothing changed. */
export function followSpeech(large: LargePicture, others: readonly ParticipantId[], speaking: readonly ParticipantId[], now: number): LargePicture {
  let { shown, next } = large;
  if (shown === null || !others.includes(shown)) shown = speaking.find((id) => others.includes(id)) ?? others[0] ?? null;
  const heard = speaking.filter((id) => others.includes(id));
  if (shown !== null && heard[0] === shown) next = null;
  // Who began first goes on counting while they speak, even when another is louder for a moment.
  else if (next === null || !heard.includes(next.id) || next.id === shown) {
    const louder = heard.find((id) => id !== shown);
    next = louder === undefined ? null : { id: louder, since: now };
  }
  if (next !== null && now - next.since >= SPEECH_MS) {
    shown = next.id;
    next = null;
  }
  return shown === large.shown && next === large.next ? large : { shown, next };
}

/** When it changes next by itself, or `null`. */
export function nextSpeech(large: LargePicture): number | null {
  return large.next === null ? null : large.next.since + SPEECH_MS;
}
