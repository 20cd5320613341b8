/**
 * A call as a state machine without sockets, timers and peer connection: `handle(now, input)` gives what is to be done.
 * `Life` decides about the connection, this about everything that is said over it.
 *
 * Invariants: at most one offer is being made or answered; nothing is sent over a socket that has not joined but what
 * makes it join; after `over` nothing comes out any more. A fresh machine has work: begin with a `tick`.
 */
import { words } from "../../../words";
import type { BridgeEvent, CallPhase, OwnMedia } from "../../commands";
import { PROTOCOL_VERSION, type ClientMessage, type ErrorCode, type Limits, type ParticipantInfo, type RoomCode, type ServerMessage, type SourceKind, type TileRequest, type TrackOffer } from "../../protocol.generated";
import type { AskId, CallInput, CallOptions, CallOutput, LocalMedia, OfferId } from "./contract";
import { endOf, refusalOf } from "./endings";
import { Life, type Ending, type LifeAction, type LifeInput, type SocketId } from "./life";
import { Outbox } from "./outbox";
import { Room } from "./room";

/** How long the window waits for a page of older messages, milliseconds. */
const HISTORY_PATIENCE_MS = 10_000;

/** Before the server has told its own: what every server takes. */
const LEAST_LIMITS: Pick<Limits, "chat_chars" | "view_tiles"> = { chat_chars: 4_000, view_tiles: 9 };

/** Why an offer is made. */
interface Purpose {
  kind: "join" | "resume" | "restart";
  socket: SocketId;
  offer: OfferId;
}

/** What a request that is not answered yet was for. */
type Asked =
  | { kind: "create"; socket: SocketId }
  | { kind: "offer"; purpose: Purpose }
  | { kind: "chat"; local: number }
  | { kind: "history"; ask: AskId; until: number };

type Joined = Extract<ServerMessage, { event_type: "call.joined" }>;

export class CallMachine {
  private readonly life: Life;
  private readonly outbox = new Outbox();
  private readonly requests = new Map<number, Asked>();
  private lastRequest = 0;
  private lastOffer: OfferId = 0;
  /** The offer under way: being made, sent, or its answer being applied. */
  private offering: Purpose | null = null;
  private code: RoomCode | null;
  private token: string | null = null;
  private room: Room | null = null;
  /** The socket that described the room: an older one may still tell of the past. */
  private describedBy: SocketId | null = null;
  private limits: Pick<Limits, "chat_chars" | "view_tiles"> = LEAST_LIMITS;
  private local: LocalMedia = { microphone: false, muted: true, camera: null };
  private handWanted = false;
  private view: TileRequest[] | null = null;
  private readonly sockets = new Set<SocketId>();
  private toldPhase = "";
  private toldMedia = "";
  private outputs: CallOutput[] = [];

  /** `random` is uniform in 0 to 1; times are milliseconds since 1970 UTC. */
  constructor(now: number, private readonly options: CallOptions, random: () => number) {
    this.code = "code" in options.meeting ? options.meeting.code : null;
    this.life = new Life(now, random);
  }

  /** When a `tick` is due. */
  get deadline(): number | null {
    const histories = [...this.requests.values()].flatMap((asked) => (asked.kind === "history" ? [asked.until] : []));
    const times = [this.life.deadline, ...histories].filter((time) => time !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  handle(now: number, input: CallInput): CallOutput[] {
    if (this.life.phase.phase !== "ended") {
      this.take(now, input);
      this.act();
      this.tellPhase();
    }
    const outputs = this.outputs;
    this.outputs = [];
    return outputs;
  }

  private take(now: number, input: CallInput): void {
    switch (input.type) {
      case "message":
        return this.hear(now, input.socket, input.message);
      case "socket_closed":
        this.sockets.delete(input.socket);
        return this.live(now, input);
      case "socket_quiet":
      case "retry_now":
        return this.live(now, input);
      case "tick":
        this.expire(now);
        return this.live(now, input);
      case "offered":
        return this.offered(input.offer, input.sdp, input.tracks);
      case "offer_failed":
        return this.offeringFailed(now, input.offer, false);
      case "answered":
        return this.answered(now, input.offer);
      case "answer_failed":
        return this.offeringFailed(now, input.offer, true);
      case "path":
        return this.live(now, { type: input.state === "up" ? "path_up" : input.state === "down" ? "path_down" : "peer_gone" });
      case "local":
        return this.changeLocal(input.media);
      case "say":
        return this.say(input.content);
      case "older":
        if (!this.tell({ event_type: "chat.history", request: this.request({ kind: "history", ask: input.ask, until: now + HISTORY_PATIENCE_MS }), before: input.before, limit: null })) {
          this.requests.delete(this.lastRequest);
          this.put({ type: "older", ask: input.ask, page: null });
        }
        return;
      case "hand":
        this.handWanted = input.raised;
        this.tell({ event_type: "call.hand", raised: input.raised });
        return;
      case "react":
        this.tell({ event_type: "call.react", reaction: input.reaction });
        return;
      case "view":
        return this.show(input.tiles);
      case "leave":
      case "broken":
        this.tell({ event_type: "call.leave" });
        return this.live(now, input);
    }
  }

  /** Does what the life of the connection wants done. */
  private act(): void {
    for (const action of this.life.takeActions()) this.actOn(action);
  }

  private actOn(action: LifeAction): void {
    const { socket } = action;
    switch (action.type) {
      case "open":
        this.sockets.add(socket);
        this.put({ type: "open", socket });
        return;
      case "drop":
        this.sockets.delete(socket);
        this.put({ type: "close", socket });
        return;
      case "join":
        if (this.code === null) {
          const name = "title" in this.options.meeting ? this.options.meeting.title : "";
          this.send(socket, { event_type: "meeting.create", request: this.request({ kind: "create", socket }), name, host_key: null });
          return;
        }
        return this.askForOffer("join", socket);
      case "resume":
      case "restart":
        return this.askForOffer(action.type, socket);
    }
  }

  private askForOffer(kind: Purpose["kind"], socket: SocketId): void {
    this.lastOffer += 1;
    this.offering = { kind, socket, offer: this.lastOffer };
    this.put({ type: "offer", offer: this.lastOffer, fresh: kind === "join" });
  }

  private offered(offer: OfferId, sdp: string, tracks: TrackOffer[]): void {
    const purpose = this.offering;
    if (purpose === null || purpose.offer !== offer || !this.sockets.has(purpose.socket)) return;
    const request = this.request({ kind: "offer", purpose });
    const { name } = this.options;
    if (purpose.kind === "join") {
      if (this.code === null) return;
      this.send(purpose.socket, { event_type: "call.join", request, version: PROTOCOL_VERSION, code: this.code, name, token: this.token, offer: sdp, tracks });
    } else if (purpose.kind === "resume") this.send(purpose.socket, { event_type: "call.resume", request, token: this.token ?? "", offer: sdp });
    else this.send(purpose.socket, { event_type: "call.restart", request, offer: sdp });
  }

  private answered(now: number, offer: OfferId): void {
    const purpose = this.offering;
    if (purpose === null || purpose.offer !== offer) return;
    this.offering = null;
    if (purpose.kind === "restart") this.live(now, { type: "restarted" });
    else {
      this.live(now, { type: "joined", socket: purpose.socket });
      if (this.life.socket === purpose.socket) this.settleIn(true);
    }
  }

  /** An offer could not be made, or its answer not applied. A restart whose answer does not fit is made up for by a join. */
  private offeringFailed(now: number, offer: OfferId, made: boolean): void {
    if (this.offering?.offer !== offer) return;
    const { kind } = this.offering;
    this.offering = null;
    if (made && kind === "restart") this.live(now, { type: "restart_failed" });
    else this.unusablePeer(now);
  }

  private unusablePeer(now: number): void {
    this.live(now, { type: this.life.phase.phase === "connecting" ? "impossible" : "peer_gone" });
  }

  private hear(now: number, socket: SocketId, message: ServerMessage): void {
    if (!this.sockets.has(socket)) return;
    this.spoke(now, socket);
    switch (message.event_type) {
      case "system.message":
        this.limits = message.limits;
        return this.live(now, { type: "socket_opened", socket });
      case "meeting.created":
        if (this.answer(message.request)?.kind !== "create") return;
        this.code = message.code;
        this.token = message.token;
        return this.askForOffer("join", socket);
      case "call.joined":
        return this.joined(socket, message);
      case "call.restarted": {
        const asked = this.answer(message.request);
        if (asked?.kind === "offer" && asked.purpose.offer === this.offering?.offer) {
          this.put({ type: "answer", offer: asked.purpose.offer, sdp: message.answer, relay: null });
        }
        return;
      }
      case "error":
        return this.refused(now, message.request ?? null, message.code, message.message);
      case "call.ended":
        return this.live(now, { type: "ended", socket, reason: message.reason });
      default:
        // The one that described the room counts at once: what is missed meanwhile is not said again.
        if (socket === this.describedBy) this.hearOfRoom(message);
    }
  }

  private hearOfRoom(message: ServerMessage): void {
    switch (message.event_type) {
      case "call.participant_joined":
      case "call.participant_updated":
        return this.changeRoom((room) => room.put(message.participant));
      case "call.participant_left":
        return this.changeRoom((room) => room.remove(message.participant_id));
      case "call.slots":
        return this.put({ type: "slots", slots: message.slots });
      case "call.speaking":
        return this.event({ type: "speaking", participants: message.participants });
      case "call.reaction":
        return this.event({ type: "reaction", participant: message.participant_id, reaction: message.reaction });
      case "call.quality":
        return this.event({ type: "quality", people: message.people });
      case "call.layers":
        return this.put({ type: "layers", source: message.source, wanted: message.wanted });
      case "chat.message": {
        const { event_type: _type, request, ...chat } = message;
        const asked = this.answer(request ?? null);
        if (asked?.kind === "chat") this.outbox.settle(asked.local);
        if (this.room?.see(chat.id) === true) this.event({ type: "chat", message: chat });
        return;
      }
      case "chat.history": {
        const asked = this.answer(message.request);
        for (const { id } of message.messages) this.room?.see(id);
        if (asked?.kind === "history") this.put({ type: "older", ask: asked.ask, page: { messages: message.messages, more: message.more } });
        return;
      }
      default:
        return;
    }
  }

  private joined(socket: SocketId, message: Joined): void {
    const asked = this.answer(message.request);
    if (asked?.kind !== "offer" || asked.purpose.socket !== socket || asked.purpose.offer !== this.offering?.offer || this.code === null) return;
    this.describedBy = socket;
    this.token = message.token;
    const { participant_id: me, participants, chat } = message;
    // Slots must be known before the first packet, and packets may come as soon as the answer is applied.
    this.put({ type: "slots", slots: message.slots });
    this.put({ type: "answer", offer: asked.purpose.offer, sdp: message.answer, relay: message.relay ?? null });
    const { room } = this;
    if (room === null) this.room = new Room(me, participants, chat);
    else {
      this.outbox.reconcile(me, chat, ({ id }) => room.hasSeen(id));
      room.replace(me, participants, chat);
    }
    // A page has no way to share yet, so the screens are not offered the right.
    const grants = { ...message.grants, share_screen: false };
    this.event({ type: "call_joined", call: { me, role: message.role, grants, code: this.code, link: message.link, title: message.room_name, participants, chat } });
    this.toldPhase = JSON.stringify({ phase: "joined" });
    this.toldMedia = "";
    this.tellMedia();
    if (room === null) this.put({ type: "entered" });
  }

  private refused(now: number, request: number | null, code: ErrorCode, message: string): void {
    const asked = this.answer(request);
    switch (asked?.kind) {
      case "create":
        return this.live(now, { type: "refused", socket: asked.socket, code, message });
      case "offer": {
        const { purpose } = asked;
        if (purpose.offer !== this.offering?.offer) return;
        this.offering = null;
        return this.live(now, purpose.kind === "restart" ? { type: "restart_failed" } : { type: "refused", socket: purpose.socket, code, message });
      }
      case "chat": {
        const line = this.outbox.settle(asked.local);
        if (line !== null) this.event({ type: "chat_refused", content: line.content, reason: message, code });
        return;
      }
      case "history":
        return this.put({ type: "older", ask: asked.ask, page: null });
      default:
        return this.event({ type: "notice", tone: "warn", message, code });
    }
  }

  /** The call runs on this socket now: what the person set is said again, what was written meanwhile is sent. */
  private settleIn(resend: boolean): void {
    const listed: readonly SourceKind[] = this.room?.myself?.tracks.map(({ source }) => source) ?? [];
    for (const source of listed) if (!this.runs(source)) this.unpublish(source);
    if (this.local.microphone) this.publishMicrophone();
    this.publishCamera();
    const raised = isRaised(this.room?.myself);
    if (raised !== this.handWanted) this.tell({ event_type: "call.hand", raised: this.handWanted });
    if (this.view !== null) this.tell({ event_type: "call.view", tiles: this.view });
    for (const line of [...this.outbox.waiting]) if (resend || !line.sent) this.post(line.local);
  }

  private changeLocal(media: LocalMedia): void {
    const before = this.local;
    this.local = media;
    if (media.microphone !== before.microphone) {
      if (media.microphone) this.publishMicrophone();
      else this.unpublish("microphone");
    } else if (media.microphone && media.muted !== before.muted) this.tell({ event_type: "call.mute", source: "microphone", muted: media.muted });
    if (media.camera === null && before.camera !== null) this.unpublish("camera");
    else if (media.camera?.width !== before.camera?.width || media.camera?.height !== before.camera?.height) this.publishCamera();
    this.tellMedia();
  }

  private publishMicrophone(): void {
    this.tell({ event_type: "call.publish", source: "microphone", muted: this.local.muted, width: 0, height: 0 });
  }

  private publishCamera(): void {
    if (this.local.camera !== null) this.tell({ event_type: "call.publish", source: "camera", muted: false, ...this.local.camera });
  }

  private unpublish(source: SourceKind): void {
    if (this.tell({ event_type: "call.unpublish", source })) this.room?.withdraw(source);
  }

  private runs(source: SourceKind): boolean {
    return source === "microphone" ? this.local.microphone : source === "camera" && this.local.camera !== null;
  }

  private say(content: string): void {
    if (content.trim() === "") return;
    const longest = this.limits.chat_chars;
    // Without a code: the server's for it has no words for how long a message may be.
    if ([...content].length > longest) return this.event({ type: "chat_refused", content, reason: words.chat.tooLong(longest) });
    const line = this.outbox.write(content);
    const { title, text } = words.errors.outbox_full;
    if (line === null) return this.event({ type: "chat_refused", content, reason: `${title} ${text}`, code: "outbox_full" });
    this.post(line.local);
  }

  private post(local: number): void {
    const line = this.outbox.waiting.find((waiting) => waiting.local === local);
    if (line === undefined || this.life.socket === null) return;
    line.sent = this.tell({ event_type: "chat.message", request: this.request({ kind: "chat", local }), conversation_id: null, content: line.content });
  }

  private show(tiles: readonly TileRequest[]): void {
    const me = this.room?.me;
    const view = tiles.filter(({ participant }) => participant !== me).slice(0, this.limits.view_tiles);
    if (JSON.stringify(view) === JSON.stringify(this.view)) return;
    this.view = view;
    this.tell({ event_type: "call.view", tiles: view });
  }

  private changeRoom(change: (room: Room) => void): void {
    if (this.room === null) return;
    const before = isRaised(this.room.myself);
    change(this.room);
    const after = isRaised(this.room.myself);
    // Somebody else may take a hand down; it is not put up again at the next reconnect.
    if (before !== after) this.handWanted = after;
    this.event({ type: "roster", participants: this.room.participants });
    this.tellMedia();
  }

  private spoke(now: number, socket: SocketId): void {
    const away = this.life.socket === null;
    this.live(now, { type: "socket_spoke", socket });
    // While the socket was suspect nothing was sent over it, so what the person did then is said now.
    if (away && this.life.socket === socket && this.room !== null) this.settleIn(false);
  }

  private expire(now: number): void {
    for (const [request, asked] of this.requests) {
      if (asked.kind !== "history" || asked.until > now) continue;
      this.requests.delete(request);
      this.put({ type: "older", ask: asked.ask, page: null });
    }
  }

  private live(now: number, input: LifeInput): void {
    this.life.handle(now, input);
  }

  private request(asked: Asked): number {
    this.lastRequest += 1;
    this.requests.set(this.lastRequest, asked);
    return this.lastRequest;
  }

  /** What the request was for; it is answered now. */
  private answer(request: number | null): Asked | undefined {
    if (request === null) return undefined;
    const asked = this.requests.get(request);
    this.requests.delete(request);
    return asked;
  }

  /** Sends over the socket the call runs on. `false` when there is none. */
  private tell(message: ClientMessage): boolean {
    const { socket } = this.life;
    if (socket === null) return false;
    this.send(socket, message);
    return true;
  }

  private send(socket: SocketId, message: ClientMessage): void {
    this.put({ type: "send", socket, message });
  }

  private event(event: BridgeEvent): void {
    this.put({ type: "event", event });
  }

  private put(output: CallOutput): void {
    this.outputs.push(output);
  }

  private tellMedia(): void {
    if (this.room === null) return;
    const media: OwnMedia = {
      microphone_on: this.local.microphone && !this.local.muted,
      camera_on: this.local.camera !== null,
      share: null,
      hand_raised: isRaised(this.room.myself),
    };
    const text = JSON.stringify(media);
    if (text === this.toldMedia) return;
    this.toldMedia = text;
    this.event({ type: "own_media", media });
  }

  private tellPhase(): void {
    const { phase } = this.life;
    if (phase.phase === "ended") return this.tellEnd(phase.ending);
    if (this.room === null) return;
    const shown: CallPhase = phase.phase === "reconnecting"
      ? { phase: "reconnecting", since: phase.since, next_try_at: this.life.nextTryAt, message: words.reconnecting.why[phase.trouble], code: phase.trouble }
      : phase;
    const text = JSON.stringify(shown);
    if (text === this.toldPhase) return;
    this.toldPhase = text;
    this.event({ type: "call_phase", phase: shown });
  }

  private tellEnd(ending: Ending): void {
    if (this.room === null) this.put({ type: "not_entered", error: refusalOf(ending) });
    else this.event({ type: "call_phase", phase: { phase: "ended", ...endOf(ending) } });
    for (const asked of this.requests.values()) if (asked.kind === "history") this.put({ type: "older", ask: asked.ask, page: null });
    for (const socket of this.sockets) this.put({ type: "close", socket });
    this.put({ type: "over" });
  }
}

function isRaised(participant: ParticipantInfo | undefined): boolean {
  return (participant?.hand_raised_at ?? null) !== null;
}
