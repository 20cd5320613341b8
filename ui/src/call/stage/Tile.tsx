import type { CSSProperties, KeyboardEvent, ReactElement } from "react";
import { Button } from "react-aria-components";
import type { ParticipantInfo } from "../../bridge/protocol.generated";
import { hueStyle } from "../../design/Avatar";
import { Icon } from "../../design/Icon";
import { firstName, initials } from "../../design/person";
import { words } from "../../words";
import type { Rect } from "../grid";
import { Picture, useHasPicture } from "../video/VideoSurface";
import { SoundBars } from "./SoundBars";

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
  /** My own connection is lost: what others see of me, and I of them, is old. */
  offline: boolean;
}

interface TileProps {
  person: TilePerson;
  rect: Rect;
  narrowWindow: boolean;
  tabbable: boolean;
  onPin: () => void;
  onFocus: () => void;
}

/** Narrower tiles show the first name, and icons without words. */
const SMALL_TILE = 240;

export function Tile({ person, rect, narrowWindow, tabbable, onPin, onFocus }: TileProps): ReactElement {
  const { participant, me, cameraOn, speaking, pinned, offline } = person;
  const key = `${participant.id}/camera`;
  const hasPicture = useHasPicture(key) && cameraOn;
  const small = rect.width < SMALL_TILE;
  const away = !me && participant.connection === "rejoining";
  const frozen = away || (offline && !me);
  const classes = ["tile", speaking && !frozen ? "speaking" : "", hasPicture ? "" : "novid", small ? "small" : "", frozen ? "frozen" : ""];
  const style: CSSProperties = { ...hueStyle(participant.id), left: rect.x, top: rect.y, width: rect.width, height: rect.height };
  const pinWords = pinned ? words.call.unpin(participant.name) : words.call.pin(participant.name);
  const press = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.target !== event.currentTarget) return;
    event.preventDefault();
    onPin();
  };
  return (
    <div
      className={classes.filter(Boolean).join(" ")}
      style={style}
      role="listitem"
      aria-label={words.call.tile(me ? words.call.you(participant.name) : participant.name, facts(person))}
      tabIndex={tabbable ? 0 : -1}
      data-participant={participant.id}
      onKeyDown={press}
      onFocus={onFocus}
    >
      {cameraOn && <Picture tileKey={key} mirrored={me} frozen={frozen} />}
      {!hasPicture && <span className="big" aria-hidden="true">{initials(participant.name)}</span>}
      <div className="tl" aria-hidden="true">{person.hand !== null && <HandBadge place={person.hand} small={small || narrowWindow} />}</div>
      <div className="tr" aria-hidden="true"><Trouble person={person} away={away} small={small && !narrowWindow} /></div>
      <div className="name" aria-hidden="true">
        <MicrophoneMark person={person} small={small} />
        {pinned && <Icon name="pin" size={small ? 13 : 15} className="pinc" />}
        <span>{shownName(person, small && !narrowWindow)}</span>
      </div>
      {!me && (
        <div className="hoverbar">
          <Button className={pinned ? "on" : ""} onPress={onPin} aria-label={pinWords} aria-pressed={pinned} excludeFromTabOrder>
            <Icon name="pin" size={16} />
          </Button>
        </div>
      )}
    </div>
  );
}

function shownName({ participant, me }: TilePerson, small: boolean): string {
  const name = small || me ? firstName(participant.name) : participant.name;
  return me ? words.call.you(name) : name;
}

function facts(person: TilePerson): string[] {
  const { participant } = person;
  return [
    ...(person.pinned ? [words.call.pinned] : []),
    ...(person.microphoneOn ? [] : [words.call.muted]),
    ...(person.cameraOn ? [] : [words.call.noPicture]),
    ...(person.hand === null ? [] : [words.call.hand(person.hand)]),
    ...(participant.connection === "rejoining" ? [words.call.rejoining] : []),
    ...(person.me && person.offline ? [words.call.notBeingSent] : []),
  ];
}

function HandBadge({ place, small }: { place: number; small: boolean }): ReactElement {
  return (
    <span className="tbadge hand num">
      <Icon name="hand" size={small ? 13 : 15} />
      {small ? place : place === 1 ? words.call.handRaised : `${words.call.handRaised} · ${place}`}
    </span>
  );
}

function Trouble({ person, away, small }: { person: TilePerson; away: boolean; small: boolean }): ReactElement | null {
  if (person.me) {
    if (!person.offline) return null;
    return <span className="tbadge weak"><Icon name="wifi-off" size={15} />{!small && words.call.notBeingSent}</span>;
  }
  if (away) return <span className="tbadge lost"><Icon name="wifi-off" size={15} />{!small && words.call.rejoining}</span>;
  if (person.participant.connection === "connecting") return <span className="tbadge">{words.call.connecting}</span>;
  return null;
}

function MicrophoneMark({ person, small }: { person: TilePerson; small: boolean }): ReactElement | null {
  if (!person.microphoneOn) return <Icon name="mic-off" size={small ? 13 : 15} className="red" />;
  return person.speaking ? <SoundBars /> : null;
}
