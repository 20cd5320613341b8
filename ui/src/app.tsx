import "./design/styles";
import type { ReactElement } from "react";
import { I18nProvider } from "react-aria-components";
import { CallScreen } from "./call/CallScreen";
import { VideoProvider } from "./call/video/VideoSurface";
import { Announcer } from "./design/Announcer";
import { useHeadingAfter } from "./design/focus";
import { usePage, useSpoken } from "./page";
import { EndedScreen } from "./screens/ended/EndedScreen";
import { HomeScreen } from "./screens/home/HomeScreen";
import { SettingsOver } from "./screens/settings/SettingsOver";
import { SettingsScreen } from "./screens/settings/SettingsScreen";
import { PreviewScreen } from "./screens/preview/PreviewScreen";
import { SessionProvider, useApp } from "./state/context";
import type { Session } from "./state/session";

/** The whole window. */
export function App({ session }: { session: Session }): ReactElement {
  return (
    <SessionProvider session={session}>
      <VideoProvider>
        <Page />
      </VideoProvider>
    </SessionProvider>
  );
}

/** Everything below is drawn anew when the language changes. */
function Page(): ReactElement {
  const { locale } = useSpoken();
  usePage();
  return (
    <I18nProvider locale={locale}>
      <CurrentScreen />
      <SettingsOver />
      <Announcer />
    </I18nProvider>
  );
}

function CurrentScreen(): ReactElement {
  const screen = useApp((state) => state.screen);
  // Whoever opens the window at home has the whole of it before them.
  useHeadingAfter(screen.name, "home");
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
