import type { ReactElement, ReactNode } from "react";
import { Button } from "react-aria-components";
import { useApp, useSession } from "../state/context";
import { words } from "../words";
import { Mark } from "./Icon";

interface TitleBarProps {
  title: string;
  /** Right of the title. */
  beside?: ReactNode;
  /** At the end, before the window's buttons. */
  end?: ReactNode;
  withMark?: boolean;
  /** The title is what the screen is about; no other heading says it. */
  isHeading?: boolean;
}

/** The top of every screen, and the region the window is moved by. */
export function TitleBar({ title, beside, end, withMark = true, isHeading = false }: TitleBarProps): ReactElement {
  const Title = isHeading ? "h1" : "b";
  const controls = useApp((state) => state.info.window_controls);
  return (
    <header className="titlebar" data-region="titlebar" data-tauri-drag-region>
      {withMark && <Mark size={20} />}
      <span className="titlebar-words" data-tauri-drag-region>
        {title !== "" && <Title className="strong trunc title">{title}</Title>}
        {beside}
      </span>
      <span className="spacer" data-tauri-drag-region />
      {end}
      {controls && <WindowButtons />}
    </header>
  );
}

function WindowButtons(): ReactElement {
  const { bridge } = useSession();
  return (
    <span className="winctl">
      <Button aria-label={words.windowControls.minimize} onPress={() => void bridge.windowAction("minimize")}>
        <svg viewBox="0 0 11 11" aria-hidden="true"><path d="M1 5.5h9" /></svg>
      </Button>
      <Button aria-label={words.windowControls.maximize} onPress={() => void bridge.windowAction("toggle_maximize")}>
        <svg viewBox="0 0 11 11" aria-hidden="true"><rect x="1" y="1" width="9" height="9" rx="1.5" /></svg>
      </Button>
      <Button aria-label={words.windowControls.close} onPress={() => void bridge.windowAction("close")}>
        <svg viewBox="0 0 11 11" aria-hidden="true"><path d="m1 1 9 9M10 1 1 10" /></svg>
      </Button>
    </span>
  );
}
