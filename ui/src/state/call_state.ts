/** What the window knows of the running call, and how events change it. Pure. */
import type { BridgeEvent, CallPhase, JoinedCall, OwnMedia } from "../bridge/commands";
import type { ChatMessage, ParticipantId, ParticipantInfo, PersonQuality, Reaction } from "../bridge/protocol.generated";
import { sends } from "./people";

export type Panel = "people" | "chat";

/** A message of mine that has not come back from the server yet. */
export interface PendingMessage {
  local: number;
  content: string;
  /** Why it was refused; `null` while it is on its way. */
  refused: string | null;
}

export interface ChatState {
  /** In the order of the server, oldest first. */
  messages: readonly ChatMessage[];
  pending: readonly PendingMessage[];
  /** The next `local` number. */
  nextLocal: number;
  unread: number;
  /** The newest message while the panel is closed, until it was shown for its time, and when it came. */
  preview: { message: ChatMessage; at: number } | null;
  /** The person wants none of those until they look into the chat again. */
  previewsOff: boolean;
  /** What is written and not sent. It stays while the panel is closed. */
  draft: string;
  older: "unknown" | "loading" | "more" | "none" | "failed";
}

export interface ShownReaction {
  participant: ParticipantId;
  reaction: Reaction;
  /** When it came, milliseconds since 1970 UTC. */
  at: number;
}

export interface CallState extends JoinedCall {
  phase: CallPhase;
  media: OwnMedia;
  /** Loudest first. */
  speaking: readonly ParticipantId[];
  chatState: ChatState;
  panel: Panel | null;
  pinned: ParticipantId | null;
  /** Of the others, whose screens are shared: the newest share first. */
  shares: readonly ParticipantId[];
  /** Of several shares, the one the person wants large; `null` for the newest. */
  largeShare: ParticipantId | null;
  /** Of the last five seconds before the newest of them, oldest first. */
  reactions: readonly ShownReaction[];
  /** Whose packets do not come through well. */
  quality: readonly PersonQuality[];
}

/** What the person does in a call that changes only the window. */
export type CallAction =
  | { type: "panel_toggled"; panel: Panel }
  | { type: "panel_closed" }
  /** `off`: and no other comes until the person looks into the chat. */
  | { type: "chat_preview_closed"; off: boolean }
  | { type: "pin_toggled"; participant: ParticipantId }
  | { type: "draft_changed"; draft: string }
  | { type: "share_chosen"; participant: ParticipantId }
  | { type: "message_written"; content: string }
  | { type: "message_refused"; local: number; reason: string }
  | { type: "message_retried"; local: number }
  | { type: "older_requested" }
  | { type: "older_failed" }
  | { type: "older_came"; messages: readonly ChatMessage[]; more: boolean };

/** A first page with fewer messages than any server's page size is all there is. */
const LEAST_PAGE = 20;

/** So long a reaction is shown, milliseconds. */
export const REACTION_MS = 5_000;

const SILENT: OwnMedia = { microphone_on: false, camera_on: false, share: null, hand_raised: false };

/** The state at the moment of joining; of a call taken up again, what the window knew stays. */
export function joinCall(joined: JoinedCall, before: CallState | null): CallState {
  const same = before !== null && before.code === joined.code;
  const chatState: ChatState = same
    ? { ...before.chatState, messages: mergeMessages(before.chatState.messages, joined.chat) }
    : { messages: joined.chat, pending: [], nextLocal: 1, unread: 0, preview: null, previewsOff: false, draft: "", older: joined.chat.length < LEAST_PAGE ? "none" : "unknown" };
  return {
    ...joined,
    phase: { phase: "joined" },
    media: same ? before.media : SILENT,
    speaking: [],
    chatState: same ? settle(chatState, joined.chat, [before.me, joined.me]) : chatState,
    panel: same ? before.panel : null,
    pinned: same ? stillThere(before.pinned, joined.participants) : null,
    shares: newestShares(same ? before.shares : [], joined.participants, joined.me),
    largeShare: same ? stillThere(before.largeShare, joined.participants) : null,
    reactions: [],
    quality: [],
  };
}

/** `now` is when the event came, milliseconds since 1970 UTC. */
export function reduceCall(call: CallState, event: BridgeEvent | CallAction, now = Date.now()): CallState {
  switch (event.type) {
    case "call_phase":
      return { ...call, phase: event.phase, speaking: event.phase.phase === "joined" ? call.speaking : [] };
    case "roster":
      return withRoster(call, event.participants);
    case "speaking":
      return sameList(call.speaking, event.participants) ? call : { ...call, speaking: event.participants };
    case "own_media":
      return { ...call, media: event.media };
    case "reaction":
      return { ...call, reactions: withReaction(call.reactions, { participant: event.participant, reaction: event.reaction, at: now }) };
    case "quality": {
      const quality = event.people.filter((person) => person.quality !== "good");
      return quality.length === 0 && call.quality.length === 0 ? call : { ...call, quality };
    }
    case "share_chosen":
      return { ...call, largeShare: event.participant };
    case "panel_toggled": {
      const panel = call.panel === event.panel ? null : event.panel;
      return { ...call, panel, chatState: panel === "chat" ? { ...call.chatState, unread: 0, preview: null, previewsOff: false } : call.chatState };
    }
    case "panel_closed":
      return { ...call, panel: null };
    case "pin_toggled":
      return { ...call, pinned: call.pinned === event.participant ? null : event.participant };
    default: {
      const chatState = reduceChat(call.chatState, event, call, now);
      return chatState === call.chatState ? call : { ...call, chatState };
    }
  }
}

function reduceChat(chat: ChatState, event: BridgeEvent | CallAction, call: CallState, now: number): ChatState {
  switch (event.type) {
    case "chat": {
      const messages = mergeMessages(chat.messages, [event.message]);
      if (messages.length === chat.messages.length) return chat;
      const seen = call.panel === "chat" || event.message.user_id === call.me;
      const preview = seen || chat.previewsOff ? chat.preview : { message: event.message, at: now };
      return settle({ ...chat, messages, preview, unread: seen ? chat.unread : chat.unread + 1 }, [event.message], [call.me]);
    }
    case "chat_preview_closed":
      return { ...chat, preview: null, previewsOff: chat.previewsOff || event.off };
    case "draft_changed":
      return { ...chat, draft: event.draft };
    case "message_written":
      return {
        ...chat,
        pending: [...chat.pending, { local: chat.nextLocal, content: event.content, refused: null }],
        nextLocal: chat.nextLocal + 1,
      };
    case "chat_refused": {
      const refused = chat.pending.find((pending) => pending.content === event.content && pending.refused === null);
      return refused === undefined ? chat : { ...chat, pending: withRefusal(chat.pending, refused.local, event.reason) };
    }
    case "message_refused":
      return { ...chat, pending: withRefusal(chat.pending, event.local, event.reason) };
    case "message_retried":
      return { ...chat, pending: withRefusal(chat.pending, event.local, null) };
    case "older_requested":
      return { ...chat, older: "loading" };
    case "older_failed":
      return { ...chat, older: "failed" };
    case "older_came":
      return { ...chat, messages: mergeMessages(chat.messages, event.messages), older: event.more ? "more" : "none" };
    default:
      return chat;
  }
}

/** Ids are version 7 UUIDs given by the server: their order is the order of acceptance. */
export function mergeMessages(known: readonly ChatMessage[], added: readonly ChatMessage[]): readonly ChatMessage[] {
  const ids = new Set(known.map((message) => message.id));
  const fresh = added.filter((message) => !ids.has(message.id));
  if (fresh.length === 0) return known;
  return [...known, ...fresh].sort((left, right) => (left.id < right.id ? -1 : left.id > right.id ? 1 : 0));
}

/** My own message came back: the oldest one waiting with these words is no longer pending. */
function settle(chat: ChatState, arrived: readonly ChatMessage[], mine: readonly ParticipantId[]): ChatState {
  let pending = chat.pending;
  for (const message of arrived) {
    if (!mine.includes(message.user_id)) continue;
    const index = pending.findIndex((waiting) => waiting.content === message.content);
    if (index >= 0) pending = pending.filter((_, position) => position !== index);
  }
  return pending === chat.pending ? chat : { ...chat, pending };
}

function withRefusal(pending: readonly PendingMessage[], local: number, refused: string | null): PendingMessage[] {
  return pending.map((message) => (message.local === local ? { ...message, refused } : message));
}

function withRoster(call: CallState, participants: readonly ParticipantInfo[]): CallState {
  const shares = newestShares(call.shares, participants, call.me);
  const largeShare = call.largeShare !== null && shares.includes(call.largeShare) ? call.largeShare : null;
  return { ...call, participants: [...participants], pinned: stillThere(call.pinned, participants), shares, largeShare };
}

/** Shares known before keep their order; those seen for the first time come before them. */
export function newestShares(known: readonly ParticipantId[], participants: readonly ParticipantInfo[], me: ParticipantId): readonly ParticipantId[] {
  const sharing = participants.filter((participant) => participant.id !== me && sends(participant, "screen")).map(({ id }) => id);
  const kept = known.filter((id) => sharing.includes(id));
  const fresh = sharing.filter((id) => !known.includes(id)).reverse();
  return fresh.length === 0 && kept.length === known.length ? known : [...fresh, ...kept];
}

/** A newer reaction of the same person replaces theirs; old ones go. */
function withReaction(shown: readonly ShownReaction[], added: ShownReaction): ShownReaction[] {
  return [...shown.filter(({ participant, at }) => participant !== added.participant && added.at - at < REACTION_MS), added];
}

function stillThere(pinned: ParticipantId | null, participants: readonly ParticipantInfo[]): ParticipantId | null {
  return participants.some(({ id }) => id === pinned) ? pinned : null;
}

function sameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((entry, index) => entry === right[index]);
}
