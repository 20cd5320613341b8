import type { ReactElement } from "react";
import { Button } from "../design/controls";
import { Dialog } from "../design/Dialog";
import { words } from "../words";
import type { ShortcutName } from "./shortcuts";
import { useKeysText } from "./use_shortcuts";

/** All shortcuts on one sheet. */
export function ShortcutsDialog({ onClose }: { onClose: () => void }): ReactElement {
  const keys = useKeysText();
  const line = (what: string, name: ShortcutName): [string, string | undefined] => [what, keys(name)];
  const lines: [string, string | undefined][] = [
    line(words.dock.microphone.turnOn, "microphone"),
    line(words.dock.camera.turnOn, "camera"),
    [words.shortcuts.holdToTalk, words.keys.Space],
    line(words.dock.share, "share"),
    line(words.dock.raiseHand, "hand"),
    line(words.dock.chat, "chat"),
    line(words.people.heading, "people"),
    line(words.call.copyLink, "copyLink"),
    line(words.shortcuts.layout, "layout"),
    line(words.call.hideSelf, "hideSelf"),
    line(words.call.nextPage, "nextPage"),
    line(words.call.previousPage, "previousPage"),
    line(words.view.fullScreen, "fullScreen"),
    line(words.view.mini, "mini"),
    line(words.more.statistics, "statistics"),
    line(words.more.settings, "settings"),
    line(words.dock.leave, "leave"),
    [words.shortcuts.regions, "F6"],
    [words.shortcuts.tiles, "← → ↑ ↓"],
    [words.shortcuts.tileMenu, words.keys.Enter],
    [words.shortcuts.zoom, "+  -  0"],
  ];
  return (
    <Dialog title={words.shortcuts.heading} onClose={onClose}>
      <dl className="shortcut-list">
        {lines.map(([what, shown]) => (
          <div className="row" key={what}>
            <dt className="grow">{what}</dt>
            {shown !== undefined && <dd><kbd>{shown}</kbd></dd>}
          </div>
        ))}
      </dl>
      <div className="answers"><Button onPress={onClose}>{words.shortcuts.close}</Button></div>
    </Dialog>
  );
}
