/** What a call of a page stands on, made up for tests: tracks, devices, a peer connection and sockets. */
import { vi } from "vitest";
import type { ClientMessage, ServerMessage } from "../../protocol.generated";

export class FakeTrack {
  enabled = true;
  readyState: "live" | "ended" = "live";
  onended: (() => void) | null = null;
  /** Copies of it, oldest first. */
  readonly copies: FakeTrack[] = [];

  constructor(readonly kind: "audio" | "video", readonly constraints: MediaTrackConstraints = {}) {}

  clone(): FakeTrack {
    const copy = new FakeTrack(this.kind, this.constraints);
    copy.enabled = this.enabled;
    this.copies.push(copy);
    return copy;
  }

  stop(): void {
    this.readyState = "ended";
  }

  getSettings(): MediaTrackSettings {
    return this.kind === "video" ? { width: 1280, height: 720 } : {};
  }

  async applyConstraints(): Promise<void> {
    return undefined;
  }
}

export function trackOf(kind: FakeTrack["kind"]): FakeTrack & MediaStreamTrack {
  return new FakeTrack(kind) as FakeTrack & MediaStreamTrack;
}

/** What one sender was told, oldest first. `hang` answers nothing any more. */
export class FakeSender {
  readonly sent: (MediaStreamTrack | null)[] = [];
  hang = false;

  replaceTrack(track: MediaStreamTrack | null): Promise<void> {
    this.sent.push(track);
    return this.hang ? new Promise(() => undefined) : Promise.resolve();
  }

  getParameters(): { encodings: RTCRtpEncodingParameters[] } {
    return { encodings: [] };
  }

  async setParameters(): Promise<void> {
    return undefined;
  }
}

export class FakeConnection {
  connectionState = "new";
  iceConnectionState = "new";
  readonly senders: FakeSender[] = [];

  constructor(private readonly world: FakeBrowser) {
    world.connections.push(this);
  }

  addTransceiver(): { mid: string; sender: FakeSender; setCodecPreferences: () => void } {
    const sender = new FakeSender();
    this.senders.push(sender);
    return { mid: String(this.senders.length - 1), sender, setCodecPreferences: () => undefined };
  }

  async createOffer(): Promise<RTCSessionDescriptionInit> {
    if (this.world.offersFail) throw new Error("no offer");
    return { type: "offer", sdp: "v=0 offer" };
  }

  setConfiguration(): void {
    return undefined;
  }

  async setLocalDescription(): Promise<void> {
    return undefined;
  }

  async setRemoteDescription(): Promise<void> {
    return undefined;
  }

  close(): void {
    this.connectionState = "closed";
  }
}

export class FakeSocket {
  static readonly OPEN = 1;
  readyState = 1;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly sent: ClientMessage[] = [];

  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientMessage);
  }

  close(): void {
    this.readyState = 3;
  }

  /** The server says this, which may be less than the protocol wants. */
  say(message: Pick<ServerMessage, "event_type"> & Record<string, unknown>): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

/** Puts the made-up browser in place of the real one, until `vi.unstubAllGlobals`. */
export class FakeBrowser {
  readonly connections: FakeConnection[] = [];
  readonly sockets: FakeSocket[] = [];
  /** Everything that was opened, oldest first. */
  readonly opened: FakeTrack[] = [];
  offersFail = false;
  /** While set, devices open only once `permit` is called. */
  asks = false;
  private waiting: (() => void)[] = [];

  constructor() {
    const [world, sockets] = [this, this.sockets];
    class Connection extends FakeConnection { constructor() { super(world); } }
    class Socket extends FakeSocket { constructor() { super(); sockets.push(this); } }
    vi.stubGlobal("RTCPeerConnection", Connection);
    vi.stubGlobal("RTCRtpSender", { getCapabilities: () => null });
    vi.stubGlobal("WebSocket", Socket);
    vi.stubGlobal("MediaStream", class { constructor(readonly tracks: unknown[]) {} });
    vi.stubGlobal("AudioContext", FakeAudio);
    const mediaDevices = { getUserMedia: (wanted: MediaStreamConstraints) => this.open(wanted), enumerateDevices: async () => [], addEventListener: () => undefined };
    vi.stubGlobal("navigator", { mediaDevices });
  }

  /** The person allows what was asked for. */
  permit(): void {
    for (const go of this.waiting.splice(0)) go();
  }

  private async open({ audio, video }: MediaStreamConstraints): Promise<{ getTracks: () => FakeTrack[] }> {
    if (this.asks) await new Promise<void>((resolve) => this.waiting.push(resolve));
    const track = new FakeTrack(audio === undefined ? "video" : "audio", (audio ?? video) as MediaTrackConstraints);
    this.opened.push(track);
    return { getTracks: () => [track] };
  }
}

class FakeAudio {
  async resume(): Promise<void> {
    return undefined;
  }

  async close(): Promise<void> {
    return undefined;
  }

  createAnalyser(): Record<string, unknown> {
    return { getFloatTimeDomainData: () => undefined };
  }

  createMediaStreamSource(): Record<string, unknown> {
    return { connect: () => undefined, disconnect: () => undefined };
  }
}
