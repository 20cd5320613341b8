import { useState, type ReactElement } from "react";
import { Button, DialogTrigger, Popover, Toolbar } from "react-aria-components";
import type { Reaction } from "../../bridge/protocol.generated";
import { Icon } from "../../design/Icon";
import { ReactionMark, REACTIONS } from "../../design/ReactionMark";
import { Tip } from "../../design/Tip";
import { words } from "../../words";

/** Seven reactions over the dock; arrows go between them, one press sends and closes. */
export function ReactionButton({ onReact }: { onReact: (reaction: Reaction) => void }): ReactElement {
  const [open, setOpen] = useState(false);
  const send = (reaction: Reaction): void => {
    setOpen(false);
    onReact(reaction);
  };
  return (
    <DialogTrigger isOpen={open} onOpenChange={setOpen}>
      <Tip text={words.dock.react}>
        <Button className="dk" aria-label={words.dock.react}><Icon name="react" size={22} /></Button>
      </Tip>
      <Popover className="popover" placement="top" offset={10} aria-label={words.dock.reactions}>
        <Toolbar className="reactions" aria-label={words.dock.reactions}>
          {REACTIONS.map((reaction, index) => (
            <Button key={reaction} autoFocus={index === 0} aria-label={words.reactions[reaction]} onPress={() => send(reaction)}>
              <ReactionMark reaction={reaction} size={28} />
            </Button>
          ))}
        </Toolbar>
      </Popover>
    </DialogTrigger>
  );
}
