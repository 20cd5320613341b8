/** The media path of a call: one RTCPeerConnection at a time, its offers and answers, what it sends and what comes. */
import type { Layer, RelayAccess, TrackOffer } from "../../protocol.generated";

/** Slots of the first offer, as docs/protocol.md names them. */
const AUDIO_SLOTS = 4;
const VIDEO_SLOTS = 9;

/** As the native client sends them, so that a slot costs the same whoever fills it. `maxBitrate` is in bits per second. */
const LAYERS: readonly (RTCRtpEncodingParameters & { rid: Layer })[] = [
  { rid: "q", scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: "h", scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: "f", scaleResolutionDownBy: 1, maxBitrate: 1_700_000 },
];

/** The native client decodes this one. */
const CODEC = "video/h264";

export interface Offer {
  sdp: string;
  tracks: TrackOffer[];
}

export interface PeerReports {
  /** It carries, it does not carry, or it is of no use any more. */
  path(state: "up" | "down" | "gone"): void;
  /** A receive slot is there; what it carries changes. */
  slot(mid: string, track: MediaStreamTrack): void;
}

export class Peer {
  private connection: RTCPeerConnection | null = null;
  private microphone: RTCRtpTransceiver | null = null;
  private camera: RTCRtpTransceiver | null = null;
  private readonly sent: { microphone: MediaStreamTrack | null; camera: MediaStreamTrack | null } = { microphone: null, camera: null };
  private relay: RelayAccess | null = null;
  /** One change of what this connection sends after the other: a sender takes no second one meanwhile. */
  private sending: Promise<void> = Promise.resolve();

  constructor(private readonly reports: PeerReports) {}

  /** An offer of a new connection, or of the one there is with new ICE credentials. */
  async offer(fresh: boolean): Promise<Offer> {
    const connection = fresh || this.connection === null ? await this.begin() : this.connection;
    if (!fresh) connection.setConfiguration(this.configuration());
    const offer = await connection.createOffer({ iceRestart: !fresh });
    await connection.setLocalDescription(offer);
    return { sdp: offer.sdp ?? "", tracks: this.tracks() };
  }

  /** Applies the server's answer to the last offer; `relay` is used from the next offer on. */
  async answer(sdp: string, relay: RelayAccess | null): Promise<void> {
    this.relay = relay ?? this.relay;
    const { connection } = this;
    await connection?.setRemoteDescription({ type: "answer", sdp });
    // A path that never went away tells nothing new by itself.
    if (connection !== null && connection === this.connection && connection.connectionState === "connected") this.reports.path("up");
  }

  send(source: "microphone" | "camera", track: MediaStreamTrack | null): void {
    if (this.sent[source] === track) return;
    this.sent[source] = track;
    const sender = this[source]?.sender;
    this.change(() => sender?.replaceTrack(track));
  }

  /** Only layers that somebody watches are encoded. */
  setLayers(wanted: readonly Layer[]): void {
    const sender = this.camera?.sender;
    this.change(() => {
      const parameters = sender?.getParameters();
      if (sender === undefined || parameters === undefined) return undefined;
      for (const encoding of parameters.encodings) encoding.active = wanted.some((layer) => layer === encoding.rid);
      return sender.setParameters(parameters);
    });
  }

  close(): void {
    this.connection?.close();
    this.connection = null;
    this.microphone = null;
    this.camera = null;
  }

  private async begin(): Promise<RTCPeerConnection> {
    this.close();
    const connection = new RTCPeerConnection(this.configuration());
    this.connection = connection;
    connection.onconnectionstatechange = () => this.report(connection);
    connection.oniceconnectionstatechange = () => this.report(connection);
    connection.ontrack = ({ track, transceiver: { mid } }) => {
      if (connection === this.connection && mid !== null) this.reports.slot(mid, track);
    };
    this.microphone = connection.addTransceiver("audio", { direction: "sendonly" });
    this.camera = connection.addTransceiver("video", { direction: "sendonly", sendEncodings: LAYERS.map((layer) => ({ ...layer })) });
    preferCodec(this.camera);
    for (let slot = 0; slot < AUDIO_SLOTS; slot += 1) connection.addTransceiver("audio", { direction: "recvonly" });
    for (let slot = 0; slot < VIDEO_SLOTS; slot += 1) connection.addTransceiver("video", { direction: "recvonly" });
    const first = Promise.all([this.microphone.sender.replaceTrack(this.sent.microphone), this.camera.sender.replaceTrack(this.sent.camera)]);
    // Not behind what the connection before has not done yet, and may never do.
    this.sending = first.then(() => undefined, () => undefined);
    await first;
    return connection;
  }

  private tracks(): TrackOffer[] {
    const microphone: TrackOffer = { mid: this.microphone?.mid ?? "", source: "microphone", layers: [] };
    const camera: TrackOffer = { mid: this.camera?.mid ?? "", source: "camera", layers: LAYERS.map(({ rid }) => rid) };
    return [microphone, camera];
  }

  private configuration(): RTCConfiguration {
    const { relay } = this;
    const iceServers = relay === null ? [] : [{ urls: relay.urls, username: relay.username, credential: relay.credential }];
    return { bundlePolicy: "max-bundle", iceServers };
  }

  private report(connection: RTCPeerConnection): void {
    if (connection !== this.connection) return;
    const { connectionState: whole, iceConnectionState: ice } = connection;
    if (whole === "connected") this.reports.path("up");
    // Keys that cannot be agreed upon are not mended by another way through the network.
    else if (whole === "failed" && ice !== "failed" && ice !== "disconnected") this.reports.path("gone");
    else if (ice === "disconnected" || ice === "failed") this.reports.path("down");
  }

  private change(what: () => Promise<void> | undefined): void {
    // A connection that closes meanwhile refuses; the next one begins with what is to be sent then.
    this.sending = this.sending.then(what).catch(() => undefined);
  }
}

/** H.264 where the browser can send it, and what repairs it; else whatever it likes best. */
function preferCodec(transceiver: RTCRtpTransceiver): void {
  const known = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
  const liked = known.filter(({ mimeType }) => mimeType.toLowerCase() === CODEC);
  const repairs = known.filter(({ mimeType }) => mimeType.toLowerCase() === "video/rtx");
  if (liked.length > 0) transceiver.setCodecPreferences([...liked, ...repairs]);
}
