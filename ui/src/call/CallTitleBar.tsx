import type { ReactElement } from "react";
import { TitleBar } from "../design/TitleBar";
import { useCall } from "../state/context";
import { duration, useNow } from "../state/time";
import { words } from "../words";
import { PanelButtons } from "./dock/Dock";
import { OfflineChip } from "./Reconnecting";
import type { CallControls } from "./use_controls";

/** Which meeting, since when, and whether something is wrong. */
export function CallTitleBar({ controls, narrow }: { controls: CallControls; narrow: boolean }): ReactElement {
  const call = useCall();
  const now = useNow();
  const joinedAt = call.participants.find(({ id }) => id === call.me)?.joined_at ?? now;
  return (
    <TitleBar
      title={call.title === "" ? words.call.untitled : call.title}
      beside={<span className="num muted xs">{duration(now - joinedAt)}</span>}
      end={(
        <>
          {call.phase.phase === "reconnecting" && <OfflineChip since={call.phase.since} />}
          {narrow && <PanelButtons controls={controls} />}
        </>
      )}
    />
  );
}
