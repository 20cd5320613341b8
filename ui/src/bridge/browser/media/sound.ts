/** What is heard: an audio element for each receive slot, on the chosen speaker. */
import { words } from "../../../words";
import type { BridgeError, BridgeEvent, DeviceChoice } from "../../commands";
import { deviceProblem } from "./devices";

const TEST_SECONDS = 1;
const TEST_HERTZ = 440;
const TEST_GAIN = 0.2;

export class Sound {
  private elements: HTMLAudioElement[] = [];

  constructor(private readonly tell: (event: BridgeEvent) => void, private speaker: DeviceChoice) {}

  /** Plays a received track until it ends. */
  play(track: MediaStreamTrack): void {
    const element = new Audio();
    element.srcObject = new MediaStream([track]);
    this.elements.push(element);
    void this.start(element);
  }

  /** From now on on this speaker. */
  choose(speaker: DeviceChoice): void {
    this.speaker = speaker;
    for (const element of this.elements) void this.start(element);
  }

  stop(): void {
    for (const element of this.elements) {
      element.pause();
      element.srcObject = null;
    }
    this.elements = [];
  }

  private async start(element: HTMLAudioElement): Promise<void> {
    try {
      await lead(element, this.speaker);
      await element.play();
    } catch (thrown) {
      // What ended meanwhile is no problem of the speaker's.
      if (this.elements.includes(element)) this.tell({ type: "device_problem", kind: "speaker", problem: deviceProblem("speaker", thrown) });
    }
  }
}

/** Leads an element's sound to the speaker, where the browser lets a page choose. */
async function lead(element: HTMLAudioElement, speaker: DeviceChoice): Promise<void> {
  element.muted = speaker.kind === "none";
  if (speaker.kind === "device" && speaker.id !== "" && "setSinkId" in element) await element.setSinkId(speaker.id);
  else if ("setSinkId" in element && element.sinkId !== "") await element.setSinkId("");
}

/** Plays a tone of a second; resolves when it was played. Rejects with a `BridgeError`. */
export async function testSpeaker(speaker: DeviceChoice): Promise<void> {
  const context = new AudioContext();
  try {
    const destination = context.createMediaStreamDestination();
    const [tone, gain] = [context.createOscillator(), context.createGain()];
    tone.frequency.value = TEST_HERTZ;
    gain.gain.value = TEST_GAIN;
    tone.connect(gain).connect(destination);
    const element = new Audio();
    element.srcObject = destination.stream;
    await lead(element, speaker);
    await element.play();
    const played = new Promise((resolve) => { tone.onended = resolve; });
    tone.start();
    tone.stop(context.currentTime + TEST_SECONDS);
    await played;
    element.srcObject = null;
  } catch {
    const refusal: BridgeError = { code: "device_failed", message: words.browser.speakerSilent, field: null };
    throw refusal;
  } finally {
    await context.close();
  }
}
