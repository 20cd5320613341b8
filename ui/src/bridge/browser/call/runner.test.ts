import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { BridgeEvent, DeviceChoices, JoinOptions } from "../../commands";
import { Pictures } from "../media/pictures";
import { FakeBrowser } from "./fake_browser.test_support";
import { CODE } from "./other_side";
import { CallRunner } from "./runner";

const DEVICES: DeviceChoices = { camera: { kind: "default" }, microphone: { kind: "default" }, speaker: { kind: "default" } };

let world: FakeBrowser;

beforeEach(() => { world = new FakeBrowser(); });
afterEach(() => vi.unstubAllGlobals());

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

interface Entered {
  call: CallRunner;
  events: BridgeEvent[];
  over: () => boolean;
  /** What entering was refused with, once it was. */
  refused: () => unknown;
}

async function enter(change: Partial<JoinOptions> = {}): Promise<Entered> {
  const events: BridgeEvent[] = [];
  let [isOver, refusal]: [boolean, unknown] = [false, null];
  const options = { name: "Lena", devices: DEVICES, microphone_on: false, camera_on: false, ...change };
  const call = new CallRunner({ url: "ws://127.0.0.1:8003/ws", meeting: { code: CODE }, options, noiseRemoval: true }, new Pictures(), {
    event: (event) => events.push(event), named: () => undefined, over: () => { isOver = true; },
  });
  void call.enter().catch((thrown: unknown) => { refusal = thrown; });
  await settled();
  return { call, events, over: () => isOver, refused: () => refusal };
}

describe("a microphone that is switched off", () => {
  it("is silent at once, whatever the peer connection does, and is heard by its meter still", async () => {
    const { call } = await enter({ microphone_on: true });
    const [microphone] = world.opened;
    expect(microphone?.enabled).toBe(true);
    void call.setMicrophone(false);
    expect(microphone?.enabled).toBe(false);
    expect(microphone?.copies.map(({ enabled, readyState }) => [enabled, readyState])).toEqual([[true, "live"]]);
    void call.setMicrophone(true);
    expect(microphone?.enabled).toBe(true);
    call.feed({ type: "leave" });
    expect([microphone?.readyState, microphone?.copies[0]?.readyState]).toEqual(["ended", "ended"]);
  });

  it("stays silent when another one takes its place", async () => {
    const { call } = await enter({ microphone_on: true });
    void call.setMicrophone(false);
    await call.choose({ ...DEVICES, microphone: { kind: "device", id: "other" } });
    expect(world.opened.map(({ enabled }) => enabled)).toEqual([false, false]);
  });
});
