/** What is known of the room: who is there, and which chat messages were seen. */
import type { ChatMessage, ChatMessageId, ParticipantId, ParticipantInfo, SourceKind } from "../../protocol.generated";

/** Chat messages whose ids are remembered; more than a page, so that a page after a reconnect can be compared. */
const REMEMBERED = 2_000;

export class Room {
  private people: ParticipantInfo[];
  private readonly seen: Set<ChatMessageId>;

  /** As the server describes it at a join. */
  constructor(public me: ParticipantId, participants: readonly ParticipantInfo[], chat: readonly ChatMessage[]) {
    this.people = [...participants];
    this.seen = new Set(chat.map(({ id }) => id));
  }

  /** The server describes it anew. Chat messages seen before stay known. */
  replace(me: ParticipantId, participants: readonly ParticipantInfo[], chat: readonly ChatMessage[]): void {
    this.me = me;
    this.people = [...participants];
    for (const { id } of chat) this.seen.add(id);
  }

  /** Everybody, me too, in the order of joining. */
  get participants(): ParticipantInfo[] {
    return [...this.people];
  }

  /** Me, as the server sees me. */
  get myself(): ParticipantInfo | undefined {
    return this.people.find(({ id }) => id === this.me);
  }

  /** Somebody joined, or changed. */
  put(participant: ParticipantInfo): void {
    const index = this.people.findIndex(({ id }) => id === participant.id);
    if (index < 0) this.people.push(participant);
    else this.people[index] = participant;
  }

  /** The server was told that this source of ours has stopped: it refuses to take back twice. */
  withdraw(source: SourceKind): void {
    this.people = this.people.map((person) =>
      person.id === this.me ? { ...person, tracks: person.tracks.filter((track) => track.source !== source) } : person);
  }

  remove(participant: ParticipantId): void {
    this.people = this.people.filter(({ id }) => id !== participant);
  }

  /** A chat message came. `false` when it was seen before. */
  see(message: ChatMessageId): boolean {
    if (this.seen.has(message)) return false;
    if (this.seen.size >= REMEMBERED) this.seen.clear();
    this.seen.add(message);
    return true;
  }

  hasSeen(message: ChatMessageId): boolean {
    return this.seen.has(message);
  }
}
