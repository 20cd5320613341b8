/**
 * Chat lines on their way: written while offline, or sent and not yet confirmed when the connection broke. As
 * `crates/call/src/signal/outbox.rs`.
 *
 * Invariant: a line leaves the outbox only when the server confirmed or refused it. After a reconnect every line still
 * here is sent (again), except those the server turns out to have stored: their echo was lost, the line was not.
 */
import type { ChatMessage, ParticipantId } from "../../protocol.generated";

/** Most chat messages kept while offline; a person who writes more is told. */
export const OUTBOX_CAPACITY = 200;

export interface Line {
  /** Our own number of it. */
  local: number;
  content: string;
  /** It was handed to a socket at least once. */
  sent: boolean;
}

export class Outbox {
  private lines: Line[] = [];
  private next = 0;

  /** Takes up a new line, or gives `null` when too many wait. */
  write(content: string): Line | null {
    if (this.lines.length >= OUTBOX_CAPACITY) return null;
    this.next += 1;
    const line: Line = { local: this.next, content, sent: false };
    this.lines.push(line);
    return line;
  }

  /** The server confirmed or refused the line; gives it when it was still here. */
  settle(local: number): Line | null {
    const line = this.lines.find((candidate) => candidate.local === local) ?? null;
    this.lines = this.lines.filter((candidate) => candidate !== line);
    return line;
  }

  /** After a reconnect: takes out the lines that the newest page of the chat has and that were not known before. */
  reconcile(me: ParticipantId, page: readonly ChatMessage[], known: (message: ChatMessage) => boolean): void {
    const fresh = page.filter((message) => message.user_id === me && !known(message));
    this.lines = this.lines.filter((line) => {
      const found = line.sent ? fresh.findIndex((message) => message.content === line.content) : -1;
      if (found >= 0) fresh.splice(found, 1);
      return found < 0;
    });
  }

  /** The lines that are not confirmed, oldest first. */
  get waiting(): readonly Line[] {
    return this.lines;
  }
}
