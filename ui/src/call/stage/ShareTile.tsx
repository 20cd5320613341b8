import type { ReactElement } from "react";
import type { ParticipantInfo } from "../../bridge/protocol.generated";
import { Icon } from "../../design/Icon";
import { firstName } from "../../design/person";
import { words } from "../../words";
import type { Rect } from "../grid";
import { Picture, useHasPicture } from "../video/VideoSurface";
import { HoverBar, TileFrame } from "./Tile";

interface ShareTileProps {
  id: string;
  participant: ParticipantInfo;
  rect: Rect;
  frozen: boolean;
  tabbable: boolean;
  onMenu: (opener: HTMLElement) => void;
  onFocus: () => void;
}

/** A further shared screen: whole, in a frame, beside the large one. */
export function ShareTile({ id, participant, rect, frozen, tabbable, onMenu, onFocus }: ShareTileProps): ReactElement {
  const key = `${participant.id}/screen`;
  const hasPicture = useHasPicture(key);
  return (
    <TileFrame
      id={id}
      name={words.call.tile(words.call.shareOf(participant.name), [])}
      rect={rect}
      className="tile small framed"
      tabbable={tabbable}
      onMenu={onMenu}
      onFocus={onFocus}
    >
      <Picture tileKey={key} fit="whole" frozen={frozen} />
      {!hasPicture && <span className="waiting" aria-hidden="true"><Icon name="share-screen" size={24} /></span>}
      <div className="name" aria-hidden="true">
        <Icon name="share-screen" size={13} />
        <span>{firstName(participant.name)}</span>
      </div>
      <HoverBar name={words.call.shareOf(participant.name)} onMenu={onMenu} pin={null} />
    </TileFrame>
  );
}
