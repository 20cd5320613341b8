import type { ReactElement } from "react";
import { Button, Menu, MenuItem, MenuTrigger, Popover, Separator } from "react-aria-components";
import { Icon, type IconName } from "../../design/Icon";
import { Tip } from "../../design/Tip";
import { useSession } from "../../state/context";
import { words } from "../../words";
import { shortcutText } from "../shortcuts";
import { DeviceSection, NoiseRemovalSection } from "./DeviceMenu";

interface MoreMenuProps {
  /** Narrow windows keep their device menus here. */
  withDevices: boolean;
  onShortcuts: () => void;
  onSettings: () => void;
}

/** What is seldom needed, and in narrow windows what has no room beside it. */
export function MoreMenu({ withDevices, onShortcuts, onSettings }: MoreMenuProps): ReactElement {
  const session = useSession();
  return (
    <MenuTrigger>
      <Tip text={words.dock.more}>
        <Button className="dk" aria-label={words.dock.more}><Icon name="more" size={22} /></Button>
      </Tip>
      <Popover className="popover" placement="top" offset={10}>
        <Menu className="menu" aria-label={words.dock.more}>
          <Item icon="link" label={words.call.copyLink} onAction={() => void session.copyLink()} />
          <Item icon="keyboard" label={words.more.shortcuts} keys={shortcutText("help")} onAction={onShortcuts} />
          <Item icon="settings" label={words.more.settings} keys={shortcutText("settings")} onAction={onSettings} />
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

function Item({ icon, label, keys, onAction }: { icon: IconName; label: string; keys?: string; onAction: () => void }): ReactElement {
  return (
    <MenuItem className="mi" textValue={label} onAction={onAction}>
      <Icon name={icon} size={18} className="lead" />
      <span className="grow">{label}</span>
      {keys !== undefined && <kbd>{keys}</kbd>}
    </MenuItem>
  );
}
