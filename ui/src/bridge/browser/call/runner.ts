/** A call of a page: the machine's sockets, its clock, the peer connection and the devices. It decides nothing. */
import { words } from "../../../words";
import type { BridgeError, BridgeEvent, ChatPage, DeviceChoices, JoinOptions } from "../../commands";
import type { ChatMessageId, ParticipantId, SlotAssignment } from "../../protocol.generated";
import { Capture } from "../media/capture";
import type { Pictures } from "../media/pictures";
import { Sound } from "../media/sound";
import type { CallInput, CallOptions, CallOutput, OfferId } from "./contract";
import { CallMachine } from "./machine";
import { Peer } from "./peer";
import { CallSocket } from "./socket";
import type { SocketId } from "./life";

export interface CallReports {
  event(event: BridgeEvent): void;
  /** A device was opened: the browser tells names from now on. */
  named(): void;
  /** The call is over; nothing is reported any more. */
  over(): void;
}

export interface CallBeginning {
  /** The address of the server's WebSocket. */
  url: string;
  meeting: CallOptions["meeting"];
  options: JoinOptions;
  noiseRemoval: boolean;
}

type Settle<Value> = { resolve: (value: Value) => void; reject: (error: BridgeError) => void };

export class CallRunner {
  private readonly machine: CallMachine;
  private readonly sockets = new Map<SocketId, CallSocket>();
  private readonly peer: Peer;
  private readonly capture: Capture;
  private readonly sound: Sound;
  private readonly received = new Map<string, MediaStreamTrack>();
  private readonly slots = new Map<string, SlotAssignment>();
  private readonly older = new Map<number, (page: ChatPage | null) => void>();
  /** The first is being taken. */
  private readonly inputs: CallInput[] = [];
  private entering: Settle<void> | null = null;
  private lastAsk = 0;
  private clock: ReturnType<typeof setTimeout> | null = null;
  private devices: DeviceChoices;
  private muted: boolean;
  private me: ParticipantId | null = null;
  private over = false;

  constructor(private readonly beginning: CallBeginning, private readonly pictures: Pictures, private readonly reports: CallReports) {
    const { options, meeting, noiseRemoval } = beginning;
    this.devices = options.devices;
    this.muted = !options.microphone_on;
    this.machine = new CallMachine(unixMs(), { meeting, name: options.name }, Math.random);
    this.peer = new Peer({
      path: (state) => this.feed({ type: "path", state }),
      slot: (mid, track) => this.receive(mid, track),
    });
    const event = (told: BridgeEvent): void => { if (!this.over) reports.event(told); };
    this.capture = new Capture({ event, changed: () => this.sendWhatIsOpen(), named: () => reports.named() }, noiseRemoval);
    this.sound = new Sound(event, options.devices.speaker);
  }

  /** Resolves once joined. Rejects with a `BridgeError`. */
  async enter(): Promise<void> {
    const { options } = this.beginning;
    // Devices are opened while the join is under way: whoever waits for a permission is in the call already.
    if (options.microphone_on) void this.setMicrophone(true);
    if (options.camera_on) void this.setCamera(true);
    const entered = new Promise<void>((resolve, reject) => { this.entering = { resolve, reject }; });
    this.feed({ type: "tick" });
    await entered;
  }

  /** What happened, or what the person wants. */
  feed(input: CallInput): void {
    // Whoever hears an event may act at once; that comes after what the event came with.
    this.inputs.push(input);
    if (this.inputs.length > 1) return;
    for (let next: CallInput | undefined = input; next !== undefined; next = this.inputs[0]) {
      try {
        if (!this.over) for (const output of this.machine.handle(unixMs(), next)) this.act(output);
      } catch (thrown) {
        this.breakOff(thrown);
      } finally {
        this.inputs.shift();
      }
    }
    this.wind();
  }

  /** Something of ours went wrong, and half of what was to be done is not done: the call ends rather than going on so. */
  private breakOff(thrown: unknown): void {
    console.error("the call broke off", thrown);
    try {
      for (const output of this.machine.handle(unixMs(), { type: "broken" })) this.act(output);
    } catch (again) {
      console.error("and not in order", again);
    }
    this.entering?.reject({ code: "internal", message: words.browser.trouble.broken, field: null });
    if (!this.over) this.end();
  }

  olderChat(before: ChatMessageId | null): Promise<ChatPage | null> {
    this.lastAsk += 1;
    const ask = this.lastAsk;
    return new Promise((resolve) => {
      this.older.set(ask, resolve);
      this.feed({ type: "older", ask, before });
    });
  }

  async setMicrophone(on: boolean): Promise<void> {
    this.muted = !on;
    // It stays open while it is off, so that the meter shows what it hears; nothing of it is sent.
    if (on && this.capture.track("microphone") === null) await this.capture.open("microphone", this.devices.microphone);
    this.sendWhatIsOpen();
  }

  setCamera(on: boolean): Promise<void> {
    return this.capture.open("camera", on ? this.devices.camera : null);
  }

  /** Other devices; those in use change at once. */
  async choose(devices: DeviceChoices): Promise<void> {
    const before = this.devices;
    this.devices = devices;
    const changed = (kind: keyof DeviceChoices): boolean => JSON.stringify(before[kind]) !== JSON.stringify(devices[kind]);
    if (changed("speaker")) this.sound.choose(devices.speaker);
    const opening: Promise<void>[] = [];
    if (changed("microphone") && (this.capture.wants("microphone") || !this.muted)) opening.push(this.capture.open("microphone", devices.microphone));
    if (changed("camera") && this.capture.wants("camera")) opening.push(this.capture.open("camera", devices.camera));
    await Promise.all(opening);
  }

  setNoiseRemoval(on: boolean): Promise<void> {
    return this.capture.setNoiseRemoval(on);
  }

  private sendWhatIsOpen(): void {
    if (this.over) return;
    const [microphone, camera] = [this.capture.track("microphone"), this.capture.track("camera")];
    // The switch first, the telling after: nothing may leave while the message is on its way. The track itself falls silent
    // at once; the sender is told of it in its turn.
    if (microphone !== null) microphone.enabled = !this.muted;
    this.peer.send("microphone", this.muted ? null : microphone);
    this.peer.send("camera", camera);
    const { width = 0, height = 0 } = camera?.getSettings() ?? {};
    this.feed({ type: "local", media: { microphone: microphone !== null, muted: this.muted, camera: camera === null ? null : { width, height } } });
    if (this.me !== null) this.pictures.put(`${this.me}/camera`, camera);
  }

  private act(output: CallOutput): void {
    switch (output.type) {
      case "open":
        return this.openSocket(output.socket);
      case "close":
        this.sockets.get(output.socket)?.close();
        this.sockets.delete(output.socket);
        return;
      case "send":
        this.sockets.get(output.socket)?.send(output.message);
        return;
      case "offer":
        return void this.makeOffer(output.offer, output.fresh);
      case "answer":
        return void this.applyAnswer(output);
      case "slots":
        for (const slot of output.slots) this.slots.set(slot.mid, slot);
        return this.showReceived();
      case "layers":
        if (output.source === "camera") this.peer.setLayers(output.wanted);
        return;
      case "event":
        if (output.event.type === "call_joined") this.becomes(output.event.call.me);
        return this.reports.event(output.event);
      case "entered":
        this.entering?.resolve();
        return;
      case "not_entered":
        this.entering?.reject(output.error);
        return;
      case "older":
        this.older.get(output.ask)?.(output.page);
        this.older.delete(output.ask);
        return;
      case "over":
        return this.end();
    }
  }

  private openSocket(socket: SocketId): void {
    this.sockets.set(socket, new CallSocket(this.beginning.url, {
      message: (message) => this.feed({ type: "message", socket, message }),
      closed: () => {
        this.sockets.delete(socket);
        this.feed({ type: "socket_closed", socket });
      },
      quiet: () => this.feed({ type: "socket_quiet", socket }),
    }));
  }

  private async makeOffer(offer: OfferId, fresh: boolean): Promise<void> {
    if (fresh) this.forgetReceived();
    try {
      this.feed({ type: "offered", offer, ...(await this.peer.offer(fresh)) });
    } catch {
      this.feed({ type: "offer_failed", offer });
    }
  }

  private async applyAnswer({ offer, sdp, relay }: Extract<CallOutput, { type: "answer" }>): Promise<void> {
    try {
      await this.peer.answer(sdp, relay);
      this.feed({ type: "answered", offer });
    } catch {
      this.feed({ type: "answer_failed", offer });
    }
  }

  private becomes(me: ParticipantId): void {
    if (this.me === me) return;
    this.me = me;
    this.pictures.put(`${me}/camera`, this.capture.track("camera"));
  }

  private receive(mid: string, track: MediaStreamTrack): void {
    if (this.over) track.stop();
    else if (track.kind === "audio") this.sound.play(track);
    else {
      this.received.set(mid, track);
      this.showReceived();
    }
  }

  /** Each picture slot is a track that goes on; whose it is changes. */
  private showReceived(): void {
    const own = this.me === null ? null : `${this.me}/camera`;
    const now = new Map<string, MediaStreamTrack>();
    for (const [mid, track] of this.received) {
      const slot = this.slots.get(mid);
      if (slot?.participant != null && slot.source !== null) now.set(`${slot.participant}/${slot.source}`, track);
    }
    this.pictures.replace((key) => key !== own && !key.startsWith("preview/"), now);
  }

  private forgetReceived(): void {
    this.received.clear();
    this.slots.clear();
    this.sound.stop();
    this.showReceived();
  }

  /** The clock rings when the machine wants to know that time passed. */
  private wind(): void {
    if (this.clock !== null) clearTimeout(this.clock);
    this.clock = null;
    const { deadline } = this.machine;
    if (deadline !== null && !this.over) this.clock = setTimeout(() => this.feed({ type: "tick" }), Math.max(0, deadline - unixMs()) + 1);
  }

  private end(): void {
    this.over = true;
    this.capture.stop();
    this.sound.stop();
    this.peer.close();
    for (const socket of this.sockets.values()) socket.close();
    this.sockets.clear();
    for (const answer of this.older.values()) answer(null);
    this.older.clear();
    this.pictures.replace((key) => !key.startsWith("preview/"), new Map());
    this.reports.over();
  }
}

/** Milliseconds since 1970 UTC, by a clock that nobody sets back. */
function unixMs(): number {
  return performance.timeOrigin + performance.now();
}
