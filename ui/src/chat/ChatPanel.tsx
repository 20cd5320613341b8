import { useLayoutEffect, useMemo, useRef, type ReactElement } from "react";
import { Button } from "../design/controls";
import { usePanelFocus } from "../design/focus";
import { Icon } from "../design/Icon";
import { useCall, useSession } from "../state/context";
import { words } from "../words";
import { Composer } from "./Composer";
import { shownMessages } from "./groups";
import { Message, PendingLine } from "./Message";

/** Near enough to the end to follow new messages, CSS pixels. */
const AT_END = 80;

/** The meeting's chat: what was said, also before I came, and what I want to say. */
export function ChatPanel(): ReactElement {
  const session = useSession();
  const call = useCall();
  const { messages, pending, draft, older } = call.chatState;
  const mine = useMemo(() => new Set([call.me]), [call.me]);
  const panel = useRef<HTMLElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const oldest = messages[0]?.id;
  const heightBefore = useRef({ oldest, height: 0 });

  useLayoutEffect(() => {
    const node = body.current;
    if (node === null) return;
    const before = heightBefore.current;
    // Older messages came in above: what is being read stays where it is.
    if (before.oldest !== oldest && before.height > 0) node.scrollTop += node.scrollHeight - before.height;
    else if (following.current) node.scrollTop = node.scrollHeight;
    heightBefore.current = { oldest, height: node.scrollHeight };
  }, [messages, pending, oldest]);

  const scrolled = (): void => {
    const node = body.current;
    if (node !== null) following.current = node.scrollHeight - node.scrollTop - node.clientHeight < AT_END;
  };
  const close = (): void => session.dispatch({ type: "panel_closed" });
  const onKeyDown = usePanelFocus(panel, "chat", close);
  const empty = messages.length === 0 && pending.length === 0;
  return (
    <aside className="panel" aria-label={words.chat.heading} data-region="panel" ref={panel} onKeyDown={onKeyDown}>
      <header>
        <h2 tabIndex={-1}>{words.chat.heading}</h2>
        <span className="grow" />
        <Button kind="ghost icon sm" aria-label={words.chat.close} onPress={close}>
          <Icon name="close" size={16} />
        </Button>
      </header>
      <div className="body chat-body" ref={body} onScroll={scrolled} data-scrolls tabIndex={0} role="group" aria-label={words.chat.log}>
        {empty ? <EmptyChat /> : (
          <>
            <Older state={older} onLoad={() => void session.loadOlder()} />
            <ol className="messages" aria-label={words.chat.log}>
              {shownMessages(messages, mine).map((shown) => <Message key={shown.message.id} shown={shown} />)}
              {pending.map((message) => (
                <PendingLine
                  key={message.local}
                  message={message}
                  offline={call.phase.phase === "reconnecting"}
                  onAgain={() => void session.sendAgain(message.local)}
                />
              ))}
            </ol>
          </>
        )}
      </div>
      <Composer
        allowed={call.grants.chat}
        draft={draft}
        onDraft={(text) => session.dispatch({ type: "draft_changed", draft: text })}
        onSend={(content) => {
          following.current = true;
          void session.sendMessage(content);
        }}
      />
    </aside>
  );
}

function EmptyChat(): ReactElement {
  return (
    <div className="empty">
      <span className="well"><Icon name="chat" size={24} /></span>
      <b className="strong md">{words.chat.emptyTitle}</b>
      <p className="muted">{words.chat.emptyText}</p>
    </div>
  );
}

function Older({ state, onLoad }: { state: string; onLoad: () => void }): ReactElement {
  if (state === "none") return <p className="day">{words.chat.stays}</p>;
  if (state === "failed") {
    return (
      <p className="day">
        {words.chat.olderFailed} <Button kind="ghost sm" onPress={onLoad}>{words.chat.tryAgain}</Button>
      </p>
    );
  }
  return (
    <p className="day">
      <Button kind="ghost sm" busy={state === "loading" ? words.chat.loadingOlder : undefined} onPress={onLoad}>{words.chat.older}</Button>
    </p>
  );
}
