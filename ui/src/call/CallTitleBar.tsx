import type { ReactElement } from "react";
import { ReactionMark } from "../design/ReactionMark";
import { TitleBar } from "../design/TitleBar";
import { useCall } from "../state/context";
import { duration, useNow } from "../state/time";
import { words } from "../words";
import { PanelButtons } from "./dock/Dock";
import { reactionCounts } from "./reactions";
import { ConnectingChip, OfflineChip } from "./Reconnecting";
import type { CallControls } from "./use_controls";
import { useReactions } from "./use_wake";
import { ViewMenu } from "./ViewMenu";

/** Which meeting, since when, whether something is wrong, and how it is looked at. */
export function CallTitleBar({ controls, narrow }: { controls: CallControls; narrow: boolean }): ReactElement {
  const call = useCall();
  const now = useNow();
  const joinedAt = call.participants.find(({ id }) => id === call.me)?.joined_at ?? now;
  return (
    <TitleBar
      title={call.title === "" ? words.call.untitled : call.title}
      isHeading
      beside={<span className="num muted xs">{duration(now - joinedAt)}</span>}
      end={(
        <>
          <ReactionCounts />
          {call.phase.phase === "connecting" && <ConnectingChip short={narrow} />}
          {call.phase.phase === "reconnecting" && <OfflineChip since={call.phase.since} />}
          <ViewMenu controls={controls} narrow={narrow} />
          {narrow && <PanelButtons controls={controls} />}
        </>
      )}
    />
  );
}

/** Three and more alike are a number here. */
function ReactionCounts(): ReactElement {
  const counts = reactionCounts(useReactions());
  return (
    <>
      {counts.slice(0, 2).map(({ reaction, count }) => (
        <span className="chip num" key={reaction} role="img" aria-label={words.reactions.count(words.reactions[reaction], count)}>
          <ReactionMark reaction={reaction} size={18} />
          {count}
        </span>
      ))}
    </>
  );
}
