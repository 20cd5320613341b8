import type { ReactElement } from "react";
import { Header, Menu, MenuItem, MenuSection, Popover, Separator, type Selection } from "react-aria-components";
import type { DeviceKind } from "../../bridge/commands";
import { Icon } from "../../design/Icon";
import { useApp, useIsDesktop, useSession } from "../../state/context";
import { choiceId, deviceOptions } from "../../state/devices";
import { words } from "../../words";
import "../../design/kit.css";

/** The devices of these kinds, to choose from. Missing ones stay listed, dim, with the reason. */
export function DeviceMenu({ kinds, label }: { kinds: readonly DeviceKind[]; label: string }): ReactElement {
  const session = useSession();
  return (
    <Popover className="popover" placement="top" offset={10}>
      <Menu className="menu" aria-label={label}>
        {kinds.map((kind) => <DeviceSection key={kind} kind={kind} />)}
        <Separator />
        {kinds.includes("microphone") && <NoiseRemovalSection />}
        <MenuItem className="mi" textValue={words.devices.soundAndCamera} onAction={() => session.openSettings("sound")}>
          <Icon name="settings" size={16} className="lead" />
          <span className="grow">{words.devices.soundAndCamera}</span>
        </MenuItem>
      </Menu>
    </Popover>
  );
}

/** Noise removal as a line of a menu, which stays open to show that it changed. */
export function NoiseRemovalSection(): ReactElement {
  const session = useSession();
  const on = useApp((state) => state.settings.noise_removal);
  return (
    <MenuSection
      aria-label={words.devices.noiseRemoval}
      selectionMode="multiple"
      selectedKeys={on ? ["noise"] : []}
      onSelectionChange={(selection) => void session.setNoiseRemoval(selection === "all" || selection.has("noise"))}
    >
      <MenuItem id="noise" className="mi" textValue={words.devices.noiseRemoval}>
        <Icon name="noise" size={16} className="lead" />
        <span className="grow">{words.devices.noiseRemoval}</span>
        <span className={on ? "switch on" : "switch"} />
      </MenuItem>
    </MenuSection>
  );
}

export function DeviceSection({ kind }: { kind: DeviceKind }): ReactElement {
  const session = useSession();
  const devices = useApp((state) => state.devices);
  const chosen = useApp((state) => state.settings.devices[kind]);
  const options = deviceOptions(devices, kind, chosen, useIsDesktop());
  const choose = (selection: Selection): void => {
    const [id] = selection === "all" ? [] : [...selection];
    const option = options.find((candidate) => candidate.id === String(id).slice(kind.length + 1));
    if (option !== undefined && option.id !== choiceId(chosen)) void session.chooseDevices({ [kind]: option.choice });
  };
  return (
    <MenuSection selectionMode="single" disallowEmptySelection selectedKeys={[`${kind}/${choiceId(chosen)}`]} onSelectionChange={choose}>
      <Header>{words.preview[kind]}</Header>
      {options.map((option) => (
        <MenuItem key={option.id} id={`${kind}/${option.id}`} className="mi" textValue={option.label} isDisabled={option.gone}>
          {({ isSelected }) => (
            <>
              <span className="ck">{isSelected && <Icon name="check" size={16} />}</span>
              <span className="grow trunc">
                {option.label}
                {option.gone && <span className="xs dim"> {option.detail}</span>}
              </span>
              {!option.gone && option.detail !== "" && <span className="xs dim">{option.detail}</span>}
            </>
          )}
        </MenuItem>
      ))}
    </MenuSection>
  );
}
