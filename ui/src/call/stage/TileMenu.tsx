import { useEffect, useRef, type ReactElement } from "react";
import { Menu, MenuItem, Popover } from "react-aria-components";
import { Icon } from "../../design/Icon";
import { useApp, useCall, useSession } from "../../state/context";
import { words } from "../../words";
import type { StageTile } from "./use_arrangement";

interface TileMenuProps {
  tile: StageTile;
  /** What opened it: there it stands, and there the focus returns. */
  opener: HTMLElement;
  onClose: () => void;
}

/** What can be done with one tile. */
export function TileMenu({ tile, opener, onClose }: TileMenuProps): ReactElement {
  const session = useSession();
  const call = useCall();
  const hidden = useApp((state) => state.settings.hide_self);
  const trigger = useRef<HTMLElement>(opener);
  trigger.current = opener;
  // Without a trigger of its own the popover takes the focus for itself; it belongs to the first line.
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const frame = requestAnimationFrame(() => menu.current?.querySelector<HTMLElement>('[role="menuitem"]')?.focus());
    return () => cancelAnimationFrame(frame);
  }, []);
  const { participant, kind } = tile;
  const me = participant.id === call.me;
  const pinned = call.pinned === participant.id;
  const name = words.call.choicesFor(kind === "share" ? words.call.shareOf(participant.name) : participant.name);
  return (
    <Popover className="popover" aria-label={name} triggerRef={trigger} isOpen onOpenChange={(open) => { if (!open) onClose(); }} placement="bottom end" offset={6}>
      <Menu ref={menu} className="menu short" aria-label={name} onClose={onClose}>
        {kind === "share" ? (
          <MenuItem className="mi" onAction={() => session.dispatch({ type: "share_chosen", participant: participant.id })}>
            <Icon name="expand" size={18} className="lead" />
            {words.call.showLarge}
          </MenuItem>
        ) : me ? (
          <MenuItem className="mi" onAction={() => void session.changeSettings({ hide_self: !hidden })}>
            <Icon name="camera-off" size={18} className="lead" />
            {words.call.hideSelf}
          </MenuItem>
        ) : (
          <MenuItem className="mi" onAction={() => session.dispatch({ type: "pin_toggled", participant: participant.id })}>
            <Icon name="pin" size={18} className="lead" />
            {pinned ? words.call.unpin(participant.name) : words.call.pin(participant.name)}
          </MenuItem>
        )}
      </Menu>
    </Popover>
  );
}
