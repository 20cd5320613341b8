/** From the call's state to what each tile shows. Pure. */
import type { ParticipantInfo } from "../../bridge/protocol.generated";
import type { CallState } from "../../state/call_state";
import { handPlace, sends } from "../../state/people";
import type { TilePerson } from "./Tile";

export function tilePerson(call: CallState, participant: ParticipantInfo): TilePerson {
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
    offline: call.phase.phase === "reconnecting",
  };
}
