import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactElement } from "react";
import { Button } from "../design/controls";
import { Icon } from "../design/Icon";
import { words } from "../words";

/** Longest message, Unicode scalar values: the protocol's limit. */
export const LONGEST_MESSAGE = 4_000;

interface ComposerProps {
  allowed: boolean;
  /** What was written when the panel was closed. */
  draft: string;
  /** Keeps what is written and not sent, when the panel closes. */
  onDraft: (text: string) => void;
  onSend: (content: string) => void;
}

/** Where a message is written. Enter sends, Shift and Enter begins a new line. */
export function Composer({ allowed, draft, onDraft, onSend }: ComposerProps): ReactElement {
  const [text, setText] = useState(draft);
  const latest = useRef({ text, onDraft });
  latest.current = { text, onDraft };
  // Not with every key: the whole call would be drawn anew each time.
  useEffect(() => () => latest.current.onDraft(latest.current.text), []);
  const area = useRef<HTMLTextAreaElement>(null);
  const tooLong = [...text].length > LONGEST_MESSAGE;
  const sendable = text.trim() !== "" && !tooLong;
  useLayoutEffect(() => {
    const node = area.current;
    if (node === null) return;
    node.style.height = "auto";
    node.style.height = `${Math.min(node.scrollHeight, 132)}px`;
  }, [text]);
  if (!allowed) return <p className="composer-note muted">{words.chat.notAllowed}</p>;
  const send = (): void => {
    if (!sendable) return;
    onSend(text.trim());
    setText("");
  };
  const pressed = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  return (
    <div className="composer">
      {tooLong && <p className="field-error" role="alert"><Icon name="warning" size={14} />{words.chat.tooLong(LONGEST_MESSAGE)}</p>}
      <div className="compf">
        <textarea
          ref={area}
          rows={1}
          value={text}
          placeholder={words.chat.placeholder}
          aria-label={words.chat.placeholder}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={pressed}
        />
        <Button kind="primary icon sm" aria-label={words.chat.send} isDisabled={!sendable} onPress={send}>
          <Icon name="send" size={16} />
        </Button>
      </div>
    </div>
  );
}
