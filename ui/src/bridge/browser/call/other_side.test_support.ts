/** The server, the peer connection and the clock around a call's machine, played by a test. */
import type { BridgeEvent, CallPhase } from "../../commands";
import { fixturePerson } from "../../fixture";
import type { ChatMessage, ClientMessage, ParticipantInfo, ServerMessage } from "../../protocol.generated";
import type { CallInput, CallOptions, CallOutput } from "./contract";
import { CallMachine } from "./machine";
import type { SocketId } from "./life";

type Sent<Type extends ClientMessage["event_type"]> = Extract<ClientMessage, { event_type: Type }>;

export const CODE = "kestrel-lane-2741";
export const ME = fixturePerson(5, "Lena", { tracks: [] });
export const INES = fixturePerson(1, "Ines");

const LIMITS = {
  message_bytes: 65_536, sdp_message_bytes: 262_144, name_chars: 64, chat_chars: 20, room_participants: 100, view_tiles: 2,
  chat_page: 50, messages_per_second: 40, rejoin_window_ms: 15_000,
};

export function chatMessage(number: number, from: ParticipantInfo, content: string): ChatMessage {
  const id = `018f0000-0001-7000-8000-${String(number).padStart(12, "0")}`;
  return { id, conversation_id: CODE, user_id: from.id, username: from.name, content, content_type: "text", timestamp: number };
}

export class OtherSide {
  now = 1_000_000;
  /** Everything that came out, oldest first. */
  readonly outputs: CallOutput[] = [];
  private readonly machine: CallMachine;
  private seen = 0;

  constructor(meeting: CallOptions["meeting"] = { code: CODE }) {
    // The longest wait each time, so that the order of things is the same in every run.
    this.machine = new CallMachine(this.now, { meeting, name: "Lena" }, () => 1);
    this.feed({ type: "tick" });
  }

  /** A call that was joined, whose path carries. */
  static joined(chat: ChatMessage[] = []): OtherSide {
    const side = new OtherSide();
    side.greet(1);
    side.offer();
    side.letIn(1, { chat });
    side.answered();
    side.feed({ type: "path", state: "up" });
    side.look();
    return side;
  }

  get deadline(): number | null {
    return this.machine.deadline;
  }

  feed(input: CallInput): void {
    this.outputs.push(...this.machine.handle(this.now, input));
  }

  /** What came out since the last look. */
  look(): CallOutput[] {
    const fresh = this.outputs.slice(this.seen);
    this.seen = this.outputs.length;
    return fresh;
  }

  /** Lets time pass, ringing whenever the machine wants it. */
  pass(milliseconds: number): void {
    const until = this.now + milliseconds;
    for (let due = this.machine.deadline; due !== null && due <= until; due = this.machine.deadline) {
      this.now = Math.max(this.now, due);
      this.feed({ type: "tick" });
    }
    this.now = until;
  }

  /** Lets time pass until another socket is tried, which it is within three seconds; gives it. */
  nextSocket(): SocketId {
    const [before, latest] = [this.opened.length, this.now + 3_000];
    for (let due = this.machine.deadline; this.opened.length === before; due = this.machine.deadline) {
      if (due === null || due > latest) throw new Error("no socket is tried within three seconds");
      this.now = Math.max(this.now, due);
      this.feed({ type: "tick" });
    }
    return this.opened.at(-1) ?? 0;
  }

  say(socket: SocketId, message: ServerMessage): void {
    this.feed({ type: "message", socket, message });
  }

  greet(socket: SocketId): void {
    this.say(socket, { event_type: "system.message", message: "Welcome", version: 1, server_version: "0.1.0", connection_id: "c", limits: LIMITS });
  }

  /** The peer connection makes the offer that was asked for last. */
  offer(): void {
    this.feed({ type: "offered", offer: this.asked("offer").offer, sdp: "v=0 offer", tracks: [{ mid: "0", source: "microphone", layers: [] }] });
  }

  /** The server takes the join or resume that was sent last. */
  letIn(socket: SocketId, change: { participants?: ParticipantInfo[]; chat?: ChatMessage[]; token?: string } = {}): void {
    const asked = this.lastOf("call.join", "call.resume");
    this.say(socket, {
      event_type: "call.joined", request: asked.request, participant_id: ME.id, token: "token-1", role: "participant",
      grants: { publish: true, share_screen: true, subscribe: true, chat: true, hand: true, moderate: false },
      answer: "v=0 answer", room_name: "Review", link: `http://127.0.0.1:8003/m/${CODE}`, participants: [ME, INES], chat: [], slots: [], ...change,
    });
  }

  /** The answer that came last holds. */
  answered(): void {
    this.feed({ type: "answered", offer: this.asked("answer").offer });
  }

  refuse(request: number | null, code: Extract<ServerMessage, { event_type: "error" }>["code"], socket = 1): void {
    this.say(socket, { event_type: "error", request, code, message: `refused: ${code}` });
  }

  /** The newest message of these types that was sent. */
  lastOf<Type extends ClientMessage["event_type"]>(...types: Type[]): Sent<Type> {
    const found = this.sent().filter((message): message is Sent<Type> => types.some((type) => type === message.event_type)).at(-1);
    if (found === undefined) throw new Error(`no ${types.join(" or ")} was sent`);
    return found;
  }

  /** Everything that was sent, over any socket. */
  sent(outputs: readonly CallOutput[] = this.outputs): ClientMessage[] {
    return outputs.flatMap((output) => (output.type === "send" ? [output.message] : []));
  }

  events(outputs: readonly CallOutput[] = this.outputs): BridgeEvent[] {
    return outputs.flatMap((output) => (output.type === "event" ? [output.event] : []));
  }

  /** How the call stands, as the window was told last. */
  get phase(): CallPhase | null {
    const told = this.events().flatMap((event) => (event.type === "call_phase" ? [event.phase] : event.type === "call_joined" ? [{ phase: "joined" } as const] : []));
    return told.at(-1) ?? null;
  }

  /** Sockets that were opened. */
  get opened(): SocketId[] {
    return this.outputs.flatMap((output) => (output.type === "open" ? [output.socket] : []));
  }

  private asked<Type extends "offer" | "answer">(type: Type): Extract<CallOutput, { type: Type }> {
    const found = this.outputs.filter((output): output is Extract<CallOutput, { type: Type }> => output.type === type).at(-1);
    if (found === undefined) throw new Error(`no ${type} was asked for`);
    return found;
  }
}
