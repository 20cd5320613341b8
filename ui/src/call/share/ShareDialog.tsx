import { useEffect, useState, type ReactElement } from "react";
import { ListBox, ListBoxItem } from "react-aria-components";
import type { ShareSource } from "../../bridge/commands";
import { Button } from "../../design/controls";
import { Dialog } from "../../design/Dialog";
import { Icon } from "../../design/Icon";
import { useSession } from "../../state/context";
import { words } from "../../words";

/** What to share: screens, windows, and the test picture. */
export function ShareDialog({ onClose }: { onClose: () => void }): ReactElement {
  const session = useSession();
  const [sources, setSources] = useState<readonly ShareSource[] | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const [starting, setStarting] = useState(false);
  useEffect(() => {
    let current = true;
    void session.run("list_share_sources", {}).then((found) => {
      if (!current) return;
      setSources(found ?? []);
      setChosen(found?.[0]?.id ?? null);
    });
    return () => { current = false; };
  }, [session]);
  const start = async (): Promise<void> => {
    if (chosen === null) return;
    setStarting(true);
    const started = await session.attempt("share_start", { source_id: chosen });
    setStarting(false);
    if (started) onClose();
  };
  return (
    <Dialog title={words.share.heading} onClose={onClose}>
      <div className="dialog-body">
        {sources === null && <p className="muted row"><span className="spinner" />{words.share.looking}</p>}
        {sources?.length === 0 && <p className="muted">{words.share.empty}</p>}
        {sources !== null && sources.length > 0 && (
          <ListBox
            className="sources"
            aria-label={words.share.heading}
            items={sources}
            selectionMode="single"
            disallowEmptySelection
            selectedKeys={chosen === null ? [] : [chosen]}
            onSelectionChange={(selection) => setChosen(selection === "all" ? null : String([...selection][0] ?? ""))}
          >
            {(source) => (
              <ListBoxItem className="source" id={source.id} textValue={titleOf(source)}>
                <Icon name={source.kind === "window" ? "expand" : source.kind === "screen" ? "device" : "share-screen"} size={20} />
                <span className="grow trunc">{titleOf(source)}</span>
                {source.width > 0 && <span className="xs dim num ltr">{source.width} × {source.height}</span>}
              </ListBoxItem>
            )}
          </ListBox>
        )}
      </div>
      <div className="answers">
        <Button kind="ghost" onPress={onClose}>{words.share.cancel}</Button>
        <Button kind="primary" isDisabled={chosen === null} busy={starting ? words.share.starting : undefined} onPress={() => void start()}>
          {words.share.start}
        </Button>
      </div>
    </Dialog>
  );
}

/** Screens and windows have names of their own; the test picture is ours. */
function titleOf({ kind, title }: ShareSource): string {
  return kind === "test" ? words.devices.testPicture : title;
}
