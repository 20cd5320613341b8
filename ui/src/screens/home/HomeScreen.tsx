import { useEffect, useState, type ReactElement } from "react";
import { TitleBar } from "../../design/TitleBar";
import { Toasts } from "../../design/Toasts";
import { useShortcuts } from "../../call/use_shortcuts";
import { useApp, useIsDesktop, useSession } from "../../state/context";
import { clockTime, dayInWords, useNow } from "../../state/time";
import { words } from "../../words";
import { HostCard } from "./HostCard";
import { JoinCard } from "./JoinCard";
import { Navigation } from "./Navigation";
import { RecentCard } from "./RecentCard";
import { ServerCard } from "./ServerCard";
import { StartCard } from "./StartCard";
import "./home.css";

/** Where a person begins: a new meeting, a link or code, or a meeting they were in. */
export function HomeScreen(): ReactElement {
  const session = useSession();
  const name = useApp((state) => state.settings.name);
  const [title, setTitle] = useState("");
  const focus = useApp((state) => (state.screen.name === "home" ? state.screen.focus : null));
  const desktop = useIsDesktop();
  const now = useNow(5_000);
  const start = (): void => session.openPreview({ kind: "start", title });
  const settings = (): void => session.openSettings();
  useShortcuts(desktop ? { newMeeting: start, settings } : { settings });
  useEffect(() => {
    if (focus !== null) document.querySelector<HTMLElement>(`[data-opener="${focus}"]`)?.focus();
  }, [focus]);
  return (
    <div className="shell">
      <Navigation current="home" />
      <div className="shell-main">
        <TitleBar title="" withMark={false} />
        <main className="home">
          <div className="home-head">
            <div>
              <p className="muted md">
                {dayInWords(now)}
              </p>
              <h1>{words.home.greeting(new Date(now).getHours(), name.trim().split(/\s+/)[0] ?? "")}</h1>
            </div>
            <span className="num clock" aria-hidden="true">{clockTime(now)}</span>
          </div>
          <div className="home-grid">
            <div className="home-column">
              {desktop && <StartCard title={title} onTitle={setTitle} onStart={start} />}
              <RecentCard />
            </div>
            <div className="home-column">
              <JoinCard />
              {desktop && <HostCard />}
              <ServerCard onChange={() => session.openSettings("servers", "server")} />
            </div>
          </div>
        </main>
        <Toasts />
      </div>
    </div>
  );
}
