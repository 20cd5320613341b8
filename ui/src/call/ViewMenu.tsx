import type { ReactElement } from "react";
import { Button, Header, Menu, MenuItem, MenuSection, MenuTrigger, Popover, Separator, type Selection } from "react-aria-components";
import type { CallLayout } from "../bridge/commands";
import type { ShortcutName } from "./shortcuts";
import { Icon, type IconName } from "../design/Icon";
import { LAYOUTS } from "../state/app_state";
import { useApp, useIsDesktop } from "../state/context";
import { words } from "../words";
import type { CallControls } from "./use_controls";
import { useKeysText } from "./use_shortcuts";

const LAYOUT_ICONS: Record<CallLayout, IconName> = { grid: "grid", speaker: "spotlight", sidebar: "sidebar" };

/** How the call is looked at: the layout, my own picture, and how much of the screen the window takes. */
export function ViewMenu({ controls, narrow }: { controls: CallControls; narrow: boolean }): ReactElement {
  const layout = useApp((state) => state.settings.layout);
  const hidden = useApp((state) => state.settings.hide_self);
  const mode = useApp((state) => state.windowMode);
  const desktop = useIsDesktop();
  const keys = useKeysText();
  const choose = (selection: Selection): void => {
    const chosen = LAYOUTS.find((candidate) => selection !== "all" && selection.has(candidate));
    if (chosen !== undefined && chosen !== layout) controls.setLayout(chosen);
  };
  return (
    <MenuTrigger>
      <Button className={narrow ? "dk plain" : "btn ghost sm view-button"} aria-label={words.view.button} data-opens="statistics">
        <Icon name={LAYOUT_ICONS[layout]} size={narrow ? 20 : 16} />
        {!narrow && words.view.button}
        {!narrow && <Icon name="chevron-down" size={14} />}
      </Button>
      <Popover className="popover" placement="bottom end" offset={6}>
        <Menu className="menu" aria-label={words.view.button}>
          <MenuSection selectionMode="single" disallowEmptySelection selectedKeys={[layout]} onSelectionChange={choose}>
            <Header>{words.view.layout}</Header>
            {LAYOUTS.map((name) => (
              <MenuItem key={name} id={name} className="mi" textValue={words.view[name]}>
                {({ isSelected }) => (
                  <>
                    <span className="ck">{isSelected && <Icon name="check" size={16} />}</span>
                    <Icon name={LAYOUT_ICONS[name]} size={18} className="lead" />
                    <span className="grow">{words.view[name]}</span>
                  </>
                )}
              </MenuItem>
            ))}
          </MenuSection>
          <Separator />
          <MenuSection aria-label={words.call.hideSelf} selectionMode="multiple" selectedKeys={hidden ? ["hide"] : []} onSelectionChange={controls.toggleHideSelf}>
            <MenuItem id="hide" className="mi" textValue={words.call.hideSelf}>
              {({ isSelected }) => (
                <>
                  <span className="ck">{isSelected && <Icon name="check" size={16} />}</span>
                  <Line icon="camera-off" text={words.call.hideSelf} keys={keys("hideSelf")} />
                </>
              )}
            </MenuItem>
          </MenuSection>
          <Separator />
          <MenuSection aria-label={words.view.window}>
            {act("full-screen", mode === "full_screen" ? words.view.leaveFullScreen : words.view.fullScreen, "fullScreen", controls.toggleFullScreen)}
            {desktop && act("pip", words.view.mini, "mini", controls.toggleMini)}
            {desktop && act("info", words.more.statistics, "statistics", controls.toggleStatistics)}
          </MenuSection>
        </Menu>
      </Popover>
    </MenuTrigger>
  );

  function act(icon: IconName, text: string, shortcut: ShortcutName, onAction: () => void): ReactElement {
    return (
      <MenuItem className="mi" textValue={text} onAction={onAction}>
        <span className="ck" />
        <Line icon={icon} text={text} keys={keys(shortcut)} />
      </MenuItem>
    );
  }
}

function Line({ icon, text, keys }: { icon: IconName; text: string; keys: string | undefined }): ReactElement {
  return (
    <>
      <Icon name={icon} size={18} className="lead" />
      <span className="grow">{text}</span>
      {keys !== undefined && <kbd>{keys}</kbd>}
    </>
  );
}
