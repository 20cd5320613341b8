import { useState, type FormEvent, type ReactElement } from "react";
import { Button, TextField } from "../../design/controls";
import { Icon } from "../../design/Icon";
import type { Screen } from "../../state/app_state";
import { useApp, useSession } from "../../state/context";
import { errorWords } from "../../words/errors";
import { words } from "../../words";
import { NoiseRemoval } from "../settings/NoiseRemoval";
import { LONGEST_NAME } from "../settings/sections/PrivacySection";
import { DeviceSelect } from "./DeviceSelect";
import { LevelMeter } from "./LevelMeter";
import { SpeakerTest } from "./SpeakerTest";

type PreviewState = Extract<Screen, { name: "preview" }>;

/** Name, devices, and the one primary action: join. */
export function PreviewForm({ screen }: { screen: PreviewState }): ReactElement {
  const session = useSession();
  const name = useApp((state) => state.settings.name);
  const [nameMissing, setNameMissing] = useState(false);
  const starts = screen.intent.kind === "start";
  const enter = (event: FormEvent): void => {
    event.preventDefault();
    if (name.trim() === "") setNameMissing(true);
    else {
      void session.saveSettings(session.state.settings);
      void session.enter();
    }
  };
  return (
    <form className="pjr" onSubmit={enter}>
      <h1>{starts ? words.preview.headingStart : words.preview.heading}</h1>
      <TextField
        label={words.preview.name}
        value={name}
        placeholder={words.preview.namePlaceholder}
        maxLength={LONGEST_NAME}
        autoFocus={name === ""}
        name="name"
        error={nameMissing && name.trim() === "" ? words.preview.nameMissing : null}
        onChange={(value) => session.dispatch({ type: "settings_changed", settings: { ...session.state.settings, name: value } })}
        onBlur={() => void session.saveSettings(session.state.settings)}
      />
      <DeviceSelect kind="microphone" />
      <LevelMeter />
      <NoiseRemoval />
      <div className="device-row"><DeviceSelect kind="speaker" /><SpeakerTest /></div>
      <DeviceSelect kind="camera" />
      {screen.error !== null && <JoinError screen={screen} />}
      <Button kind="primary lg xl" type="submit" busy={screen.busy ? (starts ? words.preview.starting : words.preview.joining) : undefined}>
        {starts ? words.preview.start : words.preview.join}
      </Button>
    </form>
  );
}

/** Why joining did not work, and the way out. */
function JoinError({ screen }: { screen: PreviewState }): ReactElement | null {
  const session = useSession();
  if (screen.error === null) return null;
  const subject = screen.intent.kind === "join" ? screen.intent.link.code : null;
  const { title, text, remedy } = errorWords(screen.error, subject);
  const act = (): void => {
    if (remedy === "try_again") void session.enter();
    else session.leavePreview();
  };
  return (
    <div className="note danger" role="alert">
      <Icon name="warning" size={18} />
      <span className="grow">
        <b className="med">{title}</b>
        {text !== "" && <><br /><span className="muted">{text}</span></>}
        {remedy !== "none" && <span className="actions"><Button kind="sm" onPress={act}>{words.remedies[remedy]}</Button></span>}
      </span>
    </div>
  );
}
