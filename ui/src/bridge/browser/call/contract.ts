/** What goes into the state machine of a call and what comes out of it: plain data. */
import type { BridgeError, BridgeEvent, ChatPage } from "../../commands";
import type { ChatMessageId, ClientMessage, Layer, Reaction, RelayAccess, RoomCode, ServerMessage, SlotAssignment, SourceKind, TileRequest, TrackOffer } from "../../protocol.generated";
import type { SocketId } from "./life";

/** Names one SDP offer of this call; never reused. */
export type OfferId = number;

/** Names one question of the window; given by who asks. */
export type AskId = number;

/** What a call is begun with. */
export interface CallOptions {
  /** A room that is there, or one to be made with this title (which may be empty). */
  meeting: { code: RoomCode } | { title: string };
  /** Shown to the others. */
  name: string;
}

/** What is captured here, as it truly is. */
export interface LocalMedia {
  /** A microphone is open. */
  microphone: boolean;
  /** Nothing of the microphone leaves this computer. */
  muted: boolean;
  /** The size of the open camera's picture, pixels; `null` when none is open. */
  camera: { width: number; height: number } | null;
}

export type CallInput =
  | { type: "message"; socket: SocketId; message: ServerMessage }
  | { type: "socket_closed"; socket: SocketId }
  /** The socket has not answered for a while. */
  | { type: "socket_quiet"; socket: SocketId }
  | { type: "offered"; offer: OfferId; sdp: string; tracks: TrackOffer[] }
  | { type: "offer_failed"; offer: OfferId }
  /** The answer to this offer holds. */
  | { type: "answered"; offer: OfferId }
  | { type: "answer_failed"; offer: OfferId }
  /** How the peer connection is: carrying, not carrying, or of no use any more. */
  | { type: "path"; state: "up" | "down" | "gone" }
  | { type: "local"; media: LocalMedia }
  | { type: "say"; content: string }
  | { type: "older"; ask: AskId; before: ChatMessageId | null }
  | { type: "hand"; raised: boolean }
  | { type: "react"; reaction: Reaction }
  | { type: "view"; tiles: TileRequest[] }
  | { type: "retry_now" }
  | { type: "leave" }
  /** Something of ours went wrong: the call cannot go on. */
  | { type: "broken" }
  /** Time passed. */
  | { type: "tick" };

export type CallOutput =
  | { type: "open"; socket: SocketId }
  | { type: "close"; socket: SocketId }
  | { type: "send"; socket: SocketId; message: ClientMessage }
  /** Make an offer: of a new peer connection, or of the one there is with new ICE credentials. */
  | { type: "offer"; offer: OfferId; fresh: boolean }
  /** Apply the server's answer; `relay` is for the offers after this one. */
  | { type: "answer"; offer: OfferId; sdp: string; relay: RelayAccess | null }
  /** What these receive slots carry from now on. */
  | { type: "slots"; slots: SlotAssignment[] }
  /** Which layers of a picture of ours somebody watches. */
  | { type: "layers"; source: SourceKind; wanted: Layer[] }
  | { type: "event"; event: BridgeEvent }
  /** The call was joined for the first time. */
  | { type: "entered" }
  /** It was not, and will not be. */
  | { type: "not_entered"; error: BridgeError }
  /** The answer to a question for older messages; `null` when none came. */
  | { type: "older"; ask: AskId; page: ChatPage | null }
  /** The call is over, for good. */
  | { type: "over" };
