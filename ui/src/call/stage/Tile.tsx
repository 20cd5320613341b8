import type { CSSProperties, KeyboardEvent, MouseEvent, ReactElement, ReactNode } from "react";
import { Button } from "react-aria-components";
import { hueStyle } from "../../design/Avatar";
import { Icon } from "../../design/Icon";
import { initials } from "../../design/person";
import { words } from "../../words";
import type { Rect } from "../grid";
import { Picture, useHasPicture } from "../video/VideoSurface";
import { NamePlate, Signs, tileFacts, Trouble } from "./TileMarks";
import type { TilePerson } from "./tile_people";

interface FrameProps {
  /** Names the tile among the others; what moves and what the menu belongs to. */
  id: string;
  name: string;
  rect: Rect;
  className: string;
  tabbable: boolean;
  style?: CSSProperties;
  onMenu: (opener: HTMLElement) => void;
  onFocus: () => void;
  children: ReactNode;
}

/** The place of a tile: focus, Enter and the context menu. It stands from the start of the stage, so it mirrors with the writing. */
export function TileFrame({ id, name, rect, className, tabbable, style, onMenu, onFocus, children }: FrameProps): ReactElement {
  const press = (event: KeyboardEvent<HTMLElement>): void => {
    if (event.target !== event.currentTarget || (event.key !== "Enter" && event.key !== "ContextMenu")) return;
    event.preventDefault();
    onMenu(event.currentTarget);
  };
  const context = (event: MouseEvent<HTMLElement>): void => {
    event.preventDefault();
    onMenu(event.currentTarget);
  };
  return (
    <div
      className={className}
      style={{ ...style, insetInlineStart: rect.x, insetBlockStart: rect.y, inlineSize: rect.width, blockSize: rect.height }}
      role="listitem"
      aria-label={name}
      tabIndex={tabbable ? 0 : -1}
      data-participant={id}
      onKeyDown={press}
      onContextMenu={context}
      onFocus={onFocus}
    >
      {children}
    </div>
  );
}

interface TileProps {
  person: TilePerson;
  rect: Rect;
  narrowWindow: boolean;
  tabbable: boolean;
  mirrored: boolean;
  onPin: () => void;
  onMenu: (opener: HTMLElement) => void;
  onFocus: () => void;
}

/** Narrower tiles show the first name, and icons without words. */
const SMALL_TILE = 240;

export function Tile({ person, rect, narrowWindow, tabbable, mirrored, onPin, onMenu, onFocus }: TileProps): ReactElement {
  const { participant, me, cameraOn, speaking, pinned, offline } = person;
  const key = `${participant.id}/camera`;
  const hasPicture = useHasPicture(key) && cameraOn;
  const small = rect.width < SMALL_TILE;
  const frozen = !me && (offline || participant.connection === "rejoining");
  const classes = ["tile", speaking && !frozen ? "speaking" : "", hasPicture ? "" : "novid", small ? "small" : "", frozen ? "frozen" : ""];
  const shownName = me ? words.call.you(participant.name) : participant.name;
  return (
    <TileFrame
      id={participant.id}
      name={words.call.tile(shownName, tileFacts(person))}
      rect={rect}
      className={classes.filter(Boolean).join(" ")}
      style={hueStyle(participant.id)}
      tabbable={tabbable}
      onMenu={onMenu}
      onFocus={onFocus}
    >
      {cameraOn && <Picture tileKey={key} mirrored={me && mirrored} frozen={frozen} />}
      {!hasPicture && <span className="big" aria-hidden="true">{initials(participant.name)}</span>}
      <Signs person={person} small={small || narrowWindow} />
      <Trouble person={person} small={small && !narrowWindow} />
      <NamePlate person={person} small={small} short={small && !narrowWindow} />
      <HoverBar name={participant.name} onMenu={onMenu} pin={me || small ? null : { pinned, onPin }} />
    </TileFrame>
  );
}

interface HoverBarProps {
  name: string;
  onMenu: (opener: HTMLElement) => void;
  pin: { pinned: boolean; onPin: () => void } | null;
}

/** Below right, while the pointer or the focus is there. The keyboard reaches the same by Enter. */
export function HoverBar({ name, onMenu, pin }: HoverBarProps): ReactElement {
  return (
    <div className="hoverbar">
      {pin !== null && (
        <Button
          className={pin.pinned ? "on" : ""}
          onPress={pin.onPin}
          aria-label={pin.pinned ? words.call.unpin(name) : words.call.pin(name)}
          aria-pressed={pin.pinned}
          excludeFromTabOrder
        >
          <Icon name="pin" size={16} />
        </Button>
      )}
      <Button
        onPress={(event) => onMenu(event.target as HTMLElement)}
        aria-label={words.call.choicesFor(name)}
        aria-haspopup="menu"
        excludeFromTabOrder
      >
        <Icon name="more" size={16} />
      </Button>
    </div>
  );
}
