import { useState, type FormEvent, type ReactElement } from "react";
import { Label, Radio, RadioGroup } from "react-aria-components";
import type { Settings } from "../../bridge/commands";
import { Button, TextField } from "../../design/controls";
import { Dialog } from "../../design/Dialog";
import { useApp, useSession } from "../../state/context";
import { words } from "../../words";

const THEMES = ["system", "light", "dark", "hc"] as const;
/** The protocol's longest name. */
export const LONGEST_NAME = 64;

/** Name, colours, server. Colours change at once; the rest when saved. */
export function SettingsDialog({ onClose }: { onClose: () => void }): ReactElement {
  const session = useSession();
  const settings = useApp((state) => state.settings);
  const inCall = useApp((state) => state.call !== null);
  const [name, setName] = useState(settings.name);
  const [server, setServer] = useState(settings.server);
  const save = (event: FormEvent): void => {
    event.preventDefault();
    void session.saveSettings({ ...settings, name: name.trim(), server: server.trim() });
    onClose();
  };
  return (
    <Dialog title={words.settings.heading} onClose={onClose}>
      <form onSubmit={save}>
        <div className="dialog-body">
          {!inCall && <TextField label={words.settings.name} value={name} onChange={setName} maxLength={LONGEST_NAME} />}
          <RadioGroup
            className="labelled"
            value={settings.theme}
            onChange={(theme) => void session.saveSettings({ ...settings, theme: theme as Settings["theme"] })}
          >
            <Label className="label">{words.settings.theme}</Label>
            <span className="seg">
              {THEMES.map((theme) => <Radio key={theme} value={theme}>{words.settings.themes[theme]}</Radio>)}
            </span>
          </RadioGroup>
          {!inCall && (
            <div>
              <TextField label={words.settings.server} value={server} onChange={setServer} placeholder={words.home.serverLocal} />
              <p className="xs dim hint">{words.settings.serverHint}</p>
            </div>
          )}
        </div>
        <div className="answers">
          <Button kind="ghost" onPress={onClose}>{words.settings.cancel}</Button>
          <Button kind="primary" type="submit">{words.settings.save}</Button>
        </div>
      </form>
    </Dialog>
  );
}
