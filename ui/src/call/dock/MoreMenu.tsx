import type { ReactElement } from "react";
import { Button, Header, Menu, MenuItem, MenuSection, MenuTrigger, Popover, Separator } from "react-aria-components";
import { Icon, type IconName } from "../../design/Icon";
import { Tip } from "../../design/Tip";
import { useSession } from "../../state/context";
import { words } from "../../words";
import type { Reaction } from "../../bridge/protocol.generated";
import { ReactionMark, REACTIONS } from "../../design/ReactionMark";
import { useKeysText } from "../use_shortcuts";
import { DeviceSection, NoiseRemovalSection } from "./DeviceMenu";

interface MoreMenuProps {
  /** Narrow windows keep their device menus here. */
  withDevices: boolean;
  /** Narrow windows have the reactions here too; else `null`. */
  onReact: ((reaction: Reaction) => void) | null;
  onShortcuts: () => void;
  onSettings: () => void;
}

/** What is seldom needed, and in narrow windows what has no room beside it. */
export function MoreMenu({ withDevices, onReact, onShortcuts, onSettings }: MoreMenuProps): ReactElement {
  const session = useSession();
  const keys = useKeysText();
  return (
    <MenuTrigger>
      <Tip text={words.dock.more}>
        <Button className="dk" aria-label={words.dock.more}><Icon name="more" size={22} /></Button>
      </Tip>
      <Popover className="popover" placement="top" offset={10}>
        <Menu className="menu" aria-label={words.dock.more}>
          <Item icon="link" label={words.call.copyLink} keys={keys("copyLink")} onAction={() => void session.copyLink()} />
          <Item icon="keyboard" label={words.more.shortcuts} keys={keys("help")} onAction={onShortcuts} />
          <Item icon="settings" label={words.more.settings} keys={keys("settings")} onAction={onSettings} />
          {onReact !== null && (
            <MenuSection>
              <Header>{words.dock.reactions}</Header>
              {REACTIONS.map((reaction) => (
                <MenuItem key={reaction} className="mi" textValue={words.reactions[reaction]} onAction={() => onReact(reaction)}>
                  <ReactionMark reaction={reaction} size={20} />
                  {words.reactions[reaction]}
                </MenuItem>
              ))}
            </MenuSection>
          )}
          {withDevices && <Separator />}
          {withDevices && <DeviceSection kind="microphone" />}
          {withDevices && <DeviceSection kind="speaker" />}
          {withDevices && <DeviceSection kind="camera" />}
          {withDevices && <Separator />}
          {withDevices && <NoiseRemovalSection />}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}

function Item({ icon, label, keys, onAction }: { icon: IconName; label: string; keys?: string | undefined; onAction: () => void }): ReactElement {
  return (
    <MenuItem className="mi" textValue={label} onAction={onAction}>
      <Icon name={icon} size={18} className="lead" />
      <span className="grow">{label}</span>
      {keys !== undefined && keys !== "" && <kbd>{keys}</kbd>}
    </MenuItem>
  );
}
