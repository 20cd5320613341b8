/** How loud the microphone is, about 30 times a second, whether it is sent or not. */
import { meterLevel } from "./devices";

const EVERY_MS = 33;
/** So many samples are looked at: a thirtieth of a second or so. */
const WINDOW = 2_048;

export class Level {
  private context: AudioContext | null = null;
  private source: MediaStreamAudioSourceNode | null = null;
  /** A copy of the track, so that what is heard is shown while the track itself is switched off. */
  private heard: MediaStreamTrack | null = null;
  private clock: ReturnType<typeof setInterval> | null = null;

  constructor(private readonly tell: (level: number) => void) {}

  listenTo(track: MediaStreamTrack | null): void {
    this.source?.disconnect();
    this.source = null;
    this.heard?.stop();
    this.heard = null;
    if (this.clock !== null) clearInterval(this.clock);
    this.clock = null;
    if (track === null) return;
    const context = this.context ?? new AudioContext();
    this.context = context;
    // A page that nobody has touched yet may have to wait; then the meter does.
    void context.resume().catch(() => undefined);
    const analyser = context.createAnalyser();
    analyser.fftSize = WINDOW;
    this.heard = track.clone();
    // The copy of a track that was switched off already is switched off too.
    this.heard.enabled = true;
    this.source = context.createMediaStreamSource(new MediaStream([this.heard]));
    this.source.connect(analyser);
    const samples = new Float32Array(WINDOW);
    this.clock = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      this.tell(meterLevel(samples));
    }, EVERY_MS);
  }

  stop(): void {
    this.listenTo(null);
    void this.context?.close().catch(() => undefined);
    this.context = null;
  }
}
