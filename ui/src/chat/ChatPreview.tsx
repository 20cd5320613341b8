import { useEffect, useState, type ReactElement } from "react";
import { Button as Bare } from "react-aria-components";
import { Button } from "../design/controls";
import { Icon } from "../design/Icon";
import { Tip } from "../design/Tip";
import { SHOWN_MS } from "../design/Toasts";
import type { ChatState } from "../state/call_state";
import { useCall, useSession } from "../state/context";
import { words } from "../words";

/** So many letters are more than the two lines that are shown, UTF-16 units. */
const LONGEST_SHOWN = 300;

/**
 * Who wrote what, for 5 s, while the chat is closed. It stands beside the toasts and pushes none of them away; the
 * announcer says the same to a screen reader. Pointer or focus stops the clock.
 */
export function ChatPreview(): ReactElement | null {
  const { preview } = useCall().chatState;
  return preview === null ? null : <Preview {...preview} />;
}

function Preview({ message, at }: NonNullable<ChatState["preview"]>): ReactElement {
  const session = useSession();
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return undefined;
    const left = Math.max(0, at + SHOWN_MS - Date.now());
    const timer = setTimeout(() => session.dispatch({ type: "chat_preview_closed", off: false }), left);
    return () => clearTimeout(timer);
  }, [at, held, session]);
  const { username } = message;
  const text = message.content.slice(0, LONGEST_SHOWN);
  return (
    <div
      className="toast chat-preview"
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <Icon name="chat" size={18} />
      <Bare
        preventFocusOnPress
        className="grow"
        aria-label={words.chat.openAt(username, text)}
        onPress={() => session.dispatch({ type: "panel_toggled", panel: "chat" })}
      >
        <b className="med">{`${username}: `}</b>
        {text}
      </Bare>
      <Tip text={words.chat.noPreviews} placement="bottom">
        <Button kind="ghost icon sm" aria-label={words.chat.noPreviews} onPress={() => session.dispatch({ type: "chat_preview_closed", off: true })}>
          <Icon name="close" size={15} />
        </Button>
      </Tip>
    </div>
  );
}
