import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { words } from "../../../words";
import type { BridgeEvent, DeviceChoices, JoinOptions } from "../../commands";
import { Pictures } from "../media/pictures";
import { FakeBrowser } from "./fake_browser.test_support";
import { CODE, INES, ME } from "./other_side.test_support";
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

it("a camera that is chosen while the first is being asked for is the one that is used", async () => {
  world.asks = true;
  const { call } = await enter({ camera_on: true });
  void call.choose({ ...DEVICES, camera: { kind: "device", id: "other" } });
  world.permit();
  await settled();
  const open = world.opened.filter(({ readyState }) => readyState === "live");
  expect(open.map(({ constraints }) => constraints.deviceId)).toEqual([{ exact: "other" }]);
});

describe("a call in which something of ours goes wrong", () => {
  const greeting = { event_type: "system.message", message: "Welcome", version: 1, server_version: "0.1.0", connection_id: "c", limits: { chat_chars: 20, view_tiles: 2 } } as const;
  const joined = {
    event_type: "call.joined", request: 1, participant_id: ME.id, token: "token-1", role: "participant", grants: {}, answer: "v=0 answer",
    room_name: "Review", link: "", participants: [ME, INES], chat: [], slots: [],
  } as const;

  beforeEach(() => void vi.spyOn(console, "error").mockReturnValue(undefined));

  it("ends as one that failed, and lets go of everything", async () => {
    const { events, over } = await enter({ microphone_on: true });
    const [socket] = world.sockets;
    socket?.say(greeting);
    await settled();
    socket?.say(joined);
    await settled();
    socket?.say({ event_type: "call.slots", slots: null });
    expect(events.at(-1)).toMatchObject({ type: "call_phase", phase: { phase: "ended", reason: "failed", message: words.browser.trouble.broken } });
    expect(over()).toBe(true);
    expect(socket?.sent.at(-1)).toEqual({ event_type: "call.leave" });
    expect([socket?.readyState, world.connections[0]?.connectionState, world.opened[0]?.readyState]).toEqual([3, "closed", "ended"]);
  });

  it("before it was joined refuses the join", async () => {
    const { over, refused } = await enter();
    const [socket] = world.sockets;
    socket?.say(greeting);
    await settled();
    socket?.say({ ...joined, participants: null });
    await settled();
    expect(refused()).toMatchObject({ message: words.browser.trouble.broken });
    expect(over()).toBe(true);
  });
});
