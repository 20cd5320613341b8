import { useEffect, useRef, type ReactElement } from "react";
import { ChatPanel } from "../chat/ChatPanel";
import { ChatPreview } from "../chat/ChatPreview";
import { useHeadingAfter } from "../design/focus";
import { Toasts } from "../design/Toasts";
import { PeoplePanel } from "../people/PeoplePanel";
import { useApp, useCall, useIsDesktop, useSession } from "../state/context";
import { CallTitleBar } from "./CallTitleBar";
import { Dock } from "./dock/Dock";
import { MiniCall } from "./mini/MiniCall";
import { ReconnectingCard } from "./Reconnecting";
import { ShareBanner } from "./share/ShareBanner";
import { ShareDialog } from "./share/ShareDialog";
import { ShortcutsDialog } from "./ShortcutsDialog";
import { StatisticsPanel } from "./statistics/StatisticsPanel";
import { Stage } from "./stage/Stage";
import { NO_SEATS } from "./stage/use_arrangement";
import { useNarrower } from "./stage/use_size";
import { useControls } from "./use_controls";
import { useProblemToasts } from "./use_problem_toasts";
import { useQualityToast } from "./use_quality_toast";
import { useEscape, useHoldToTalk, useRegions, useShortcuts } from "./use_shortcuts";
import "./dock/dock.css";
import "./stage/stage.css";
import "./share/share.css";
import "./reconnecting.css";
import "../chat/chat.css";
import "../people/people.css";

/** Below this, at the usual size of text, the dock has six equal buttons and panels fill the window. */
const NARROW_WINDOW = 640;

/** The call: title bar, stage with a panel beside it, dock. */
export function CallScreen(): ReactElement {
  const call = useCall();
  const controls = useControls();
  const kept = useRef(NO_SEATS);
  const desktop = useIsDesktop();
  // Twice the size of text needs twice the room.
  const textSize = useApp((state) => state.settings.text_size);
  const narrow = useNarrower(NARROW_WINDOW * textSize / 100);
  useShortcuts({
    microphone: controls.toggleMicrophone,
    camera: controls.toggleCamera,
    share: controls.toggleShare,
    hand: controls.toggleHand,
    chat: controls.toggleChat,
    people: controls.togglePeople,
    leave: controls.leave,
    help: controls.showShortcuts,
    settings: controls.showSettings,
    copyLink: controls.copyLink,
    layout: controls.nextLayout,
    hideSelf: controls.toggleHideSelf,
    fullScreen: controls.toggleFullScreen,
    ...(desktop && { mini: controls.toggleMini, statistics: controls.toggleStatistics }),
  });
  useHoldToTalk(call.media.microphone_on, controls.setMicrophone);
  useRegions();
  useProblemToasts();
  useQualityToast();
  useWholeWindowAfter();
  const mode = useApp((state) => state.windowMode);
  useEscape(mode === "full_screen", controls.toggleFullScreen);
  useHeadingAfter(mode === "mini" ? "mini" : "whole", "whole");
  if (mode === "mini") return <MiniCall controls={controls} />;
  return (
    <main className={narrow ? "call narrow" : "call"}>
      <CallTitleBar controls={controls} narrow={narrow} />
      <div className="mainrow">
        <div className="maincol">
          <ShareBanner />
          <Stage kept={kept} />
          {call.phase.phase === "reconnecting" && <ReconnectingCard phase={call.phase} />}
          {controls.statistics && <StatisticsPanel onClose={controls.toggleStatistics} />}
          <Toasts><ChatPreview /></Toasts>
        </div>
        {call.panel === "people" && <PeoplePanel />}
        {call.panel === "chat" && <ChatPanel />}
      </div>
      <Dock controls={controls} narrow={narrow} />
      {controls.dialog === "share" && <ShareDialog onClose={controls.closeDialog} />}
      {controls.dialog === "shortcuts" && <ShortcutsDialog onClose={controls.closeDialog} />}
    </main>
  );
}

/** What comes after a call needs the whole window. */
function useWholeWindowAfter(): void {
  const session = useSession();
  useEffect(() => () => {
    if (session.state.windowMode !== "normal") void session.run("window_mode_set", { mode: "normal" });
  }, [session]);
}
