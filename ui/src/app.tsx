import "./design/styles";
import { useLayoutEffect, type ReactElement } from "react";
import { CallScreen } from "./call/CallScreen";
import { VideoProvider } from "./call/video/VideoSurface";
import { Announcer } from "./design/Announcer";
import { EndedScreen } from "./screens/ended/EndedScreen";
import { HomeScreen } from "./screens/home/HomeScreen";
import { SettingsOver } from "./screens/settings/SettingsDialog";
import { SettingsScreen } from "./screens/settings/SettingsScreen";
import { PreviewScreen } from "./screens/preview/PreviewScreen";
import { SessionProvider, useApp } from "./state/context";
import type { Session } from "./state/session";

/** The whole window. */
export function App({ session }: { session: Session }): ReactElement {
  return (
    <SessionProvider session={session}>
      <VideoProvider>
        <Theme />
        <CurrentScreen />
        <SettingsOver />
        <Announcer />
      </VideoProvider>
    </SessionProvider>
  );
}

function CurrentScreen(): ReactElement {
  const screen = useApp((state) => state.screen);
  switch (screen.name) {
    case "home":
      return <HomeScreen />;
    case "settings":
      return <SettingsScreen screen={screen} />;
    case "preview":
      return <PreviewScreen screen={screen} />;
    case "call":
      return <CallScreen />;
    case "ended":
      return <EndedScreen screen={screen} />;
  }
}

/** A fixed theme is an attribute of the page; without one the style sheet follows the system. */
function Theme(): null {
  const theme = useApp((state) => state.settings.theme);
  useLayoutEffect(() => {
    if (theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
  }, [theme]);
  return null;
}
