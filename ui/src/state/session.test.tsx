import { screen } from "@testing-library/react";
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

  it("opens at home when the native side does not know of a call, or does not answer", async () => {
    await openWindow((world) => world.refusals.set("window_state", { code: "internal", message: "", field: null }));
    expect(screen.getByRole("heading", { name: "Start a meeting" })).toBeDefined();
  });
});

describe("a link that is opened during a call", () => {
  it("is told, and the call goes on", async () => {
    const { emit } = await openCall();
    await emit({ type: "link_opened", text: OTHER_LINK });
    expect(await screen.findByText("A link was opened, and you are in a call.")).toBeDefined();
    expect(screen.getByText(/amber-field-9032 was not joined/)).toBeDefined();
    expect(screen.getByRole("toolbar", { name: "Call controls" })).toBeDefined();
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

