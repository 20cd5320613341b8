import { useState, type ReactElement } from "react";
import { ConfirmDialog } from "../../../design/ConfirmDialog";
import { Button, TextField } from "../../../design/controls";
import { EmptyState } from "../../../design/EmptyState";
import { SectionCard } from "../../../design/SectionCard";
import { useApp, useSession } from "../../../state/context";
import { dayAndTime, useNow } from "../../../state/time";
import { words } from "../../../words";

/** The protocol's longest name. */
export const LONGEST_NAME = 64;

/** What the others see of one, and what is kept where. */
export function PrivacySection(): ReactElement {
  const text = words.settings.privacy;
  return (
    <>
      <SectionCard title={text.you}><NameField /></SectionCard>
      <SectionCard title={text.recentHeading}><KeptMeetings /></SectionCard>
      <SectionCard title={text.keptHeading}><p className="muted">{text.kept}</p></SectionCard>
      <SectionCard title={text.sentHeading}><p className="muted">{text.sent}</p></SectionCard>
    </>
  );
}

function NameField(): ReactElement {
  const session = useSession();
  const saved = useApp((state) => state.settings.name);
  const inCall = useApp((state) => state.call !== null);
  const [name, setName] = useState(saved);
  const save = (): void => {
    if (name.trim() !== saved) void session.changeSettings({ name: name.trim() });
  };
  return (
    <form className="pad" onSubmit={(event) => { event.preventDefault(); save(); }}>
      <TextField label={words.settings.name} value={name} onChange={setName} onBlur={save} maxLength={LONGEST_NAME} name="name" />
      <p className="xs dim hint">{inCall ? words.settings.privacy.nameInCall : words.settings.privacy.nameText}</p>
    </form>
  );
}

function KeptMeetings(): ReactElement {
  const session = useSession();
  const recent = useApp((state) => state.settings.recent);
  const now = useNow(60_000);
  const [asking, setAsking] = useState(false);
  const text = words.settings.privacy;
  if (recent.length === 0) return <EmptyState icon="clock" title={text.recentEmptyTitle} text={text.recentEmptyText} />;
  return (
    <>
      <ul>
        {recent.map((meeting) => {
          const title = meeting.title === "" ? meeting.code : meeting.title;
          return (
            <li className="srow" key={meeting.code}>
              <span className="grow">
                <span className="block trunc">{title}</span>
                <span className="xs dim num">{dayAndTime(meeting.joined_at, now)}</span>
              </span>
              <Button kind="sm" aria-label={words.home.recentRemove(title)} onPress={() => void session.forgetMeeting(meeting.code)}>{text.remove}</Button>
            </li>
          );
        })}
      </ul>
      <div className="pad"><Button kind="quiet-danger" onPress={() => setAsking(true)}>{text.removeAll}</Button></div>
      {asking && (
        <ConfirmDialog
          question={text.removeAllQuestion}
          text={text.removeAllText}
          yes={text.removeAll}
          no={text.keep}
          onNo={() => setAsking(false)}
          onYes={() => { setAsking(false); void session.forgetMeeting(null); }}
        />
      )}
    </>
  );
}
