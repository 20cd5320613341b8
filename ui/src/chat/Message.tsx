import type { ReactElement } from "react";
import { Avatar } from "../design/Avatar";
import { Button } from "../design/controls";
import { Icon } from "../design/Icon";
import type { PendingMessage } from "../state/call_state";
import { clockTime } from "../state/time";
import { words } from "../words";
import { textParts, type ShownMessage } from "./groups";

/** One message that all have. */
export function Message({ shown }: { shown: ShownMessage }): ReactElement {
  const { message, follows, own } = shown;
  const classes = ["msg", own ? "own" : "", follows ? "follow" : ""].filter(Boolean).join(" ");
  return (
    <li className={classes} data-message={message.id}>
      {!own && (follows ? <span className="avatar-space" /> : <Avatar id={message.user_id} name={message.username} size={30} />)}
      <div className="grow">
        <div className={follows ? "visually-hidden" : "mh"}>
          <b className="strong trunc">{own ? words.chat.you : message.username}</b>
          <time className="dim num" dateTime={new Date(message.timestamp).toISOString()}>{clockTime(message.timestamp)}</time>
        </div>
        <div className="mb selectable"><Text content={message.content} /></div>
      </div>
    </li>
  );
}

/** One message of mine that is not there for all yet, and why. */
export function PendingLine({ message, offline, onAgain }: { message: PendingMessage; offline: boolean; onAgain: () => void }): ReactElement {
  return (
    <li className="msg own pending">
      <div className="grow">
        <div className="visually-hidden"><b>{words.chat.you}</b></div>
        <div className="mb selectable"><Text content={message.content} /></div>
        {message.refused === null ? (
          <p className={offline ? "rcpt warn-text" : "rcpt dim"}>
            {offline && <Icon name="clock" size={14} />}
            {offline ? words.chat.waiting : words.chat.sending}
          </p>
        ) : (
          <p className="rcpt danger-text" role="alert">
            <Icon name="warning" size={14} />
            {words.chat.notSent} {message.refused}
            <Button kind="ghost sm" onPress={onAgain}>{words.chat.sendAgain}</Button>
          </p>
        )}
      </div>
    </li>
  );
}

function Text({ content }: { content: string }): ReactElement {
  return (
    <>
      {textParts(content).map((part, index) =>
        part.kind === "link" ? <span className="address" key={index}>{part.text}</span> : <span key={index}>{part.text}</span>)}
    </>
  );
}
