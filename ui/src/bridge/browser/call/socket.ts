/** One WebSocket of a call: reads, writes, asks whether the other side lives, and reports. It decides nothing. */
import type { ClientMessage, ServerMessage } from "../../protocol.generated";

/** How often the server is asked whether it is there, milliseconds. */
const PING_INTERVAL_MS = 2_000;

/** A question unanswered for this long, milliseconds: the socket is reported quiet. */
const QUIET_AFTER_MS = 5_000;

export interface SocketReports {
  message(message: ServerMessage): void;
  /** It ended, or never opened. Nothing is reported after it. */
  closed(): void;
  /** The server does not answer; said once until something is heard again. */
  quiet(): void;
}

export class CallSocket {
  private socket: WebSocket | null = null;
  private readonly clock: ReturnType<typeof setInterval>;
  /** When the oldest question was asked that is not answered. Not "when was something heard": a hidden page's clock is slow. */
  private askedAt: number | null = null;
  private toldQuiet = false;
  private over = false;

  constructor(url: string, private readonly reports: SocketReports) {
    this.clock = setInterval(() => this.ask(), PING_INTERVAL_MS);
    try {
      const socket = new WebSocket(url);
      socket.onmessage = ({ data }) => this.take(data);
      socket.onclose = () => this.end();
      this.socket = socket;
    } catch {
      // A page that came encrypted may open no plain socket. Told later, as everything is.
      queueMicrotask(() => this.end());
    }
  }

  /** Lost when the socket is not open. */
  send(message: ClientMessage): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** Closes in order, after what was sent. Nothing is reported any more. */
  close(): void {
    this.over = true;
    clearInterval(this.clock);
    this.socket?.close(1000);
  }

  private take(data: unknown): void {
    if (this.over) return;
    this.askedAt = null;
    this.toldQuiet = false;
    const message = readMessage(data);
    if (message !== null) this.reports.message(message);
  }

  private ask(): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    const now = performance.now();
    if (this.askedAt !== null && now - this.askedAt > QUIET_AFTER_MS && !this.toldQuiet) {
      this.toldQuiet = true;
      this.reports.quiet();
    }
    this.askedAt ??= now;
    this.send({ event_type: "ping", timestamp: Math.round(now) });
  }

  private end(): void {
    if (this.over) return;
    this.over = true;
    clearInterval(this.clock);
    this.reports.closed();
  }
}

/** A message of the server; `null` for what is none, which is dropped. */
function readMessage(data: unknown): ServerMessage | null {
  if (typeof data !== "string") return null;
  try {
    const message: unknown = JSON.parse(data);
    return typeof message === "object" && message !== null && "event_type" in message ? (message as ServerMessage) : null;
  } catch {
    return null;
  }
}
