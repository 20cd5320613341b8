import { describe, expect, it } from "vitest";
import { FIXTURE_DEVICES } from "../bridge/fixture";
import type { DeviceProblem } from "../bridge/commands";
import { deviceOptions, isThere, newDevices, newProblems, problemWords, toggleState } from "./devices";

const NONE = { cameras: [], microphones: [], speakers: [] };
const problem = (reason: DeviceProblem["reason"], message = ""): DeviceProblem => ({ kind: "camera", reason, message, device: null });

describe("the devices to choose from", () => {
  it("are the system's default by name, each device, the test source and none", () => {
    expect(deviceOptions(FIXTURE_DEVICES, "microphone", { kind: "default" }).map(({ label }) => label)).toEqual([
      "System default · Built-in microphone", "Built-in microphone", "Shure MV7", "Test speech", "No microphone",
    ]);
    expect(deviceOptions(FIXTURE_DEVICES, "speaker", { kind: "default" }).at(-1)?.label).toBe("No sound");
  });

  it("keep a chosen device that is gone, dim and first", () => {
    const [first] = deviceOptions(FIXTURE_DEVICES, "camera", { kind: "device", id: "usb-cam" });
    expect(first).toMatchObject({ label: "usb-cam", gone: true, detail: "not connected" });
  });

  it("say that there is none when the default has nothing to be", () => {
    expect(deviceOptions(NONE, "camera", { kind: "default" })[0]).toMatchObject({ label: "No camera found", gone: true });
  });

  it("are the default and none while a browser tells no names", () => {
    const unnamed = { ...NONE, cameras: [{ id: "", name: "", is_default: true, detail: "" }] };
    expect(deviceOptions(unnamed, "camera", { kind: "default" }, false).map(({ label }) => label)).toEqual(["System default", "No camera"]);
  });

  it("show a file by its name", () => {
    expect(deviceOptions(NONE, "camera", { kind: "file", path: "/a/b/clip.y4m" }).at(-1)?.label).toBe("File clip.y4m");
  });
});

describe("a dock toggle", () => {
  it("tells on, off, starting, blocked and missing apart", () => {
    expect(toggleState(true, false, true, undefined)).toBe("on");
    expect(toggleState(false, false, true, undefined)).toBe("off");
    expect(toggleState(false, true, true, undefined)).toBe("pending");
    expect(toggleState(true, false, true, problem("blocked"))).toBe("blocked");
    expect(toggleState(true, false, true, problem("busy"))).toBe("blocked");
    expect(toggleState(true, false, false, undefined)).toBe("missing");
    expect(toggleState(true, true, true, problem("lost"))).toBe("missing");
  });

  it("knows what a choice could open", () => {
    expect(isThere(FIXTURE_DEVICES, "camera", { kind: "default" })).toBe(true);
    expect(isThere(NONE, "camera", { kind: "default" })).toBe(false);
    expect(isThere(NONE, "camera", { kind: "test" })).toBe(true);
    expect(isThere(FIXTURE_DEVICES, "camera", { kind: "device", id: "other" })).toBe(false);
    expect(isThere(FIXTURE_DEVICES, "camera", { kind: "none" })).toBe(false);
  });
});

describe("a device problem", () => {
  it("is told with what happened, why and what it costs", () => {
    expect(problemWords(problem("lost", "It was unplugged."))).toEqual({
      title: "Your camera stopped.",
      text: "It was unplugged. The others see your initials.",
    });
  });

  it("is new once", () => {
    const known = problem("busy");
    expect(newProblems({}, { camera: known })).toEqual([known]);
    expect(newProblems({ camera: known }, { camera: { ...known } })).toEqual([]);
    expect(newProblems({ camera: known }, { camera: problem("lost") })).toHaveLength(1);
    expect(newProblems({ camera: known }, {})).toEqual([]);
  });
});

describe("devices that came", () => {
  const buds = { id: "buds", name: "Buds", is_default: false, detail: "" };

  it("are those that were not listed before; a headset is one", () => {
    const after = { ...FIXTURE_DEVICES, microphones: [...FIXTURE_DEVICES.microphones, buds], speakers: [...FIXTURE_DEVICES.speakers, { ...buds, id: "buds-out" }] };
    expect(newDevices(FIXTURE_DEVICES, after)).toEqual([
      { name: "Buds", devices: { microphone: { kind: "device", id: "buds" }, speaker: { kind: "device", id: "buds-out" } } },
    ]);
    expect(newDevices(after, FIXTURE_DEVICES)).toEqual([]);
  });

  it("are not new when only their names are, as in a browser that was given leave", () => {
    const unnamed = { ...NONE, cameras: [{ id: "", name: "", is_default: true, detail: "" }] };
    expect(newDevices(unnamed, { ...unnamed, cameras: FIXTURE_DEVICES.cameras })).toEqual([]);
  });
});
