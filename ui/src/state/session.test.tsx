import { act, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { BridgeEvent, DeviceList, WindowState } from "../bridge/commands";
import { FIXTURE_DEVICES, fixtureCall, type FixtureBridge } from "../bridge/fixture";
import { INES, LENA, openCall, openWindow, TOMAS, type TestWindow } from "../test_app";

/** A native side on which a call goes on while the window is loaded. */
function inCall(bridge: FixtureBridge, state: WindowState): void {
  const call = bridge.call.bind(bridge);
  bridge.call = (async (name, input) => (name === "window_state" ? state : call(name, input))) as typeof bridge.call;
}

const OTHER_LINK = "http://127.0.0.1:8003/m/amber-field-9032";
const BUDS = { id: "buds", name: "Buds", is_default: false, detail: "Bluetooth" };
const WITH_BUDS: DeviceList = {
  ...FIXTURE_DEVICES,
  microphones: [...FIXTURE_DEVICES.microphones, BUDS],
  speakers: [...FIXTURE_DEVICES.speakers, { ...BUDS, id: "buds-out" }],
};

describe("a window that is loaded anew", () => {
  it("shows the call that goes on, with what is really sent", async () => {
    const { bridge } = await openWindow((world) => inCall(world, {
      call: fixtureCall([INES, TOMAS, LENA]),
      media: { microphone_on: false, camera_on: true, share: null, hand_raised: true },
      mode: "normal",
    }));
    expect(await screen.findByRole("toolbar", { name: "Call controls" })).toBeDefined();
    expect(screen.getByRole("button", { name: "Microphone, off" })).toBeDefined();
    expect(bridge.settings.recent).toEqual([]);
  });

  it("says that the connection is away, when it is, and whose line is weak", async () => {
    const { emit } = await openWindow((world) => inCall(world, {
      call: fixtureCall([INES, TOMAS, LENA]),
      media: { microphone_on: true, camera_on: true, share: null, hand_raised: false },
      mode: "normal",
      phase: { phase: "reconnecting", since: Date.now() - 7_000, next_try_at: null, message: "", code: "server_lost" },
      quality: [{ participant: TOMAS.id, quality: "weak" }],
    }));
    expect(await screen.findByText("Offline for 7 s")).toBeDefined();
    expect(screen.getByText(/The connection to the server was lost\./)).toBeDefined();
    await emit({ type: "call_phase", phase: { phase: "joined" } });
    expect(screen.queryByText(/Offline for/)).toBeNull();
    expect(screen.getByText("Weak connection")).toBeDefined();
  });

  it("keeps a call that is taken up again before the native side has said what goes on", async () => {
    const call = fixtureCall([INES, TOMAS, LENA]);
    const { bridge, emit } = await openWindow((world) => {
      const answer = world.call.bind(world);
      world.call = (async (name, input) => {
        if (name !== "window_state") return answer(name, input);
        world.emit({ type: "call_joined", call });
        return { call, media: null, mode: "normal" };
      }) as typeof world.call;
    });
    expect(await screen.findByRole("toolbar", { name: "Call controls" })).toBeDefined();
    expect(bridge.inputs("call_leave")).toHaveLength(0);
    // Once all is known, a call nobody waits for is hung up as before.
    await emit({ type: "call_phase", phase: { phase: "ended", reason: "left", message: "" } });
    await emit({ type: "call_joined", call });
    expect(bridge.inputs("call_leave")).toHaveLength(1);
  });

  it("opens at home when the native side does not know of a call, or does not answer", async () => {
    await openWindow((world) => world.refusals.set("window_state", { code: "internal", message: "", field: null }));
    expect(screen.getByRole("heading", { name: "Start a meeting" })).toBeDefined();
  });
});

it("a whole page that is pasted is read as far as a link may go, and is no code", async () => {
  const { session, bridge } = await openWindow();
  await expect(session.parseLink("x".repeat(70_000))).rejects.toMatchObject({ code: "link_invalid" });
  expect(bridge.inputs("parse_link")[0]?.text).toHaveLength(4_096);
});

describe("a link that is opened during a call", () => {
  it("is told, and the call goes on", async () => {
    const { emit } = await openCall();
    await emit({ type: "link_opened", text: OTHER_LINK });
    expect(await screen.findByText("The link to meeting amber-field-9032 was opened.")).toBeDefined();
    expect(screen.getByText("You are in a call. You can open it here when you have left.")).toBeDefined();
    expect(screen.getByRole("toolbar", { name: "Call controls" })).toBeDefined();
    expect(screen.queryByRole("button", { name: "Open it" })).toBeNull();
  });

  it("can be opened when the call is over, with the devices off", async () => {
    const { emit, user, bridge } = await openCall();
    await emit({ type: "link_opened", text: OTHER_LINK });
    await emit({ type: "call_phase", phase: { phase: "ended", reason: "left", message: "" } });
    expect(screen.getByRole("heading", { name: "You left the call" })).toBeDefined();
    const before = bridge.inputs("preview_start").length;
    await user.click(await screen.findByRole("button", { name: "Open it" }));
    expect(screen.getByText("amber-field-9032")).toBeDefined();
    expect(screen.getByRole("button", { name: "Turn on camera and microphone" })).toBeDefined();
    expect(bridge.inputs("preview_start")).toHaveLength(before);
  });

  it("of this very meeting says so", async () => {
    const { emit } = await openCall();
    await emit({ type: "link_opened", text: "http://127.0.0.1:8003/m/kestrel-lane-2741" });
    expect(await screen.findByText("The link that was opened is this meeting.")).toBeDefined();
  });

  it("that cannot be read says what is wrong with it", async () => {
    const { emit } = await openCall();
    await emit({ type: "link_opened", text: "nonsense" });
    expect(await screen.findByText(/“nonsense” is not a meeting code/)).toBeDefined();
  });
});

describe("a link that is opened during a preview", () => {
  const START = { kind: "start", title: "Design review" } as const;

  it("takes not its place, but is offered", async () => {
    const { emit, user, session } = await openWindow();
    await act(async () => session.openPreview(START));
    await emit({ type: "link_opened", text: OTHER_LINK });
    expect(screen.getByRole("heading", { name: "Ready to start?" })).toBeDefined();
    await user.click(await screen.findByRole("button", { name: "Open it" }));
    expect(screen.getByRole("heading", { name: "Ready to join?" })).toBeDefined();
    expect(screen.getByText("amber-field-9032")).toBeDefined();
  });

  it("waits while a join is under way, and is offered when that was refused", async () => {
    let refuse = (): void => undefined;
    const { emit, session } = await openWindow((world) => {
      const call = world.call.bind(world);
      world.call = (async (name, input) => {
        if (name !== "meeting_start") return call(name, input);
        return new Promise((_resolve, reject) => { refuse = () => reject({ code: "room_full", message: "It is full.", field: null }); });
      }) as typeof world.call;
    });
    await act(async () => {
      session.openPreview(START);
      void session.enter();
    });
    await emit({ type: "link_opened", text: OTHER_LINK });
    expect(await screen.findByText("You are joining another meeting. You can open it here after that.")).toBeDefined();
    expect(screen.queryByRole("button", { name: "Open it" })).toBeNull();
    expect(screen.getByRole("button", { name: "Starting" })).toBeDefined();
    await act(async () => refuse());
    expect(screen.getByText("The meeting is full.")).toBeDefined();
    expect(screen.getByRole("button", { name: "Open it" })).toBeDefined();
  });

  it("waits again when one opens it while another join has begun", async () => {
    const { emit, user, session, bridge } = await openWindow();
    await act(async () => session.openPreview(START));
    await emit({ type: "link_opened", text: OTHER_LINK });
    await act(async () => session.enter());
    await user.click(await screen.findByRole("button", { name: "Open it" }));
    expect(screen.getByRole("toolbar", { name: "Call controls" })).toBeDefined();
    expect(screen.getByText("You are in a call. You can open it here when you have left.")).toBeDefined();
    expect(bridge.inputs("meeting_join")).toHaveLength(0);
  });
});

describe("what the native side tells in passing", () => {
  it("is said in the window's language, by its code", async () => {
    const { emit } = await openCall(undefined, (world) => { world.settings.language = "en"; });
    await emit({ type: "notice", tone: "warn", message: "Native sentence.", code: "talking_while_muted" });
    expect(screen.getByText("You are muted. Hold Space to talk.")).toBeDefined();
    await emit({ type: "notice", tone: "info", message: "A sentence without a code." });
    expect(screen.getByText("A sentence without a code.")).toBeDefined();
  });

  it("is said of a refused message in German", async () => {
    const { emit, session } = await openCall();
    await act(async () => session.saveSettings({ ...session.state.settings, language: "de" }));
    await act(async () => session.dispatch({ type: "message_written", content: "Hallo" }));
    await emit({ type: "chat_refused", content: "Hallo", reason: "Native sentence.", code: "outbox_full" });
    expect(session.state.call?.chatState.pending[0]?.refused).toMatch(/^Zu viele Nachrichten warten auf das Netz\./);
    await act(async () => session.saveSettings({ ...session.state.settings, language: "en" }));
  });
});

describe("a device that appears", () => {
  const came: BridgeEvent = { type: "devices", devices: WITH_BUDS };

  async function offered(): Promise<TestWindow> {
    const opened = await openCall();
    await opened.emit(came);
    expect(screen.getByText("Buds is connected.")).toBeDefined();
    return opened;
  }

  it("is offered, and nothing changes before one takes it", async () => {
    const { user, bridge } = await offered();
    expect(bridge.inputs("choose_devices")).toHaveLength(0);
    await user.click(screen.getByRole("button", { name: "Use it" }));
    const chosen = { camera: { kind: "default" }, microphone: { kind: "device", id: "buds" }, speaker: { kind: "device", id: "buds-out" } };
    expect(bridge.inputs("choose_devices")).toEqual([{ devices: chosen }]);
    expect(bridge.settings.devices).toEqual(chosen);
  });

  it("is offered once, also when it goes and comes again", async () => {
    const { user, emit } = await offered();
    await user.click(screen.getByRole("button", { name: "Close" }));
    await emit({ type: "devices", devices: FIXTURE_DEVICES });
    await emit(came);
    expect(screen.queryByText("Buds is connected.")).toBeNull();
  });

  it("is not offered where no device is in use", async () => {
    const { emit } = await openWindow();
    await emit(came);
    expect(screen.queryByText("Buds is connected.")).toBeNull();
  });
});

