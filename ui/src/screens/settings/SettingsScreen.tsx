import { useEffect, type ReactElement } from "react";
import { Button } from "../../design/controls";
import { TitleBar } from "../../design/TitleBar";
import { Toasts } from "../../design/Toasts";
import type { Screen } from "../../state/app_state";
import { useSession } from "../../state/context";
import { words } from "../../words";
import { Navigation } from "../home/Navigation";
import { SettingsTabs } from "./SettingsTabs";
import "../home/home.css";

type SettingsState = Extract<Screen, { name: "settings" }>;

/** The settings from home. Escape goes back, where one came from. */
export function SettingsScreen({ screen }: { screen: SettingsState }): ReactElement {
  const session = useSession();
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      // A menu or a question that is open takes Escape for itself.
      if (event.key !== "Escape" || event.defaultPrevented || document.querySelector(".popover, .dialog") !== null) return;
      session.closeSettings();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [session]);
  return (
    <div className="shell">
      <Navigation current="settings" />
      <div className="shell-main">
        <TitleBar title="" withMark={false} />
        <main className="settings-screen">
          <div className="settings-head">
            <h1>{words.settings.heading}</h1>
            <Button kind="ghost sm" onPress={() => session.closeSettings()}>{words.settings.back}</Button>
          </div>
          <SettingsTabs section={screen.section} />
        </main>
        <Toasts />
      </div>
    </div>
  );
}
