import type { ReactElement } from "react";
import type { CallPhase } from "../bridge/commands";
import { Icon } from "../design/Icon";
import { useCall } from "../state/context";
import { useNow } from "../state/time";
import { words } from "../words";

/** How long the server keeps a place, milliseconds (the protocol's `rejoin_window_ms`). */
const REJOIN_WINDOW_MS = 15_000;
/** A hole shorter than this shows only the chip. */
const CARD_AFTER_MS = 1_000;

type ReconnectingPhase = Extract<CallPhase, { phase: "reconnecting" }>;

/** Over the stage while the connection is away: what happened, what it costs, what goes on by itself. */
export function ReconnectingCard({ phase }: { phase: ReconnectingPhase }): ReactElement | null {
  const now = useNow(250);
  const { chatState } = useCall();
  const away = Math.max(0, now - phase.since);
  const waiting = chatState.pending.filter(({ refused }) => refused === null).length;
  if (away < CARD_AFTER_MS) return null;
  const kept = away < REJOIN_WINDOW_MS;
  return (
    <div className="reconnecting">
      <div className="reconnecting-head">
        <span className="spinner" />
        <div className="grow">
          <h2>{words.reconnecting.title}</h2>
          <p className="muted md">
            {phase.message !== "" && `${phase.message} `}
            {words.reconnecting.since(Math.floor(away / 1000))}
          </p>
        </div>
      </div>
      <ul>
        <li className={kept ? "ok" : ""}>
          <Icon name={kept ? "check" : "clock"} size={17} />
          {kept ? words.reconnecting.keepPlace : words.reconnecting.comeBack}
        </li>
        <li className="ok"><Icon name="check" size={17} />{words.reconnecting.ownScreen}</li>
        {waiting > 0 && <li><Icon name="clock" size={17} />{words.reconnecting.waiting(waiting)}</li>}
      </ul>
      {phase.next_try_at !== null && (
        <p className="xs dim num next-try">{words.reconnecting.nextTry(Math.ceil((phase.next_try_at - now) / 1000))}</p>
      )}
    </div>
  );
}

/** The same in the title bar, from the first moment. */
export function OfflineChip({ since }: { since: number }): ReactElement {
  const now = useNow(500);
  return (
    <span className="chip warn num">
      <Icon name="wifi-off" size={15} />
      {words.reconnecting.chip(Math.max(0, Math.floor((now - since) / 1000)))}
    </span>
  );
}
