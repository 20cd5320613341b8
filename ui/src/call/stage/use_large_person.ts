import { useLayoutEffect, useRef } from "react";
import type { ParticipantInfo } from "../../bridge/protocol.generated";
import type { CallState } from "../../state/call_state";
import { useWake } from "../use_wake";
import { followSpeech, nextSpeech, NO_LARGE } from "./large";

/** Of the others, the pinned one or who speaks; nobody while I am alone. */
export function useLargePerson({ participants, me, pinned, speaking }: CallState): ParticipantInfo | undefined {
  const kept = useRef(NO_LARGE);
  const others = participants.filter(({ id }) => id !== me);
  const speech = followSpeech(kept.current, others.map(({ id }) => id), speaking, Date.now());
  useLayoutEffect(() => { kept.current = speech; });
  useWake(nextSpeech(speech));
  return others.find(({ id }) => id === pinned) ?? others.find(({ id }) => id === speech.shown);
}
