import { useState, type ReactElement } from "react";
import { DEFAULT_SHORTCUTS, effectiveShortcuts, keysText, SHORTCUT_NAMES, type ShortcutName } from "../../../call/shortcuts";
import { Button } from "../../../design/controls";
import { SectionCard } from "../../../design/SectionCard";
import { useApp, useSession } from "../../../state/context";
import { words } from "../../../words";
import { refusal, withKeys } from "../shortcut_choice";
import { useKeyPress } from "../use_key_press";

/** A sentence under the line of an action. */
interface Said {
  name: ShortcutName;
  text: string;
  bad: boolean;
}

/** All actions with their keys; pressing new keys changes them. */
export function ShortcutsSection(): ReactElement {
  const session = useSession();
  const settings = useApp((state) => state.settings);
  const [asked, setAsked] = useState<ShortcutName | null>(null);
  const [said, setSaid] = useState<Said | null>(null);
  const text = words.settings.keys;
  const shortcuts = effectiveShortcuts(settings);
  const give = (name: ShortcutName, keys: string): void => {
    const reason = refusal(settings, name, keys);
    if (reason !== null) {
      setSaid({ name, text: reason, bad: true });
      return;
    }
    setAsked(null);
    setSaid({ name, text: text.saved(text.actions[name], keysText(keys)), bad: false });
    void session.changeSettings({ shortcuts: withKeys(settings, name, keys) });
  };
  const end = (): void => { setAsked(null); setSaid(null); };
  useKeyPress(asked !== null, (keys) => { if (asked !== null) give(asked, keys); }, end);
  return (
    <>
      <SectionCard title={words.settings.sections.shortcuts}>
        <p className="muted">{text.text}</p>
        <ul>
          {SHORTCUT_NAMES.map((name) => (
            <ShortcutLine
              key={name}
              name={name}
              keys={shortcuts[name]}
              asked={asked === name}
              said={said?.name === name ? said : null}
              onAsk={() => { setSaid(null); setAsked(asked === name ? null : name); }}
              onLeave={() => { if (asked === name) end(); }}
              onReset={() => give(name, DEFAULT_SHORTCUTS[name])}
            />
          ))}
        </ul>
        <div className="pad">
          <Button onPress={() => { end(); void session.changeSettings({ shortcuts: {} }); }}>{text.resetAll}</Button>
        </div>
      </SectionCard>
      <FixedKeys />
    </>
  );
}

interface ShortcutLineProps {
  name: ShortcutName;
  keys: string;
  asked: boolean;
  said: Said | null;
  onAsk: () => void;
  onLeave: () => void;
  onReset: () => void;
}

function ShortcutLine({ name, keys, asked, said, onAsk, onLeave, onReset }: ShortcutLineProps): ReactElement {
  const text = words.settings.keys;
  const action = text.actions[name];
  const shown = keys === "" ? text.none : keysText(keys);
  return (
    <li className="srow">
      <span className="grow">
        <span className="block">{action}</span>
        <span role="status" className={said?.bad === true ? "xs warn-text" : "xs dim"}>
          {said !== null ? said.text : asked ? text.pressing(action) : ""}
        </span>
      </span>
      {keys !== DEFAULT_SHORTCUTS[name] && (
        <Button kind="ghost sm" aria-label={text.reset(action)} onPress={onReset}>{text.resetOne}</Button>
      )}
      <Button kind={asked ? "sm keys asked" : "sm keys"} aria-label={`${text.change(action)}, ${shown}`} onPress={onAsk} onBlur={onLeave}>
        {asked ? text.press : shown}
      </Button>
    </li>
  );
}

/** Keys that are what they are everywhere. */
function FixedKeys(): ReactElement {
  const lines: [string, string][] = [
    [words.shortcuts.holdToTalk, "Space"],
    [words.shortcuts.regions, "F6"],
    [words.shortcuts.tiles, "← → ↑ ↓"],
  ];
  return (
    <SectionCard title={words.shortcuts.heading}>
      <dl className="about-facts">
        {lines.map(([what, keys]) => (
          <div className="srow" key={what}>
            <dt className="grow">{what}</dt>
            <dd><kbd>{keys}</kbd></dd>
          </div>
        ))}
      </dl>
    </SectionCard>
  );
}
