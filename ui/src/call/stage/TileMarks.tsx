/** The plates over a tile's picture, and the same in words for who does not see them. */
import type { ReactElement } from "react";
import { Icon } from "../../design/Icon";
import { firstName } from "../../design/person";
import { ReactionMark } from "../../design/ReactionMark";
import { words } from "../../words";
import { SoundBars } from "./SoundBars";
import type { TilePerson } from "./tile_people";

/** Below left: the microphone, the pin, the name. */
export function NamePlate({ person, small, short }: { person: TilePerson; small: boolean; short: boolean }): ReactElement {
  return (
    <div className="name" aria-hidden="true">
      <MicrophoneMark person={person} small={small} />
      {person.pinned && <Icon name="pin" size={small ? 13 : 15} className="pinc" />}
      <span>{shownName(person, short)}</span>
    </div>
  );
}

function shownName({ participant, me }: TilePerson, short: boolean): string {
  const name = short || me ? firstName(participant.name) : participant.name;
  return me ? words.call.you(name) : name;
}

function MicrophoneMark({ person, small }: { person: TilePerson; small: boolean }): ReactElement | null {
  if (!person.microphoneOn) return <Icon name="mic-off" size={small ? 13 : 15} className="red" />;
  return person.speaking ? <SoundBars /> : null;
}

/** Above left: the hand with its place in the queue, and a reaction for its five seconds. */
export function Signs({ person, small }: { person: TilePerson; small: boolean }): ReactElement {
  return (
    <div className="tl" aria-hidden="true">
      {person.hand !== null && (
        <span className="tbadge hand num">
          <Icon name="hand" size={small ? 13 : 15} />
          {small ? person.hand : person.queue ? `${words.call.handRaised} · ${person.hand}` : words.call.handRaised}
        </span>
      )}
      {person.reaction !== null && <span className="tbadge reaction"><ReactionMark reaction={person.reaction} size={small ? 16 : 20} /></span>}
    </div>
  );
}

/** Above right: only trouble. */
export function Trouble({ person, small }: { person: TilePerson; small: boolean }): ReactElement | null {
  const sign = troubleOf(person);
  if (sign === null) return null;
  return (
    <div className="tr" aria-hidden="true">
      <span className={`tbadge ${sign.look}`}>
        {sign.icon !== null && <Icon name={sign.icon} size={15} />}
        {(!small || sign.icon === null) && sign.text}
      </span>
    </div>
  );
}

interface TroubleSign {
  look: "weak" | "lost" | "";
  icon: "wifi-off" | "wifi-1" | null;
  text: string;
}

function troubleOf({ me, offline, participant, quality }: TilePerson): TroubleSign | null {
  if (me) return offline ? { look: "weak", icon: "wifi-off", text: words.call.notBeingSent } : null;
  if (participant.connection === "rejoining") return { look: "lost", icon: "wifi-off", text: words.call.rejoining };
  if (participant.connection === "connecting") return { look: "", icon: null, text: words.call.connecting };
  if (offline || quality === "good") return null;
  return quality === "weak" ? { look: "weak", icon: "wifi-1", text: words.call.weak } : { look: "lost", icon: "wifi-1", text: words.call.bad };
}

/** Everything the plates say. */
export function tileFacts(person: TilePerson): string[] {
  const { participant } = person;
  return [
    ...(person.pinned ? [words.call.pinned] : []),
    ...(person.microphoneOn ? [] : [words.call.muted]),
    ...(person.cameraOn ? [] : [words.call.noPicture]),
    ...(person.hand === null ? [] : [words.call.hand(person.hand)]),
    ...(person.reaction === null ? [] : [words.call.reaction(words.reactions[person.reaction])]),
    ...(participant.connection === "rejoining" ? [words.call.rejoining] : []),
    ...(person.me || person.quality === "good" ? [] : person.quality === "weak" ? [words.call.weak, words.call.weakText] : [words.call.bad, words.call.badText]),
    ...(person.me && person.offline ? [words.call.notBeingSent] : []),
  ];
}
