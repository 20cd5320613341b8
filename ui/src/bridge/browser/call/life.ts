/**
 * The life of a call's connection, as a state machine without sockets or clocks: the rules of docs/protocol.md,
 * "Reconnecting", as the native client keeps them (`crates/call/src/signal/life.rs`).
 *
 * ```text
 *  connecting --joined--> joined --path down / socket gone--> reconnecting --both well--> joined
 *      |                                                           |
 *      +--refused or unreachable--> ended <--leave, removed, refused-+
 * ```
 *
 * A call hangs on two things that fail apart: the socket (signaling) and the path (media).
 * - Path down, socket well: ICE restart over the living socket.
 * - Socket gone or not answering: a new socket beside the old one, and `call.resume` on it. The old one is kept until
 *   the new one has resumed, so that a network that heals meanwhile cannot evict us.
 * - Session gone, or the peer connection closed: a full join with the same token and a new peer connection.
 *
 * Invariants: at most one socket is being tried at a time; `joined` means both socket and path are well (the very first
 * path is awaited under `joined`); after `ended` nothing happens any more; attempts go on until the person leaves.
 */
import type { Trouble } from "../../call.generated";
import type { ErrorCode, LeaveReason } from "../../protocol.generated";
import { Backoff, LONGEST_WAIT_MS } from "./backoff";

/** Names one WebSocket of this call; never reused. */
export type SocketId = number;

/** An opening socket that has not greeted after this is given up. */
const OPEN_PATIENCE_MS = 2_500;
/** The first socket gets longer: a far server over a lossy network is slow, and nothing else is tried. */
const FIRST_OPEN_PATIENCE_MS = 6_000;
/** A join or resume that is not answered after this is given up with its socket. */
const ANSWER_PATIENCE_MS = 4_000;
/** The first join's; a meeting may be made before it. */
const FIRST_ANSWER_PATIENCE_MS = 10_000;
/** A restart that is not answered after this makes the socket suspect. */
const RESTART_PATIENCE_MS = 2_000;
/** After an answer the path must be up within this, or ICE is restarted (again). */
const PATH_PATIENCE_MS = 3_000;
/** A socket that was thought dead and speaks may bring the answer to an earlier restart; only then ask again. */
const LATE_ANSWER_PATIENCE_MS = 500;
/** The first path gets longer before the person is told. */
const FIRST_PATH_PATIENCE_MS = 6_000;

/** Why a first join did not find its server. The words are the catalogue's. */
export type Unreachable = "closed" | "no_answer" | "unreachable";

export type LifeInput =
  /** The socket is open and the server has greeted. */
  | { type: "socket_opened"; socket: SocketId }
  /** The socket ended, or never opened. */
  | { type: "socket_closed"; socket: SocketId }
  /** A message came over the socket. */
  | { type: "socket_spoke"; socket: SocketId }
  /** The socket has not answered for a while. */
  | { type: "socket_quiet"; socket: SocketId }
  /** `call.joined` came and its answer fits. */
  | { type: "joined"; socket: SocketId }
  /** The server refused a join or a resume. */
  | { type: "refused"; socket: SocketId; code: ErrorCode; message: string }
  /** The server answered the ICE restart. */
  | { type: "restarted" }
  /** The server refused the ICE restart, or its answer does not fit. */
  | { type: "restart_failed" }
  /** The person does not want to wait for the next try. */
  | { type: "retry_now" }
  | { type: "path_up" }
  | { type: "path_down" }
  /** The peer connection is of no use any more; a new one is needed. */
  | { type: "peer_gone" }
  /** The server says that we are out. */
  | { type: "ended"; socket: SocketId; reason: LeaveReason }
  /** No peer connection can be made here. */
  | { type: "impossible" }
  /** Something of ours went wrong. */
  | { type: "broken" }
  | { type: "leave" }
  | { type: "tick" };

export type LifeAction =
  | { type: "open"; socket: SocketId }
  | { type: "drop"; socket: SocketId }
  /** Join on this socket, with a new peer connection. */
  | { type: "join"; socket: SocketId }
  /** Resume on this socket, with an ICE restart of the same peer connection. */
  | { type: "resume"; socket: SocketId }
  /** Restart ICE over this socket. */
  | { type: "restart"; socket: SocketId };

/** How a call ended. */
export type Ending =
  | { kind: "left"; reason: LeaveReason }
  | { kind: "refused"; code: ErrorCode; message: string }
  | { kind: "unreachable"; trouble: Unreachable }
  /** No peer connection can be made here, or something of ours went wrong. */
  | { kind: "failed"; trouble: "no_peer" | "broken" };

/** The call as the person sees it. Times are milliseconds. */
export type LifePhase =
  | { phase: "connecting" }
  | { phase: "joined" }
  | { phase: "reconnecting"; since: number; trouble: Trouble }
  | { phase: "ended"; ending: Ending };

interface Candidate {
  socket: SocketId;
  asked: boolean;
  until: number;
}

type Path = { state: "up" } | { state: "down" } | { state: "awaited"; until: number } | { state: "restarting"; until: number };

/** See the module. `random` is uniform in 0 to 1 and spreads the attempts. */
export class Life {
  phase: LifePhase = { phase: "connecting" };
  private lastSocket: SocketId = 0;
  private current: SocketId | null = null;
  private suspect = false;
  private candidate: Candidate | null = null;
  private retryAt: number | null = null;
  private readonly backoff = new Backoff();
  /** When the last attempt began. */
  private triedAt: number;
  private joinedOnce = false;
  private session = false;
  private peerGone = false;
  private path: Path = { state: "down" };
  private actions: LifeAction[] = [];

  constructor(now: number, private readonly random: () => number) {
    this.triedAt = now;
    this.trySocket(now);
  }

  /** What is to be done since this was last asked. */
  takeActions(): LifeAction[] {
    const taken = this.actions;
    this.actions = [];
    return taken;
  }

  /** The socket the call runs on, if it is well. */
  get socket(): SocketId | null {
    return this.suspect ? null : this.current;
  }

  /** When the next socket is tried, if one waits to be. */
  get nextTryAt(): number | null {
    return this.retryAt;
  }

  /** When `tick` is due. */
  get deadline(): number | null {
    const path = this.path.state === "awaited" || this.path.state === "restarting" ? this.path.until : null;
    const times = [path, this.retryAt, this.candidate?.until ?? null].filter((time) => time !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  handle(now: number, input: LifeInput): void {
    if (this.phase.phase === "ended") return;
    switch (input.type) {
      case "socket_opened":
        return this.socketOpened(now, input.socket);
      case "socket_closed":
        return this.socketClosed(now, input.socket);
      case "socket_spoke":
        return this.socketSpoke(now, input.socket);
      case "socket_quiet":
        return this.socketQuiet(now, input.socket);
      case "joined":
        return this.joined(now, input.socket);
      case "refused":
        return this.refused(now, input.socket, input.code, input.message);
      case "restarted":
        if (this.path.state === "restarting" || this.path.state === "awaited") this.path = { state: "awaited", until: now + PATH_PATIENCE_MS };
        return;
      case "restart_failed":
        return this.needFreshJoin(now);
      case "retry_now":
        if (this.retryAt !== null) {
          this.retryAt = null;
          this.trySocket(now);
        }
        return;
      case "path_up":
        return this.pathUp();
      case "path_down":
        return this.pathDown(now, "network_down");
      case "peer_gone":
        this.peerGone = true;
        this.path = { state: "down" };
        this.announce(now, "media_lost");
        return this.needFreshJoin(now);
      case "ended":
        return this.ended(now, input.socket, input.reason);
      case "impossible":
        return this.end({ kind: "failed", trouble: "no_peer" });
      case "broken":
        return this.end({ kind: "failed", trouble: "broken" });
      case "leave":
        return this.end({ kind: "left", reason: "left" });
      case "tick":
        return this.tick(now);
    }
  }

  private tick(now: number): void {
    if (this.candidate !== null && this.candidate.until <= now) {
      this.actions.push({ type: "drop", socket: this.candidate.socket });
      this.candidate = null;
      this.giveUpAttempt(now, "no_answer");
    }
    if (this.retryAt !== null && this.retryAt <= now) {
      this.retryAt = null;
      this.trySocket(now);
    }
    if (this.path.state === "restarting" && this.path.until <= now) {
      this.path = { state: "down" };
      if (this.current !== null) this.socketQuiet(now, this.current);
    } else if (this.path.state === "awaited" && this.path.until <= now) {
      this.path = { state: "down" };
      this.pathDown(now, "udp_blocked");
    }
  }

  private socketOpened(now: number, socket: SocketId): void {
    if (this.candidate?.socket !== socket) return;
    this.candidate.asked = true;
    this.candidate.until = now + (this.joinedOnce ? ANSWER_PATIENCE_MS : FIRST_ANSWER_PATIENCE_MS);
    this.actions.push({ type: this.session && !this.peerGone ? "resume" : "join", socket });
  }

  private socketClosed(now: number, socket: SocketId): void {
    if (this.candidate?.socket === socket) {
      const greeted = this.candidate.asked;
      this.candidate = null;
      this.giveUpAttempt(now, greeted ? "closed" : "unreachable");
    } else if (this.current === socket) {
      this.current = null;
      this.suspect = false;
      if (this.path.state === "restarting") this.path = { state: "down" };
      this.announce(now, "server_lost");
      this.schedule(now);
    }
  }

  private socketSpoke(now: number, socket: SocketId): void {
    if (this.current !== socket || !this.suspect) return;
    // The old socket lives after all. A resume that is under way is seen through, one that is not is not begun.
    this.suspect = false;
    if (this.candidate !== null && !this.candidate.asked) {
      this.actions.push({ type: "drop", socket: this.candidate.socket });
      this.candidate = null;
    }
    if (this.candidate === null && !this.peerGone) {
      this.retryAt = null;
      if (this.path.state === "down") this.path = { state: "awaited", until: now + LATE_ANSWER_PATIENCE_MS };
      this.settle();
    }
  }

  private socketQuiet(now: number, socket: SocketId): void {
    if (this.current !== socket || this.suspect) return;
    this.suspect = true;
    this.announce(now, "server_silent");
    this.schedule(now);
  }

  private joined(now: number, socket: SocketId): void {
    if (this.candidate?.socket !== socket && this.current !== socket) return;
    if (this.current !== null && this.current !== socket) this.actions.push({ type: "drop", socket: this.current });
    this.candidate = null;
    this.current = socket;
    this.suspect = false;
    this.retryAt = null;
    this.backoff.reset();
    this.session = true;
    this.peerGone = false;
    this.path = { state: "awaited", until: now + (this.joinedOnce ? PATH_PATIENCE_MS : FIRST_PATH_PATIENCE_MS) };
    if (!this.joinedOnce) {
      this.joinedOnce = true;
      this.phase = { phase: "joined" };
    }
  }

  private refused(now: number, socket: SocketId, code: ErrorCode, message: string): void {
    if (this.candidate?.socket !== socket) {
      // A rejoin on the current socket, after the server had timed us out.
      if (this.current !== socket) return;
      this.current = null;
      this.actions.push({ type: "drop", socket });
      if (mayPass(code)) this.schedule(now);
      else this.end({ kind: "refused", code, message });
      return;
    }
    if (this.session && this.joinedOnce && (code === "session_gone" || code === "sdp_invalid")) {
      this.session = false;
      this.candidate.until = now + ANSWER_PATIENCE_MS;
      this.actions.push({ type: "join", socket });
    } else if (this.joinedOnce && mayPass(code)) {
      this.candidate = null;
      this.actions.push({ type: "drop", socket });
      this.schedule(now);
    } else this.end({ kind: "refused", code, message });
  }

  private pathUp(): void {
    // While an answer is outstanding the old path may still carry; that is as good.
    if (this.peerGone || this.path.state === "up") return;
    this.path = { state: "up" };
    if (this.current !== null) this.backoff.reset();
    this.settle();
  }

  private pathDown(now: number, trouble: Trouble): void {
    if (!this.joinedOnce || this.path.state === "awaited" || this.path.state === "restarting") return;
    this.path = { state: "down" };
    this.announce(now, trouble);
    if (this.socket !== null && this.candidate === null && !this.peerGone) this.restart(now, this.socket);
  }

  private ended(now: number, socket: SocketId, reason: LeaveReason): void {
    const asked = this.candidate !== null && this.candidate.asked ? this.candidate.socket : null;
    // A socket that has asked may have been let in and put out again while its answer is still being applied.
    if (this.current !== socket && asked !== socket) return;
    // What replaces us is ourselves, on the new socket.
    if (reason === "replaced" && asked !== null && asked !== socket) return;
    if (reason === "timed_out" || reason === "gone") {
      this.announce(now, "away_too_long");
      this.needFreshJoin(now);
    } else this.end({ kind: "left", reason });
  }

  /** The session or the peer connection is of no use any more: a full join, on a socket of its own. */
  private needFreshJoin(now: number): void {
    this.session = false;
    if (!this.joinedOnce) return;
    if (this.candidate === null) this.schedule(now);
    else if (this.candidate.asked) {
      // What it asked for is out of date.
      this.actions.push({ type: "drop", socket: this.candidate.socket });
      this.candidate = null;
      this.schedule(now);
    }
  }

  private restart(now: number, socket: SocketId): void {
    this.path = { state: "restarting", until: now + RESTART_PATIENCE_MS };
    this.actions.push({ type: "restart", socket });
  }

  private giveUpAttempt(now: number, trouble: Unreachable): void {
    if (!this.joinedOnce) this.end({ kind: "unreachable", trouble });
    else if (this.socket === null || !this.session || this.peerGone) this.schedule(now);
  }

  /** Plans the next socket. The first attempt after a success comes quickly, the others back off. */
  private schedule(now: number): void {
    if (this.candidate !== null || this.retryAt !== null) return;
    const again = this.backoff.attempts > 0;
    const at = now + this.backoff.nextWait(this.random());
    // An attempt that hung has used up its wait already.
    this.retryAt = again ? Math.max(now, Math.min(at, this.triedAt + LONGEST_WAIT_MS)) : at;
  }

  private trySocket(now: number): void {
    this.lastSocket += 1;
    this.triedAt = now;
    const patience = this.joinedOnce ? OPEN_PATIENCE_MS : FIRST_OPEN_PATIENCE_MS;
    this.candidate = { socket: this.lastSocket, asked: false, until: now + patience };
    this.actions.push({ type: "open", socket: this.lastSocket });
  }

  private announce(now: number, trouble: Trouble): void {
    if (this.phase.phase === "joined") this.phase = { phase: "reconnecting", since: now, trouble };
  }

  private settle(): void {
    if (this.path.state === "up" && this.socket !== null && this.phase.phase === "reconnecting") this.phase = { phase: "joined" };
  }

  /** Sockets are not dropped here: their owner closes them, after what is queued has left. */
  private end(ending: Ending): void {
    this.current = null;
    this.candidate = null;
    this.retryAt = null;
    this.path = { state: "up" };
    this.phase = { phase: "ended", ending };
  }
}

/** Refusals that a later attempt may not meet. */
function mayPass(code: ErrorCode): boolean {
  const passing: readonly ErrorCode[] = ["room_full", "server_full", "draining", "rate_limited", "internal", "session_gone", "already_joined", "not_joined", "sdp_invalid"];
  return passing.includes(code);
}
