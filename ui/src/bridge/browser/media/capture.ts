/** The open microphone and camera of a page: for the preview or for a call, one of each. */
import type { BridgeEvent, DeviceChoice } from "../../commands";
import { deviceProblem, lostDevice, noDevices, openingOf, type Opening } from "./devices";
import { Level } from "./level";

export type Captured = "microphone" | "camera";

export interface CaptureReports {
  event(event: BridgeEvent): void;
  /** What is open changed. */
  changed(): void;
  /** A device was opened for the first time: the browser tells their names from now on. */
  named(): void;
}

export class Capture {
  private readonly tracks: Record<Captured, MediaStreamTrack | null> = { microphone: null, camera: null };
  /** The newest wish of each kind: an older one that is fulfilled later is put back. */
  private readonly wishes: Record<Captured, number> = { microphone: 0, camera: 0 };
  /** What is open or being opened, as text; `null` when nothing is, or what was wanted did not open. */
  private readonly wanted: Record<Captured, string | null> = { microphone: null, camera: null };
  private readonly level: Level;

  constructor(private readonly reports: CaptureReports, private noiseRemoval: boolean) {
    this.level = new Level((microphone) => reports.event({ type: "levels", microphone }));
  }

  track(kind: Captured): MediaStreamTrack | null {
    return this.tracks[kind];
  }

  /** Whether a device of this kind is open or being opened. */
  wants(kind: Captured): boolean {
    return this.wanted[kind] !== null;
  }

  /**
   * Opens the chosen device in place of the one there is; `null` closes it. One that is open, or being opened, stays as
   * it is. A device that does not open is told as a problem.
   */
  async open(kind: Captured, choice: DeviceChoice | null): Promise<void> {
    const wanted = choice === null || openingOf(choice) === null ? null : JSON.stringify(choice);
    if (wanted !== null && wanted === this.wanted[kind]) return;
    this.wanted[kind] = wanted;
    this.wishes[kind] += 1;
    const wish = this.wishes[kind];
    this.put(kind, null);
    const opening = choice === null ? null : openingOf(choice);
    if (opening === null) return;
    try {
      const track = await this.request(kind, opening);
      if (wish !== this.wishes[kind]) track?.stop();
      else if (track === null) this.wanted[kind] = null;
      else this.take(kind, track);
    } catch (thrown) {
      if (wish !== this.wishes[kind]) return;
      this.wanted[kind] = null;
      this.reports.event({ type: "device_problem", kind, problem: deviceProblem(kind, thrown) });
    }
  }

  /** Closes both. */
  stop(): void {
    void this.open("microphone", null);
    void this.open("camera", null);
    this.level.stop();
  }

  async setNoiseRemoval(on: boolean): Promise<void> {
    this.noiseRemoval = on;
    // A browser that cannot change it in a running track takes it up at the next opening.
    await this.tracks.microphone?.applyConstraints(this.voice()).catch(() => undefined);
  }

  private async request(kind: Captured, opening: NonNullable<Opening>): Promise<MediaStreamTrack | null> {
    // Not there on a page that came unencrypted.
    const devices: MediaDevices | undefined = navigator.mediaDevices;
    if (devices === undefined) {
      this.reports.event({ type: "device_problem", kind, problem: noDevices(kind) });
      return null;
    }
    const stream = await devices.getUserMedia(
      kind === "microphone"
        ? { audio: { ...this.voice(), ...opening } }
        : { video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 }, ...opening } },
    );
    return stream.getTracks()[0] ?? null;
  }

  private voice(): MediaTrackConstraints {
    return { echoCancellation: true, autoGainControl: true, noiseSuppression: this.noiseRemoval };
  }

  private take(kind: Captured, track: MediaStreamTrack): void {
    track.onended = () => {
      if (this.tracks[kind] !== track) return;
      this.wanted[kind] = null;
      this.put(kind, null);
      this.reports.event({ type: "device_problem", kind, problem: lostDevice(kind) });
    };
    this.put(kind, track);
    this.reports.event({ type: "device_problem", kind, problem: null });
    this.reports.named();
  }

  private put(kind: Captured, track: MediaStreamTrack | null): void {
    const before = this.tracks[kind];
    if (before === track) return;
    before?.stop();
    this.tracks[kind] = track;
    if (kind === "microphone") this.level.listenTo(track);
    this.reports.changed();
  }
}
