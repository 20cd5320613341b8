import type { ReactElement } from "react";
import { Button, Label, ListBox, ListBoxItem, Popover, Select, SelectValue } from "react-aria-components";
import type { DeviceKind } from "../../bridge/commands";
import { Icon, type IconName } from "../../design/Icon";
import { useApp, useIsDesktop, useSession } from "../../state/context";
import { choiceId, deviceOptions } from "../../state/devices";
import { words } from "../../words";

const ICONS: Record<DeviceKind, IconName> = { microphone: "mic", speaker: "speaker-volume", camera: "camera" };

/** Which device; one that is blocked or gone says so in its place. */
export function DeviceSelect({ kind, hideLabel = false }: { kind: DeviceKind; hideLabel?: boolean }): ReactElement {
  const session = useSession();
  const devices = useApp((state) => state.devices);
  const chosen = useApp((state) => state.settings.devices[kind]);
  const problem = useApp((state) => state.problems[kind]);
  const options = deviceOptions(devices, kind, chosen, useIsDesktop());
  const current = options.find(({ id }) => id === choiceId(chosen));
  const shown = problem === undefined ? current?.label : words.devices.problem[kind][problem.reason];
  return (
    <Select
      className="labelled"
      value={choiceId(chosen)}
      onChange={(id) => {
        const option = options.find((candidate) => candidate.id === id);
        if (option !== undefined) void session.chooseDevices({ [kind]: option.choice });
      }}
    >
      <Label className={hideLabel ? "visually-hidden" : "label"}>{words.preview[kind]}</Label>
      <Button className="field">
        <Icon name={ICONS[kind]} size={17} className={problem === undefined ? "muted" : "warn-text"} />
        <SelectValue className="grow trunc">{() => shown}</SelectValue>
        <Icon name="chevron-down" size={15} className="dim" />
      </Button>
      <Popover className="popover field-menu" offset={6}>
        <ListBox className="menu" items={options}>
          {(option) => (
            <ListBoxItem className="mi" id={option.id} textValue={option.label} isDisabled={option.gone}>
              {({ isSelected }) => (
                <>
                  <span className="ck">{isSelected && <Icon name="check" size={16} />}</span>
                  <span className="grow trunc">{option.label}</span>
                  {option.detail !== "" && <span className="xs dim">{option.detail}</span>}
                </>
              )}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </Select>
  );
}
