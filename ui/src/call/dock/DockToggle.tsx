import { useState, type ReactElement } from "react";
import { Button, MenuTrigger } from "react-aria-components";
import { Icon } from "../../design/Icon";
import { Tip } from "../../design/Tip";
import { useApp, useSession } from "../../state/context";
import { isThere, problemWords, toggleState, type ToggleState } from "../../state/devices";
import { words } from "../../words";
import { useKeysText } from "../use_shortcuts";
import { DeviceMenu } from "./DeviceMenu";
import { LiveMicrophone } from "./LiveMicrophone";

interface DockToggleProps {
  kind: "microphone" | "camera";
  on: boolean;
  pending: boolean;
  onToggle: () => void;
  /** Only the toggle; the devices are in the More menu. */
  withoutMenu?: boolean;
}

const LOOKS: Record<ToggleState, string> = { on: "", off: "off", blocked: "blocked", missing: "gone", pending: "" };

/** Microphone or camera: shows what is true now, and each reason for "not" as another thing. */
export function DockToggle({ kind, on, pending, onToggle, withoutMenu = false }: DockToggleProps): ReactElement {
  const session = useSession();
  const problem = useApp((state) => state.problems[kind]);
  const there = useApp((state) => isThere(state.devices, kind, state.settings.devices[kind]));
  const hidden = useApp((app) => app.settings.hide_self) && kind === "camera" && on;
  const keys = useKeysText();
  const [menuOpen, setMenuOpen] = useState(false);
  const state = toggleState(on, pending, there, problem);
  const press = (): void => {
    if (state === "missing" && !withoutMenu) setMenuOpen(true);
    else if (state === "blocked" && problem !== undefined) {
      const { title, text } = problemWords(problem);
      session.dispatch({ type: "toast_shown", toast: { tone: "warn", message: title, detail: text } });
    } else onToggle();
  };
  const names = words.dock[kind];
  const name = state === "blocked" && problem !== undefined ? words.devices.problem[kind][problem.reason] : names[state];
  // The camera runs although I do not see myself: a dot, and the same in words.
  const spoken = hidden ? `${name}. ${words.call.selfHidden}` : name;
  const dot = hidden && <span className="pip dot" />;
  const verb = state === "on" ? names.turnOff : state === "off" ? names.turnOn : name;
  const toggle = (
    <Tip text={verb} shortcut={keys(kind)}>
      <Button preventFocusOnPress className={withoutMenu ? `dk ${LOOKS[state]}` : "main"} aria-label={spoken} onPress={press} data-state={state} data-control={kind}>
        <ToggleIcon kind={kind} state={state} />
        {withoutMenu && state === "blocked" && <span className="pip" data-count="!" />}
        {withoutMenu && dot}
      </Button>
    </Tip>
  );
  if (withoutMenu) return toggle;
  return (
    <div className={`dk split ${LOOKS[state]}`.trim()} role="group" aria-label={words.preview[kind]}>
      {toggle}
      <MenuTrigger isOpen={menuOpen} onOpenChange={setMenuOpen}>
        <Button className="chev" aria-label={kind === "microphone" ? words.dock.microphoneMenu : words.dock.cameraMenu}>
          <Icon name="chevron-down" size={14} />
        </Button>
        <DeviceMenu kinds={kind === "microphone" ? ["microphone", "speaker"] : ["camera"]} label={words.devices.menuOf[kind]} />
      </MenuTrigger>
      {state === "blocked" && <span className="pip" data-count="!" />}
      {dot}
    </div>
  );
}

function ToggleIcon({ kind, state }: { kind: "microphone" | "camera"; state: ToggleState }): ReactElement {
  if (state === "pending") return <span className="spinner" />;
  if (kind === "microphone") return state === "on" ? <LiveMicrophone /> : <Icon name="mic-off" size={22} />;
  return <Icon name={state === "on" ? "camera" : "camera-off"} size={22} />;
}
