import { useState, type ReactElement } from "react";
import type { CallPhase } from "../bridge/commands";
import { Button } from "../design/controls";
import { Icon } from "../design/Icon";
import { useCall, useSession } from "../state/context";
import { useNow } from "../state/time";
import { words } from "../words";
import { troubleWords } from "../words/errors";

/** How long the server keeps a place, milliseconds (the protocol's `rejoin_window_ms`). */
const REJOIN_WINDOW_MS = 15_000;
/** A hole shorter than this shows only the chip. */
const CARD_AFTER_MS = 1_000;

type ReconnectingPhase = Extract<CallPhase, { phase: "reconnecting" }>;

/** Over the stage while the connection is away: what happened, what it costs, what goes on by itself. */
export function ReconnectingCard({ phase }: { phase: ReconnectingPhase }): ReactElement | null {
  const now = useNow(250);
  const { chatState, participants } = useCall();
  const away = Math.max(0, now - phase.since);
  const waiting = chatState.pending.filter(({ refused }) => refused === null).length;
  if (away < CARD_AFTER_MS) return null;
  const why = troubleWords(phase);
  const alone = participants.length <= 1;
  const seconds = Math.floor(away / 1000);
  const kept = away < REJOIN_WINDOW_MS;
  return (
    <div className="reconnecting">
      <div className="reconnecting-head">
        <span className="spinner" />
        <div className="grow">
          <h2>{words.reconnecting.title}</h2>
          <p className="muted md">
            {why === "" ? words.reconnecting.wentAway(seconds) : `${why} ${words.reconnecting.offlineFor(seconds)}`}
            {!alone && ` ${words.reconnecting.cost}`}
          </p>
        </div>
      </div>
      <ul>
        <li className={kept ? "ok" : ""}>
          <Icon name={kept ? "check" : "clock"} size={17} />
          {kept ? words.reconnecting.keepPlace : alone ? words.reconnecting.comeBackAlone : words.reconnecting.comeBack}
        </li>
        <li className="ok"><Icon name="check" size={17} />{words.reconnecting.ownScreen}</li>
        {waiting > 0 && <li><Icon name="clock" size={17} />{words.reconnecting.waiting(waiting)}</li>}
      </ul>
      <div className="next-try">
        {phase.next_try_at !== null && (
          <p className="xs dim num grow">{words.reconnecting.nextTry(Math.ceil((phase.next_try_at - now) / 1000))}</p>
        )}
        <TryNow />
      </div>
    </div>
  );
}

/** Looks for the server at once. Busy until the native side has taken the wish, so that it is not pressed in vain. */
function TryNow(): ReactElement {
  const session = useSession();
  const [trying, setTrying] = useState(false);
  const press = async (): Promise<void> => {
    setTrying(true);
    await session.attempt("retry_now", {});
    setTrying(false);
  };
  return (
    <Button kind="primary" busy={trying ? words.reconnecting.trying : undefined} onPress={() => void press()}>
      <Icon name="refresh" size={16} />
      {words.reconnecting.tryNow}
    </Button>
  );
}

/** Joined, but sound and picture have no way yet. */
export function ConnectingChip({ short }: { short: boolean }): ReactElement {
  return (
    <span className="chip" role="status">
      <span className="spinner" />
      {words.call.connectingMedia}
      {!short && `. ${words.call.connectingText}`}
    </span>
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
