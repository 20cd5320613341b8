import type { ReactElement } from "react";
import type { RecentMeeting } from "../../bridge/commands";
import { Button } from "../../design/controls";
import { EmptyState } from "../../design/EmptyState";
import { Icon } from "../../design/Icon";
import { asBridgeError } from "../../bridge/bridge";
import { useApp, useSession } from "../../state/context";
import { dayAndTime, useNow } from "../../state/time";
import { words } from "../../words";
import { refusalWords } from "../../words/errors";

/** The meetings a person was in, newest first. */
export function RecentCard(): ReactElement {
  const session = useSession();
  const recent = useApp((state) => state.settings.recent);
  const now = useNow(60_000);
  const join = async (meeting: RecentMeeting): Promise<void> => {
    try {
      const link = await session.parseLink(meeting.link === "" ? meeting.code : meeting.link);
      session.openPreview({ kind: "join", link, title: meeting.title });
    } catch (thrown) {
      session.dispatch({ type: "toast_shown", toast: { tone: "warn", ...refusalWords(asBridgeError(thrown)) } });
    }
  };
  return (
    <section className="card recent" aria-labelledby="recent-heading">
      <h2 className="sect" id="recent-heading">{words.home.recent}</h2>
      {recent.length === 0 ? (
        <EmptyState icon="clock" title={words.home.recentEmptyTitle} text={words.home.recentEmptyText} />
      ) : (
        <ul>
          {recent.map((meeting) => {
            const title = meeting.title === "" ? meeting.code : meeting.title;
            return (
              <li className="up" key={meeting.code}>
                <span className="ric"><Icon name="camera" size={17} /></span>
                <div className="grow">
                  <b className="strong md trunc block">{title}</b>
                  <span className="xs dim num">{dayAndTime(meeting.joined_at, now)}{meeting.title === "" ? "" : ` · ${meeting.code}`}</span>
                </div>
                <Button kind="sm" aria-label={words.home.rejoin(title)} onPress={() => void join(meeting)}>{words.home.join}</Button>
                <Button kind="ghost icon sm" aria-label={words.home.recentRemove(title)} onPress={() => void session.forgetMeeting(meeting.code)}>
                  <Icon name="close" size={15} />
                </Button>
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}
