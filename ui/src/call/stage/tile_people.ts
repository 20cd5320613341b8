/** From the call's state to what each tile shows. Pure. */
import type { ParticipantInfo, Quality, Reaction } from "../../bridge/protocol.generated";
import type { CallState, ShownReaction } from "../../state/call_state";
import { handPlace, raisedHands, sends } from "../../state/people";
import { reactionOf } from "../reactions";

/** Everything a tile shows of a person, as it is. */
export interface TilePerson {
  participant: ParticipantInfo;
  me: boolean;
  microphoneOn: boolean;
  cameraOn: boolean;
  speaking: boolean;
  pinned: boolean;
  /** Place in the queue of hands, or `null`. */
  hand: number | null;
  /** Others have their hands up too, so that the place says something. */
  queue: boolean;
  reaction: Reaction | null;
  quality: Quality;
  /** My own connection is lost or not there yet: what others see of me, and I of them, is old. */
  offline: boolean;
}

export function tilePerson(call: CallState, participant: ParticipantInfo, reactions: readonly ShownReaction[] = []): TilePerson {
  const me = participant.id === call.me;
  const microphoneOn = me ? call.media.microphone_on : sends(participant, "microphone");
  return {
    participant,
    me,
    microphoneOn,
    cameraOn: me ? call.media.camera_on : sends(participant, "camera"),
    speaking: microphoneOn && call.speaking.includes(participant.id),
    pinned: call.pinned === participant.id,
    hand: handPlace(call.participants, participant.id),
    queue: raisedHands(call.participants).length > 1,
    reaction: reactionOf(reactions, participant.id),
    quality: call.quality.find((person) => person.participant === participant.id)?.quality ?? "good",
    offline: call.phase.phase === "reconnecting",
  };
}
