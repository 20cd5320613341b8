/** Messages put together as they are shown. Pure. */
import type { ChatMessage } from "../bridge/protocol.generated";

/** Messages of one person shortly after each other share one name line. */
export const FOLLOW_MS = 3 * 60_000;

export interface ShownMessage {
  message: ChatMessage;
  /** The name and time are those of the message above. */
  follows: boolean;
  own: boolean;
}

/** `mine` holds every id this person had in the meeting, because a call joined anew gives a new one. */
export function shownMessages(messages: readonly ChatMessage[], mine: ReadonlySet<string>): ShownMessage[] {
  return messages.map((message, index) => {
    const above = messages[index - 1];
    const follows = above !== undefined && above.user_id === message.user_id && message.timestamp - above.timestamp < FOLLOW_MS;
    return { message, follows, own: mine.has(message.user_id) };
  });
}

export type TextPart = { kind: "text"; text: string } | { kind: "link"; text: string };

/** Web addresses in a text, so that they can be told apart. They are shown, not followed. */
export function textParts(content: string): TextPart[] {
  const parts: TextPart[] = [];
  let rest = 0;
  for (const match of content.matchAll(/\b(?:https?|confab):\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]]/g)) {
    if (match.index > rest) parts.push({ kind: "text", text: content.slice(rest, match.index) });
    parts.push({ kind: "link", text: match[0] });
    rest = match.index + match[0].length;
  }
  if (rest < content.length) parts.push({ kind: "text", text: content.slice(rest) });
  return parts;
}
