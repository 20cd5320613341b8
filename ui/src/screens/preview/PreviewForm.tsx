import { useState, type FormEvent, type ReactElement } from "react";
import { Button, TextField } from "../../design/controls";
import type { Screen } from "../../state/app_state";
import { useApp, useSession } from "../../state/context";
import { words } from "../../words";
import { NoiseRemoval } from "../settings/NoiseRemoval";
import { LONGEST_NAME } from "../settings/sections/PrivacySection";
import { DeviceSelect } from "./DeviceSelect";
import { JoinError } from "./JoinError";
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
    if (name.trim() === "") {
      setNameMissing(true);
      const field = (event.currentTarget as HTMLFormElement).elements.namedItem("name");
      if (field instanceof HTMLInputElement) field.focus();
    } else {
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

