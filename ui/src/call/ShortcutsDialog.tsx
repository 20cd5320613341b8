import type { ReactElement } from "react";
import { Button } from "../design/controls";
import { Dialog } from "../design/Dialog";
import { words } from "../words";
import { shortcutText } from "./shortcuts";

/** All shortcuts on one sheet. */
export function ShortcutsDialog({ onClose }: { onClose: () => void }): ReactElement {
  const lines: [string, string][] = [
    [words.dock.microphone.turnOn, shortcutText("microphone")],
    [words.dock.camera.turnOn, shortcutText("camera")],
    [words.shortcuts.holdToTalk, words.keys.Space],
    [words.dock.share, shortcutText("share")],
    [words.dock.raiseHand, shortcutText("hand")],
    [words.dock.chat, shortcutText("chat")],
    [words.people.heading, shortcutText("people")],
    [words.more.settings, shortcutText("settings")],
    [words.dock.leave, shortcutText("leave")],
    [words.shortcuts.regions, "F6"],
    [words.shortcuts.tiles, "← → ↑ ↓"],
    [words.shortcuts.pin, words.keys.Enter],
  ];
  return (
    <Dialog title={words.shortcuts.heading} onClose={onClose}>
      <dl className="shortcut-list">
        {lines.map(([what, keys]) => (
          <div className="row" key={what}>
            <dt className="grow">{what}</dt>
            <dd><kbd>{keys}</kbd></dd>
          </div>
        ))}
      </dl>
      <div className="answers"><Button onPress={onClose}>{words.shortcuts.close}</Button></div>
    </Dialog>
  );
}
