import type { FormEvent, ReactElement } from "react";
import { effectiveShortcuts, keysText } from "../../call/shortcuts";
import { Button, TextField } from "../../design/controls";
import { Icon } from "../../design/Icon";
import { useApp } from "../../state/context";
import { worksHereOnly } from "../../state/reach";
import { words } from "../../words";

interface StartCardProps {
  title: string;
  onTitle: (title: string) => void;
  onStart: () => void;
}

const LONGEST_TITLE = 120;

/** The one primary action of the home screen. */
export function StartCard({ title, onTitle, onStart }: StartCardProps): ReactElement {
  const settings = useApp((state) => state.settings);
  const keys = keysText(effectiveShortcuts(settings).newMeeting);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onStart();
  };
  return (
    <section className="card next" aria-labelledby="start-heading">
      <h2 id="start-heading">{words.home.startHeading}</h2>
      <p className="muted md">{worksHereOnly(settings.server) ? words.home.startTextHereOnly : words.home.startText}</p>
      <form className="start-row" onSubmit={submit}>
        <div className="grow">
          <TextField label={words.home.titleLabel} value={title} onChange={onTitle} placeholder={words.home.titlePlaceholder} maxLength={LONGEST_TITLE} large name="title" />
        </div>
        <Button kind="primary lg" type="submit">
          <Icon name="camera" size={20} />
          {words.home.newMeeting}
          {keys !== "" && <kbd>{keys}</kbd>}
        </Button>
      </form>
    </section>
  );
}
